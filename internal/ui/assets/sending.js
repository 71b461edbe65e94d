// Headgate, MIT licence. The numbers of the publish page: what is sent, layer by
// layer, and what the gateway gets of it.
// @ts-check

import { byID, el } from "./dom.js";
import { LAYERS } from "./simulcast.js";
import { StatsReader, fill, show } from "./stats.js";

/** @typedef {import("./stats.js").SentLayer} SentLayer */

/** A layer that sends less than this, in bits per second, sends nothing worth naming. */
const NOTHING = 1000;
/** Every stream starts small: for so many seconds that is not worth a word. */
const GRACE = 12;

const WORDS = new Map([["cpu", "This computer cannot encode faster; a smaller picture helps."], ["bandwidth", "The network takes no more right now."]]);

export class Sending {
  /** @type {{ pc: RTCPeerConnection | null, reader: StatsReader }} */
  #reading = { pc: null, reader: new StatsReader() };
  #heldFor = 0;

  /**
   * Shows new numbers once a second.
   * @param {() => import("./whip.js").WHIPClient | null} client
   * @param {import("./report.js").Report} report
   */
  constructor(client, report) {
    this.client = client;
    this.report = report;
    setInterval(() => void this.#measure(), 1000);
  }

  async #measure() {
    const client = this.client();
    const pc = client?.pc ?? null;
    if (pc !== this.#reading.pc) this.#reading = { pc, reader: new StatsReader() };
    byID("layers", HTMLElement).hidden = !client?.layers.length;
    if (!client || !pc) return;
    const { video, audio, rtt } = await this.#reading.reader.read(pc);
    fill(byID("numbers", HTMLDListElement), [
      ["Video", video ? `${video.codec || "–"}, ${show.rate(video.bitrate)}` : "none"], ["Size", show.size(video)], ["Frames per second", show.fps(video?.fps)],
      ["Audio", audio ? `${audio.codec || "–"}, ${show.rate(audio.bitrate)}` : "none"], ["Round trip", show.time(rtt)], ["Loss", show.share(video?.loss ?? audio?.loss)],
    ]);
    this.#showLayers(client, video?.layers ?? []);
    this.#showHeld(video?.limited ?? "");
  }

  /** @param {import("./whip.js").WHIPClient} client @param {SentLayer[]} layers */
  #showLayers(client, layers) {
    this.report.closely = layers.length > 0;
    const height = client.stream.getVideoTracks()[0]?.getSettings().height ?? 0;
    const got = new Map(this.report.layers.map((layer) => [layer.rid, layer]));
    table(byID("layer-rows", HTMLElement), layers.toReversed().map((layer) => {
      const gets = got.get(layer.rid)?.bits_per_second;
      const told = this.report.layers.length > 0;
      const on = sends(layer) || layer.bitrate === undefined;
      return [layer.rid, on ? show.size(layer) : "–", on ? show.fps(layer.fps) : "–",
        on ? show.rate(layer.bitrate) : "waiting", on && !sends(layer) ? "" : stateOf(layer, height), told ? (gets > 0 ? show.rate(gets) : "nothing") : "–"];
    }));
  }

  /** Says why the picture is smaller than it could be, once it stays so. @param {string} limited */
  #showHeld(limited) {
    this.#heldFor = limited ? this.#heldFor + 1 : 0;
    const text = this.#heldFor > GRACE ? WORDS.get(limited) ?? "" : "";
    const note = byID("held", HTMLElement);
    if (note.textContent !== text) note.textContent = text;
  }
}

/** @param {SentLayer} layer */
const sends = (layer) => (layer.bitrate ?? 0) > NOTHING && Boolean(layer.fps);

/**
 * Why a layer is not what it could be, in a word. Browsers withhold layers of small
 * pictures, and the larger ones while they do not know what the network takes.
 * @param {SentLayer} layer
 * @param {number} height of the whole picture
 * @returns {string}
 */
export function stateOf(layer, height) {
  if (sends(layer)) return { cpu: "held back by this computer", bandwidth: "held back by the network" }[layer.limited] ?? "";
  const scale = LAYERS.find((l) => l.rid === layer.rid)?.scale ?? 1;
  if (height && scale > 1 && height / scale < SMALL) return "the picture is too small for it";
  return layer.limited === "cpu" ? "this computer cannot encode it too" : "until the network takes more";
}

/** Browsers send no layer with fewer lines. */
const SMALL = 135;

const cell = { "data-cell": "" };

/**
 * Fills the rows of a table, reusing its cells.
 * @param {HTMLElement} body
 * @param {string[][]} rows rid, size, frames, rate, word on it, what the gateway gets
 */
function table(body, rows) {
  while (body.childElementCount > rows.length) body.lastElementChild?.remove();
  rows.forEach((row, i) => {
    const line = body.children[i] ?? body.appendChild(el("tr", {}, el("th", { scope: "row", ...cell }), el("td", cell), el("td", cell), el("td", {}, el("span", cell), el("small", cell)), el("td", cell)));
    const cells = line.querySelectorAll("[data-cell]");
    row.forEach((text, j) => cells[j].textContent !== text && (cells[j].textContent = text));
    line.classList.toggle("waiting", row[3] === "waiting");
  });
}
