// Headgate, MIT licence. The numbers over the picture of the watch page.
// @ts-check

import { byID } from "./dom.js";
import { labelOf } from "./quality.js";
import { StatsReader, fill, show } from "./stats.js";

/** @typedef {import("./stats.js").Reading} Reading */
/** @typedef {import("./layers.js").PlayLayer} PlayLayer */

export class Overlay {
  #box = byID("stats", HTMLElement);
  #button = byID("stats-button", HTMLButtonElement);
  /** @type {{ pc: RTCPeerConnection | null, reader: StatsReader }} */
  #reading = { pc: null, reader: new StatsReader() };

  /**
   * @param {() => import("./whep.js").WHEPClient | null} client
   * @param {import("./report.js").Report} report
   */
  constructor(client, report) {
    this.client = client;
    this.report = report;
    this.#button.addEventListener("click", () => this.toggle());
  }

  /** @param {boolean} [open] the other way round without */
  toggle(open = this.#box.hidden) {
    this.#box.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    this.report.closely = open;
    if (open) void this.report.ask();
  }

  /** Reads the numbers once a second, shown or not: rates then are there at once. */
  start() {
    setInterval(() => void this.#measure(), 1000);
  }

  async #measure() {
    const client = this.client();
    const pc = client?.pc ?? null;
    if (pc !== this.#reading.pc) this.#reading = { pc, reader: new StatsReader() };
    if (!client || !pc) return;
    const reading = await this.#reading.reader.read(pc);
    byID("stage", HTMLElement).dataset.sound = String(!reading.video?.width && Boolean(reading.audio?.bitrate));
    if (!this.#box.hidden) fill(byID("numbers", HTMLDListElement), rows(reading, client, this.report.viewer));
  }
}

/**
 * @param {Reading} r
 * @param {import("./whep.js").WHEPClient} client
 * @param {Record<string, any>} told what the gateway says of this viewer
 * @returns {[string, string][]}
 */
function rows(r, client, told) {
  const { video: v, audio: a } = r;
  /** @type {[string, string][]} */
  const list = [["Picture", show.size(v)], ["Frames per second", show.fps(v?.fps)]];
  if (client.layers.length > 1) list.push(["Layer", layerText(client, v, told)]);
  list.push(["Video", v ? `${v.codec || "–"}, ${show.rate(v.bitrate)}` : "–"], ["Audio", a?.codec ? `${a.codec}, ${show.rate(a.bitrate)}` : "–"]);
  for (const [name, words] of GATEWAY) if (told[name] > 0) list.push([words, name.endsWith("_ns") ? show.time(told[name] / 1e6) : show.rate(told[name])]);
  if (told.switches > 0) list.push(["Switches", String(told.switches)]);
  return [...list,
    ["Gateway to screen", show.time(delayOf(r))], ["Round trip", show.time(r.rtt)],
    ["Freezes", v?.freezes === undefined ? "–" : `${v.freezes} (${(v.frozen ?? 0).toFixed(1)} s)`],
    ["Packets lost", lossText(v ?? a)], ["Repaired", v?.repaired === undefined ? "–" : String(v.repaired)],
    ["Path", r.path || "–"]];
}

/** What the gateway may tell of a viewer, and what it is called here. */
const GATEWAY = /** @type {const} */ ([
  ["estimate_bits_per_second", "Network takes"], ["queue_ns", "Waiting on the way"],
]);

/**
 * The layer on the screen, by what the gateway says or by its size; encoders that are
 * short of time scale it down for a while.
 * @param {import("./whep.js").WHEPClient} client
 * @param {{ width?: number, height?: number } | undefined} video
 * @param {Record<string, any>} told
 */
function layerText(client, video, told) {
  const { layers, selection } = client;
  const shown = layers.find((l) => l.rid !== "" && l.rid === told.layer && (!video?.height || !l.height || l.height === video.height)) ?? layers.find((l) => l.height > 0 && l.height === video?.height)
    ?? layers.find((l) => l.rid !== "" && l.rid === told.layer);
  const name = shown ? shown.rid || labelOf(shown) : "–";
  return `${name} of ${layers.map((l) => l.rid || labelOf(l)).join(", ")}${Object.keys(selection).length ? ", chosen" : ""}`;
}

/** From the gateway to the screen: half a round trip, and the time in the jitter buffer. @param {Reading} r */
function delayOf({ rtt, video, audio }) {
  const buffer = video?.delay ?? audio?.delay;
  return buffer === undefined || rtt === undefined ? undefined : buffer + rtt / 2;
}

/** @param {import("./stats.js").Stream | undefined} stream */
const lossText = (stream) => (stream?.lost === undefined ? "–" : `${Math.max(0, stream.lost)} (${show.share(stream.loss)} now)`);
