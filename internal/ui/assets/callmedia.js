// Headgate, MIT licence. The own camera and microphone on the call page: opened before
// joining, switched and changed in the call, remembered for the next one.
// @ts-check

import * as devices from "./devices.js";
import { asProblem } from "./problem.js";

/** @typedef {import("./problem.js").Problem} Problem */
/** @typedef {"audio" | "video"} Kind */

const KEY = "headgate-call";

/** What is remembered of a person in this browser. */
export class Memory {
  /** @type {{ name?: string, camera?: string, microphone?: string, height?: number, cameraOn?: boolean, microphoneOn?: boolean }} */
  value = {};

  constructor() {
    try {
      const value = JSON.parse(localStorage.getItem(KEY) ?? "{}");
      if (value !== null && typeof value === "object") this.value = value;
    } catch {
      // Nothing is remembered where storage is switched off.
    }
  }

  /** @param {Partial<Memory["value"]>} news */
  keep(news) {
    Object.assign(this.value, news);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.value));
    } catch {
      // As above.
    }
  }
}

/** Dispatches "change" whenever a track comes or goes, "lost" (detail: Kind) when a device is unplugged. */
export class Media extends EventTarget {
  /** @type {MediaStreamTrack | null} its `enabled` is false while muted */
  audio = null;
  /** @type {MediaStreamTrack | null} null while the camera is off */
  video = null;
  /** @type {Problem | null} why one of them is missing */
  problem = null;
  /** Whether somebody was asked for the devices yet. */
  asked = false;
  #memory;
  /** Each attempt makes those before it void. */
  #attempt = 0;

  /** @param {Memory} memory */
  constructor(memory) {
    super();
    this.#memory = memory;
    this.wanted = this.#remembered();
  }

  #remembered() {
    const { microphoneOn, cameraOn } = this.#memory.value;
    return { audio: microphoneOn !== false, video: cameraOn !== false };
  }

  /** What there is to send. */
  get stream() {
    return new MediaStream([this.audio, this.video].filter((track) => track !== null));
  }

  get height() {
    return this.#memory.value.height ?? 720;
  }

  /** Which device is chosen; empty lets the browser choose. @param {Kind} kind */
  chosen(kind) {
    return this.#memory.value[kind === "audio" ? "microphone" : "camera"] ?? "";
  }

  /** Asks for both anew, after a refusal. */
  again() {
    this.wanted = { audio: true, video: true };
    return this.open();
  }

  /** Opens what is wanted and not open yet. Never throws: see `problem`. */
  async open() {
    const attempt = ++this.#attempt;
    const missing = { audio: this.wanted.audio && !this.audio, video: this.wanted.video && !this.video };
    this.asked = true;
    this.problem = devices.whyNot("camera");
    if (this.problem || (!missing.audio && !missing.video)) return this.#changed();
    let refused = false;
    // Both together ask the person once; one alone helps when the other is missing.
    const ways = missing.audio && missing.video ? [missing, { audio: true, video: false }, { audio: false, video: true }] : [missing];
    for (const kinds of ways) {
      if (refused && !(await granted(kinds))) continue;
      try {
        const stream = await this.#capture(kinds);
        if (attempt !== this.#attempt) return devices.stop(stream);
        for (const track of stream.getTracks()) this.#take(track);
        break;
      } catch (thrown) {
        if (attempt !== this.#attempt) return;
        this.problem ??= asProblem(thrown);
        refused ||= this.problem.code === "refused";
      }
    }
    for (const kind of /** @type {const} */ (["audio", "video"])) if (missing[kind] && !this[kind]) this.wanted[kind] = false;
    this.#changed();
  }

  /** @param {{ audio: boolean, video: boolean }} kinds */
  #capture(kinds) {
    const pick = (/** @type {Kind} */ kind) => (kinds[kind] ? this.chosen(kind) : "none");
    const wish = { source: /** @type {const} */ ("camera"), camera: pick("video"), microphone: pick("audio"), height: this.height, fps: 30, music: false };
    return devices.capture(wish).catch((thrown) => {
      // What was chosen last time may be at another desk today.
      if (asProblem(thrown).code !== "unavailable") throw thrown;
      return devices.capture({ ...wish, camera: kinds.video ? "" : "none", microphone: kinds.audio ? "" : "none" });
    });
  }

  /** @param {MediaStreamTrack} track */
  #take(track) {
    const kind = track.kind === "audio" ? "audio" : "video";
    this[kind]?.stop();
    this[kind] = track;
    if (kind === "video") track.contentHint = "motion";
    track.addEventListener("ended", () => {
      if (this[kind] !== track) return;
      this[kind] = null;
      this.wanted[kind] = false;
      this.#changed();
      this.dispatchEvent(new CustomEvent("lost", { detail: kind }));
    });
  }

  /** Whether a kind is to be heard or seen. @param {Kind} kind */
  on(kind) {
    return kind === "audio" ? Boolean(this.audio?.enabled) : this.video !== null;
  }

  /**
   * Switches microphone or camera. A microphone that was open stays so, muted: it is
   * back at once. A camera goes out, and its light too.
   * @param {Kind} kind
   * @param {boolean} on
   */
  async turn(kind, on) {
    this.wanted[kind] = on;
    this.#memory.keep(kind === "audio" ? { microphoneOn: on } : { cameraOn: on });
    if (kind === "audio" && this.audio) this.audio.enabled = on;
    if (kind === "video" && !on) {
      this.video?.stop();
      this.video = null;
    }
    if (on && !this[kind]) await this.open();
    else this.#changed();
  }

  /** Takes another device. @param {Kind} kind @param {string} id */
  async choose(kind, id) {
    this.#memory.keep(kind === "audio" ? { microphone: id } : { camera: id });
    await this.#renew(kind);
  }

  /** @param {number} height of the picture */
  async size(height) {
    this.#memory.keep({ height });
    await this.#renew("video");
  }

  /** @param {Kind} kind */
  async #renew(kind) {
    const old = this[kind];
    if (!old) return this.#changed();
    const enabled = old.enabled;
    this[kind] = null;
    old.stop(); // some cameras cannot be opened twice
    await this.open();
    const fresh = /** @type {MediaStreamTrack | null} */ (this[kind]);
    if (fresh) fresh.enabled = enabled;
    this.#changed();
  }

  /** Lets go of everything: the lights go out. */
  close() {
    this.#attempt++;
    devices.stop(this.stream);
    this.audio = this.video = null;
    this.#changed();
  }

  /** Sends nothing until one is switched on. */
  decline() {
    this.wanted = { audio: false, video: false };
    this.asked = true;
    this.problem = null;
    this.close();
  }

  /** As before anybody was asked. */
  reset() {
    this.wanted = this.#remembered();
    this.asked = false;
    this.problem = null;
    this.close();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Whether the person allows this kind without being asked. @param {{ audio: boolean, video: boolean }} kinds one of them */
async function granted({ audio }) {
  try {
    const name = /** @type {PermissionName} */ (/** @type {unknown} */ (audio ? "microphone" : "camera"));
    return (await navigator.permissions.query({ name })).state === "granted";
  } catch {
    return false;
  }
}
