// Headgate, MIT licence. Publishes camera, screen or any MediaStream to a
// server that speaks WHIP (RFC 9725).
//
//   import { WHIPClient } from "./whip.js";
//   const client = new WHIPClient("https://gateway.example/whip/live", { token });
//   client.addEventListener("state", () => console.log(client.state, client.problem?.message));
//   await client.publish(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
//   …
//   await client.stop();
//
// Copy it with simulcast.js, wish.js, connection.js, resource.js, problem.js and
// sdp.js; nothing else is needed.
// @ts-check

import { withStereo } from "./sdp.js";
import { arranged, encodings, simulcastCodecs, takenLayers, worth } from "./simulcast.js";
import { WishClient } from "./wish.js";

/**
 * @typedef {import("./wish.js").WishOptions & {
 *   codec?: string,
 *   bitrate?: number,
 *   stereo?: boolean,
 *   simulcast?: boolean,
 * }} WHIPOptions codec: "H264", "VP8", "VP9" or "AV1", all without; bitrate:
 *   highest of the video in bits per second, all layers together, the browser's
 *   choice without; stereo: send Opus in stereo at 128 kbit/s, for music;
 *   simulcast: send H264 or VP8 in two or three sizes, as the picture is
 *   worth, where the server takes them
 */

/** Publishes one MediaStream: at most one audio and one video track. */
export class WHIPClient extends WishClient {
  /** What is sent; its own object, the tracks are those given. */
  stream = new MediaStream();
  /** @type {string[]} RIDs of the layers the server takes; none where the picture is sent once */
  layers = [];
  /** @type {RTCRtpSender | null} whose picture was offered in layers */
  #layered = null;
  /** @type {Promise<void>} */
  #arranging = Promise.resolve();

  /**
   * @param {string} url the endpoint
   * @param {WHIPOptions} [options]
   */
  constructor(url, options = {}) {
    super(url, options);
    this.codec = options.codec ?? "";
    this.bitrate = options.bitrate ?? 0;
    this.stereo = options.stereo ?? false;
    /** May be changed at any time: the next connection uses it. */
    this.simulcast = options.simulcast ?? false;
  }

  /**
   * Publishes until stop(); lost connections come back by themselves.
   * @param {MediaStream} stream
   * @returns {Promise<void>} settles with the first connection
   * @throws {import("./problem.js").Problem} when the server refuses for good
   */
  publish(stream) {
    this.stream = new MediaStream(stream.getTracks());
    return this.start();
  }

  /**
   * Sends another track of the same kind from now on, without renegotiation.
   * @param {MediaStreamTrack} track
   * @returns {Promise<boolean>} false when this kind was not offered: publish again then
   */
  async replace(track) {
    for (const old of this.stream.getTracks()) if (old.kind === track.kind) this.stream.removeTrack(old);
    this.stream.addTrack(track);
    const sender = this.pc?.getTransceivers().find((t) => t.receiver.track.kind === track.kind)?.sender;
    await sender?.replaceTrack(track);
    if (track.kind === "video") await this.#arrange();
    return this.pc === null || sender !== undefined; // without a connection the next one offers it
  }

  /**
   * Sends nothing of a kind from now on, until replace(): a camera may go out, and
   * nothing is negotiated.
   * @param {"audio" | "video"} kind
   */
  async withdraw(kind) {
    for (const old of this.stream.getTracks()) if (old.kind === kind) this.stream.removeTrack(old);
    const sender = this.pc?.getTransceivers().find((t) => t.receiver.track.kind === kind)?.sender;
    await sender?.replaceTrack(null);
    // Firefox goes on with a black picture a second.
    if (sender && kind === "video") await this.#change(sender, ({ encodings }) => encodings.forEach((encoding) => (encoding.active = false)));
  }

  /** @param {number} bitsPerSecond highest rate of the video, all layers together; 0 leaves it to the browser */
  limit(bitsPerSecond) {
    this.bitrate = bitsPerSecond;
    return this.#arrange();
  }

