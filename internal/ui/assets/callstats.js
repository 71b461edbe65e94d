// Headgate, MIT licence. The numbers of a call: what goes up, what comes down.
// @ts-check

import { byID } from "./dom.js";
import { StatsReader, fill, show } from "./stats.js";

export class Numbers {
  #box = byID("numbers", HTMLDListElement);
  /** @type {Map<string, { pc: RTCPeerConnection, reader: StatsReader }>} */
  #readers = new Map();

  /** @param {() => import("./headgate.js").Call | null} call */
  constructor(call) {
    this.call = call;
    setInterval(() => void this.#measure(), 1500);
  }

  /** @param {boolean} open */
  toggle(open) {
    this.#box.hidden = !open;
  }

  async #measure() {
    const call = this.call();
    if (!call || this.#box.hidden || document.hidden) return;
    const up = await this.#read("up", call.publishers.get("main")?.pc);
    const screen = await this.#read("screen", call.publishers.get("screen")?.pc);
    const down = await this.#read("down", call.others?.pc);
    const filled = call.others?.slots.filter((slot) => slot.participant).length ?? 0;
    fill(this.#box, [
      ["You send", up?.video ? `${up.video.codec || "–"} ${show.size(up.video)}, ${show.rate(up.video.bitrate)}` : "no picture"],
      ["Your sound", up?.audio ? show.rate(up.audio.bitrate) : "none"],
      ...(screen?.video ? /** @type {[string, string][]} */ ([["Your screen", `${screen.video.codec || "–"} ${show.size(screen.video)}, ${show.rate(screen.video.bitrate)}`]]) : []),
      ["You get", `${show.rate(down?.video?.bitrate)} of pictures, ${show.rate(down?.audio?.bitrate)} of sound`],
      ["People in slots", `${filled} of ${call.others?.slots.length ?? 0}`],
      ["Round trip", show.time(down?.rtt ?? up?.rtt)],
      ["Loss", show.share(down?.video?.loss ?? down?.audio?.loss)],
      ["Path", down?.path || up?.path || "–"],
    ]);
  }

  /** @param {string} name @param {RTCPeerConnection | null | undefined} pc */
  async #read(name, pc) {
    if (!pc || pc.connectionState !== "connected") return undefined;
    let one = this.#readers.get(name);
    if (one?.pc !== pc) this.#readers.set(name, (one = { pc, reader: new StatsReader() }));
    return one.reader.read(pc);
  }
}
