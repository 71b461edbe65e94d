// Headgate, MIT licence. Plays the people of a call: one WHEP session with several
// slots of sound and picture, which the gateway fills with whoever is there, so that
// nothing is negotiated again when people come and go.
//
//   import { SlotsClient } from "./slots.js";
//   const others = new SlotsClient("https://gateway.example/whep/team?participant=anna", { slots: 9, events: true });
//   others.addEventListener("slot", ({ detail: slot }) => console.log(slot.index, slot.participant));
//   for (const slot of others.slots) video(slot.index).srcObject = slot.stream;
//   await others.play();
//
// Copy it with wish.js, events.js, connection.js, resource.js, problem.js and sdp.js.
// @ts-check

import { extension, listen } from "./events.js";
import { asProblem, problemFrom } from "./problem.js";
import { addressIn, bearer } from "./resource.js";
import { linksOf } from "./sdp.js";
import { WishClient } from "./wish.js";

/**
 * @typedef {import("./wish.js").WishOptions & {
 *   slots?: number,
 *   chat?: boolean,
 *   events?: boolean,
 * }} SlotsOptions slots: how many people at once, 9 without; chat: open a data channel
 *   for chat; events: be told who is in the slots by the session's own stream, for
 *   players that are no members of the call
 *
 * @typedef {object} Slot
 * @property {number} index
 * @property {string} participant empty while nobody is in it
 * @property {string} source
 * @property {boolean} pinned
 * @property {boolean} unplayable whether the picture is of a codec that this browser did not offer
 * @property {MediaStream} stream for a video element; the same object always
 */

/** The Link with which a gateway says that a session has slots. */
const RELATION = "https://headgate.dev/rel/slots";
/** Codecs that may be played, and what repairs them. */
const PLAYABLE = /^video\/(h264|h265|vp8|vp9|av1|rtx)$/i;
/** Profiles that nobody sends: each would be in the offer once for every slot. */
const RARE = /packetization-mode=0|profile-id=[123]\b|profile=[12]\b|tx-mode=MRST/i;
/** How long sizes are collected before they are told, in milliseconds. */
const SETTLE = 200;

/**
 * Dispatches "slot" (detail: the Slot) when another one is in it, "track" (detail: the
 * Slot) when its tracks changed, and "message" (detail: the data) for chat.
 */
export class SlotsClient extends WishClient {
  /** @type {Slot[]} */
  slots;
  /** Public id of the session, as the gateway's events and REST call it. */
  session = "";
  /** Whether it is known who is in the slots. */
  known = false;
  #wanted;
  /** Where the slots are; empty without a session. */
  #at = "";
  /** @type {Map<number, {maxWidth?: number, maxHeight?: number, hidden?: boolean}>} */
  #sizes = new Map();
  /** @type {Set<number>} sizes that are to be told */
  #changed = new Set();
  #settling = 0;
  #heard = false;
  /** @type {RTCDataChannel | null} */
  #chat = null;

  /** @param {string} url the endpoint @param {SlotsOptions} [options] */
  constructor(url, options = {}) {
    super(url, options);
    this.#wanted = { chat: options.chat ?? false, events: options.events ?? false };
    this.slots = Array.from({ length: options.slots ?? 9 }, (_, index) => ({ index, participant: "", source: "", pinned: false, unplayable: false, stream: new MediaStream() }));
  }

  /**
   * Plays until stop().
   * @returns {Promise<void>} settles with the first connection, or the refusal
   */
  play() {
    return this.start();
  }