  /** Tells the browser how to send the picture, from what is wanted and what it is. */
  #arrange() {
    const sender = this.pc?.getSenders().find((s) => s.track?.kind === "video");
    if (!sender) return Promise.resolve();
    const { width, height } = sender.track?.getSettings() ?? {};
    return this.#change(sender, ({ encodings }) => {
      if (sender === this.#layered) return void arranged(encodings, this.layers.length ? worth(width, height) : 1, this.bitrate);
      encodings[0].active = true;
      if (this.bitrate) encodings[0].maxBitrate = this.bitrate;
      else delete encodings[0].maxBitrate;
    });
  }

  /**
   * Changes parameters one after the other: what was read is void after the next change.
   * @param {RTCRtpSender} sender
   * @param {(parameters: RTCRtpSendParameters) => void} change
   */
  #change(sender, change) {
    return (this.#arranging = this.#arranging.catch(() => {}).then(async () => {
      const parameters = sender.getParameters();
      if (!parameters.encodings.length) return;
      change(parameters);
      await sender.setParameters(parameters);
    }));
  }

  /** @override @param {RTCPeerConnection} pc */
  prepare(pc) {
    this.layers = [];
    this.#layered = null;
    for (const track of this.stream.getTracks()) {
      if (track.kind === "video") this.#addVideo(pc, track);
      else pc.addTransceiver(track, { direction: "sendonly", streams: [this.stream] });
    }
  }

  /** @param {RTCPeerConnection} pc @param {MediaStreamTrack} track */
  #addVideo(pc, track) {
    const add = (/** @type {RTCRtpEncodingParameters[]} */ sendEncodings) => pc.addTransceiver(track, { direction: "sendonly", streams: [this.stream], sendEncodings });
    const { width, height } = track.getSettings();
    const count = this.simulcast ? worth(width, height) : 1;
    let codecs = count > 1 ? simulcastCodecs(this.codec) : [];
    let transceiver = codecs.length ? attempt(() => add(encodings(count, this.bitrate))) : null;
    this.#layered = transceiver?.sender ?? null;
    if (!transceiver) {
      transceiver = add(this.bitrate ? [{ maxBitrate: this.bitrate }] : []);
      codecs = this.codec ? [this.codec] : [];
    }
    if (codecs.length) prefer(transceiver, codecs);
  }

  /** @override @param {string} answer */
  async agreed(answer) {
    if (!this.#layered) return;
    this.layers = takenLayers(answer);
    await this.#arrange().catch(() => {}); // sent in another arrangement, then
  }

  /** @override @param {string} sdp */
  editAnswer(sdp) {
    return this.stereo ? withStereo(sdp, 128_000) : sdp;
  }
}

/**
 * @template T
 * @param {() => T} f
 * @returns {T | null} null where a browser knows no simulcast
 */
function attempt(f) {
  try {
    return f();
  } catch {
    return null;
  }
}

/**
 * Offers some video codecs only, and what repairs them.
 * @param {RTCRtpTransceiver} transceiver
 * @param {string[]} codecs
 */
function prefer(transceiver, codecs) {
  const all = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const wanted = all.filter((c) => codecs.some((codec) => c.mimeType.toLowerCase() === `video/${codec.toLowerCase()}`));
  const repair = all.filter((c) => /^video\/(rtx|red|ulpfec|flexfec-03)$/i.test(c.mimeType));
  if (wanted.length) transceiver.setCodecPreferences([...wanted, ...repair]);
}

/** @returns {string[]} the video codecs this browser can send, among those the gateway knows */
export function sendableCodecs() {
  const known = ["H264", "VP8", "VP9", "AV1"];
  const all = new Set((RTCRtpSender.getCapabilities("video")?.codecs ?? []).map((c) => c.mimeType.slice("video/".length).toUpperCase()));
  return known.filter((codec) => all.has(codec));
}
