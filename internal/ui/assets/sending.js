// Headgate, MIT licence. The numbers of the publish page: what is sent, layer by
// layer, and what the gateway gets of it.
// @ts-check

import { byID, el } from "./dom.js";
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
    this.#showLayers(video?.layers ?? []);
    this.#showHeld(video?.limited ?? "");
  }

  /** @param {SentLayer[]} layers */
  #showLayers(layers) {
    this.report.closely = layers.length > 0;
    const got = new Map(this.report.layers.map((layer) => [layer.rid, layer]));
    const told = this.report.layers.length > 0;
    table(byID("layer-rows", HTMLElement), layers.toReversed().map((layer) => {
      const waits = layer.bitrate !== undefined && !sends(layer);
      const gets = got.get(layer.rid)?.bits_per_second;
      return [layer.rid, waits ? "–" : show.size(layer), waits ? "–" : show.fps(layer.fps), waits ? (layer.active ? "waiting" : "not sent") : show.rate(layer.bitrate),
        waits || sends(layer) ? stateOf(layer) : "", told ? (gets > 0 ? show.rate(gets) : "nothing") : "–"];
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
 * Why a layer is not what it could be, in a word. Browsers withhold the larger ones
 * while they do not know what the network takes.
 * @param {SentLayer} layer
 * @returns {string}
 */
export function stateOf(layer) {
  if (sends(layer)) return { cpu: "held back by this computer", bandwidth: "held back by the network" }[layer.limited] ?? "";
  if (!layer.active) return "the picture is too small for more";
  return layer.limited === "cpu" ? "this computer cannot encode it too" : "until the network takes more";
}

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
    line.classList.toggle("waiting", row[1] === "–");
  });
}