  /**
   * Says how large a slot is shown, so that nothing larger is sent in vain.
   * @param {number} index
   * @param {{ width?: number, height?: number, hidden?: boolean }} box in pixels of the device; hidden: no picture is wanted
   */
  fit(index, { width = 0, height = 0, hidden = false }) {
    const size = hidden ? { hidden } : { hidden, ...(width && { maxWidth: Math.ceil(width) }), ...(height && { maxHeight: Math.ceil(height) }) };
    if (JSON.stringify(this.#sizes.get(index)) === JSON.stringify(size)) return;
    this.#sizes.set(index, size);
    this.#changed.add(index);
    this.#tellSizes();
  }

  /**
   * Keeps a slot for somebody, who need not be there.
   * @param {number} index
   * @param {string} participant
   * @param {string} [source] main, or what they send, without
   * @throws {import("./problem.js").Problem}
   */
  pin(index, participant, source) {
    return this.#ask("PUT", `/${index}`, { participant, ...(source && { source }) });
  }

  /** Lets the gateway fill a slot. @param {number} index @throws {import("./problem.js").Problem} */
  unpin(index) {
    return this.#ask("DELETE", `/${index}`);
  }

  /**
   * Says something to everybody.
   * @param {string} text
   * @returns {boolean} false while there is no data channel; use REST then
   */
  say(text) {
    if (this.#chat?.readyState !== "open") return false;
    this.#chat.send(text);
    return true;
  }

  /** Takes in who is in the slots. @param {any} told the data of a slots event, or of GET */
  fill(told) {
    this.known = Boolean(this.#at && told?.slots);
    for (const one of Array.isArray(told?.slots) ? told.slots : []) {
      const slot = this.slots[one?.slot];
      if (!slot) continue;
      const participant = typeof one.participant === "string" ? one.participant : "";
      const source = participant && typeof one.source === "string" ? one.source : "";
      const [pinned, unplayable] = [one.pinned === true, one.unplayable === true];
      if (slot.participant === participant && slot.source === source && slot.pinned === pinned && slot.unplayable === unplayable) continue;
      Object.assign(slot, { participant, source, pinned, unplayable });
      this.dispatchEvent(new CustomEvent("slot", { detail: slot }));
    }
  }

  /** Takes an event of a member stream in, if it is for this session. @param {any} data */
  hear(data) {
    if (!this.session || data?.session !== this.session) return;
    this.#heard = true;
    this.fill(data);
  }

  /** @override @param {RTCPeerConnection} pc */
  prepare(pc) {
    this.session = "";
    for (const slot of this.slots) {
      for (const kind of /** @type {const} */ (["audio", "video"])) {
        const transceiver = pc.addTransceiver(kind, { direction: "recvonly" });
        prefer(transceiver, kind);
        this.#expect(slot, transceiver.receiver.track);
      }
    }
    if (this.#wanted.chat) this.#open(pc.createDataChannel("chat"));
  }

  /** @override @param {Response} response @param {AbortSignal} signal */
  opened(response, signal) {
    this.session = response.headers.get("Headgate-Session") ?? "";
    this.#heard = false;
    const link = linksOf(response.headers.get("Link") ?? "").find(({ parameters }) => parameters.get("rel") === RELATION);
    this.#at = link ? addressIn(response, link.target) : "";
    this.#changed = new Set(this.#sizes.keys());
    if (this.#at) void this.#look();
    this.#tellSizes();
    const events = extension(response, "server-sent-events");
    if (events && this.#wanted.events) void listen(events, ["slots"], () => this.token, (_, data) => this.fill(data), signal);
    signal.addEventListener("abort", () => this.#ended());
  }

  #ended() {
    this.#at = "";
    this.fill({ slots: this.slots.map((_, slot) => ({ slot, participant: null })) });
  }

  /** Asks who is there, unless an event was quicker. */
  async #look() {
    const told = await this.#ask("GET", "").catch(() => null);
    if (!this.#heard) this.fill(told);
  }

  #tellSizes() {
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => void this.#sendSizes(), SETTLE);
  }

  async #sendSizes() {
    if (!this.#at || this.#changed.size === 0) return;
    const changed = [...this.#changed];
    this.#changed.clear();
    try {
      await this.#ask("PATCH", "", changed.map((slot) => ({ slot, ...this.#sizes.get(slot) })));
    } catch (thrown) {
      if (!asProblem(thrown).passing) return; // it then sends what it thinks right
      for (const slot of changed) this.#changed.add(slot);
      this.#settling = window.setTimeout(() => void this.#sendSizes(), 2000);
    }
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #ask(method, path, body) {
    if (!this.#at) return null;
    const response = await fetch(this.#at + path, {
      method, cache: "no-store", signal: AbortSignal.timeout(10_000),
      headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...bearer(this.token) }, ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw await problemFrom(response);
    return response.json().catch(() => null);
  }

  /**
   * A track is taken when its first packet is there: a section that stays empty would
   * keep some browsers from showing the other.
   * @param {Slot} slot
   * @param {MediaStreamTrack} track
   */
  #expect(slot, track) {
    for (const old of slot.stream.getTracks()) if (old.kind === track.kind) slot.stream.removeTrack(old);
    const take = () => {
      slot.stream.addTrack(track);
      this.dispatchEvent(new CustomEvent("track", { detail: slot }));
    };
    if (track.muted) track.addEventListener("unmute", take, { once: true });
    else take();
  }

  /** @param {RTCDataChannel} channel */
  #open(channel) {
    this.#chat = channel;
    channel.addEventListener("message", ({ data }) => {
      const told = typeof data === "string" ? parsed(data) : null;
      if (told?.type) this.dispatchEvent(new CustomEvent(told.type === "error" ? "chat-error" : "message", { detail: told }));
    });
  }
}

/** @param {RTCRtpTransceiver} transceiver @param {"audio" | "video"} kind */
function prefer(transceiver, kind) {
  const all = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const wanted = all.filter((c) => (kind === "video" ? PLAYABLE.test(c.mimeType) && !RARE.test(c.sdpFmtpLine ?? "") : /^audio\/opus$/i.test(c.mimeType)));
  try {
    if (wanted.length) transceiver.setCodecPreferences(wanted);
  } catch {
    // A browser that cannot offers all it has.
  }
}

/** @param {string} data @returns {any} null when it is no object */
function parsed(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
