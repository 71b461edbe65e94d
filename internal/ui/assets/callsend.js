// Headgate, MIT licence. What this page sends into a call: camera and microphone in one
// publication, the screen in another beside it.
// @ts-check

import * as devices from "./devices.js";
import { SCREEN } from "./callplan.js";
import { asProblem } from "./problem.js";
import { TOGETHER } from "./simulcast.js";

/** @typedef {import("./headgate.js").Call} Call */
/** @typedef {import("./problem.js").Problem} Problem */

/** What is usual for a size; browsers send little without being told. */
const USUAL = new Map([[240, 300_000], [360, 600_000], [720, 1_700_000], [1080, 3_000_000]]);
/** A screen is mostly still, and must be sharp. */
const SCREEN_RATE = 2_500_000;

/** What every browser shows: not each of them has H.264, and the gateway makes no VP8 of it. */
const UNDERSTOOD = "VP8";

/** Dispatches "change" when the screen comes or goes, "trouble" (detail: a Problem). */
export class Sending extends EventTarget {
  /** @type {MediaStream | null} what of the screen is shown */
  screen = null;
  #work = Promise.resolve();
  #over = false;

  /** @param {Call} call @param {import("./callmedia.js").Media} media */
  constructor(call, media) {
    super();
    this.call = call;
    this.media = media;
    this.sync = this.sync.bind(this);
    media.addEventListener("change", this.sync);
    this.sync();
  }

  /** Sends what there is, one change after the other. */
  sync() {
    const { media } = this;
    // The others see the badge at once; what cannot be told is told with the next change.
    void this.call.muteSelf({ audio: !media.on("audio"), video: !media.on("video") }).catch(() => {});
    this.#work = this.#work.then(() => this.#send()).catch((thrown) => this.#trouble(thrown));
  }

  async #send() {
    if (this.#over) return;
    const { call, media } = this;
    const client = call.publishers.get("main");
    if (!media.audio && !media.video) return call.unpublish("main");
    if (!client || client.state === "error") return this.#publish();
    for (const kind of /** @type {const} */ (["audio", "video"])) {
      const sent = client.stream.getTracks().find((track) => track.kind === kind) ?? null;
      const track = media[kind];
      if (sent === track) continue;
      if (!track) await client.withdraw(kind);
      else if (!(await client.replace(track))) return this.#publish(); // was not offered yet
    }
    await client.limit(this.#rate());
  }

  /** @param {string} [codec] */
  #publish(codec = UNDERSTOOD) {
    const { call, media } = this;
    const simulcast = media.height >= 360;
    call.publish(media.stream, { simulcast, codec, bitrate: this.#rate() }).catch((thrown) => {
      const refused = asProblem(thrown).status === 422 && codec && !this.#over; // by a channel of other codecs
      if (refused) this.#publish("");
      else this.#trouble(thrown);
    });
  }

  #rate() {
    return Math.round((USUAL.get(this.media.height) ?? 1_000_000) * TOGETHER);
  }

  /** Shares the screen, or no longer. @returns {Promise<void>} */
  async share() {
    if (this.screen) return this.unshare();
    try {
      const stream = await devices.capture({ source: "screen", camera: "", microphone: "none", height: 1440, fps: 30, music: false });
      if (this.#over) return devices.stop(stream);
      this.screen = stream;
      // The browser's own bar has a button that ends it.
      for (const track of stream.getVideoTracks()) track.addEventListener("ended", () => this.screen === stream && void this.unshare());
      this.#changed();
      const send = (/** @type {string} */ codec) => this.call.publish(stream, { source: SCREEN, codec, bitrate: SCREEN_RATE });
      await send(UNDERSTOOD).catch((thrown) => (asProblem(thrown).status === 422 ? send("") : Promise.reject(thrown)));
    } catch (thrown) {
      const problem = asProblem(thrown);
      if (problem.code === "stopped") return;
      await this.unshare();
      this.#trouble(problem);
    }
  }

  async unshare() {
    const { screen } = this;
    if (!screen) return;
    this.screen = null;
    devices.stop(screen);
    this.#changed();
    await this.call.unpublish(SCREEN);
  }

  /** Sends nothing from now on; the call ends its sessions. */
  close() {
    this.#over = true;
    this.media.removeEventListener("change", this.sync);
    devices.stop(this.screen);
    this.screen = null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {unknown} thrown */
  #trouble(thrown) {
    const problem = asProblem(thrown);
    if (problem.code !== "stopped" && !this.#over) this.dispatchEvent(new CustomEvent("trouble", { detail: problem }));
  }
}
