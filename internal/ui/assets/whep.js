// Headgate, MIT licence. Plays from a server that speaks WHEP
// (draft-ietf-wish-whep).
//
//   import { WHEPClient } from "./whep.js";
//   const client = new WHEPClient("https://gateway.example/whep/live", { token });
//   video.srcObject = client.stream;
//   await client.play();
//   …
//   await client.stop();
//
// It waits for a publisher that is not there yet and comes back by itself.
//
// Where the server has the WHEP extensions for events and layers, and tells:
//
//   client.events();
//   client.addEventListener("layers", () => console.log(client.layers));
//   client.addEventListener("viewercount", () => console.log(client.viewers));
//   await client.selectLayer(client.layers[0]); // selectLayer() for automatic
//
// Copy it with wish.js, events.js, layers.js, connection.js, resource.js, problem.js
// and sdp.js; nothing else is needed. player.js makes an HTML element of it.
// @ts-check

import { pause } from "./connection.js";
import { EVENTS, extension, listen } from "./events.js";
import { LayerChoice, layersOf, mediaID } from "./layers.js";
import { Problem, problemFrom } from "./problem.js";
import { withStereo, withoutIdle } from "./sdp.js";
import { WishClient } from "./wish.js";

/**
 * @typedef {import("./wish.js").WishOptions & { kinds?: ("audio" | "video")[] }} WHEPOptions
 *   kinds: what is wanted, one of each without
 */

/** Without anything new for so many milliseconds a stream is interrupted. */
const SILENCE = 3000;
/** After so many milliseconds of data without a picture one should say so. */
const BLACK = 4000;

/**
 * Plays one channel, participant or source into `stream`. Dispatches "track", and
 * after events() what the server tells: "active", "inactive", "layers",
 * "reconnect", "viewercount" (detail: the data). "choice" tells that layers can be
 * chosen now, or no longer.
 */
export class WHEPClient extends WishClient {
  /** The same object for the client's whole life; tracks come and go. */
  stream = new MediaStream();
  /** @type {import("./layers.js").PlayLayer[]} what the server can send, lowest first; empty while it does not tell */
  layers = [];
  /** How many watch, where the server tells. @type {number | undefined} */
  viewers;
  /** Whether the server said that the publisher is away. */
  away = false;
  /** @type {RTCPeerConnection | null} */
  #following = null;
  #choice = new LayerChoice();
  /** @type {string[]} events that are wanted */
  #wanted = [];
  /** @type {{ response: Response, signal: AbortSignal } | null} */
  #session = null;

  /**
   * @param {string} url the endpoint
   * @param {WHEPOptions} [options]
   */
  constructor(url, options = {}) {
    super(url, options);
    this.kinds = options.kinds ?? ["audio", "video"];
  }

  /**
   * Plays until stop().
   * @returns {Promise<void>} settles with the first connection, or the refusal
   */
  play() {
    return this.start();
  }

  /**
   * Listens to what the server tells, from now on and in every session. Each
   * listener keeps a connection of the page; with HTTP/1.1 there are six.
   * @param {string[]} [names] all that are understood without
   */
  events(names = EVENTS) {
    const begin = this.#wanted.length === 0;
    this.#wanted = names;
    if (begin && this.#session) this.#listen(this.#session.response, this.#session.signal);
  }

  /** Whether layers can be chosen here and now. */
  get selectable() {
    return this.#choice.possible;
  }

  /** What was chosen; empty where that is left to the server. */
  get selection() {
    return this.#choice.selection;
  }

  /**
   * Chooses the layer to be sent, in this session and those after it.
   * @param {string | Partial<import("./layers.js").PlayLayer>} [layer] one of `layers`, or a RID; without, the server chooses
   * @throws {Problem} when the server refuses
   */
  async selectLayer(layer) {
    const { rid, spatial } = typeof layer === "string" ? { rid: layer, spatial: undefined } : layer ?? {};
    await this.#choice.select({ ...(rid && { rid }), ...(spatial !== undefined && { spatialLayerId: spatial }) });
  }

  /**
   * Says how large the picture is shown, so that nothing larger is sent in vain.
   * @param {number} width in pixels of the device
   * @param {number} height
   */
  fit(width, height) {
    this.#choice.fit(width, height);
  }

  /** @override @param {Response} response @param {AbortSignal} signal */
  opened(response, signal) {
    this.#session = { response, signal };
    const link = extension(response, "layer");
    if (link) this.#choice.open(link.url, this.#mediaID(), () => this.token);
    this.#listen(response, signal);
    this.dispatchEvent(new CustomEvent("choice"));
    signal.addEventListener("abort", () => this.#ended());
  }

  #ended() {
    this.#session = null;
    this.#choice.close();
    this.layers = [];
    this.away = false;
    this.dispatchEvent(new CustomEvent("choice"));
  }

  #mediaID() {
    return mediaID(this.pc?.localDescription?.sdp ?? "", "video");
  }

  /** @param {Response} response @param {AbortSignal} signal */
  #listen(response, signal) {
    const at = extension(response, "server-sent-events");
    if (at && this.#wanted.length) void listen(at, this.#wanted, () => this.token, (name, data) => this.#told(name, data), signal);
  }

  /** @param {string} name @param {any} data */
  #told(name, data) {
    if (name === "layers") {
      this.layers = layersOf(data, this.#mediaID());
      this.#choice.retry();
    }
    if (name === "viewercount" && Number.isInteger(data.viewercount)) this.viewers = data.viewercount;
    if (name === "active" || name === "inactive") this.away = name === "inactive";
    this.dispatchEvent(new CustomEvent(name, { detail: data }));
    if (name === "reconnect") this.renew(nextURL(data.url, this.url));
  }

  /** @override @param {RTCPeerConnection} pc */
  prepare(pc) {
    pc.addEventListener("track", ({ track }) => this.#expect(track));
    for (const kind of this.kinds) takeDescriptors(pc.addTransceiver(kind, { direction: "recvonly" }));
  }

  /** @override @param {string} sdp */
  editOffer(sdp) {
    return withStereo(sdp);
  }

  /** @override @param {RTCPeerConnection} pc @param {AbortSignal} signal */
  connected(pc, signal) {
    if (this.#following === pc) return; // repaired: what is shown decides
    this.#following = pc;
    this.become("waiting");
    void this.#follow(pc, signal);
  }

  /**
   * The server's own offer (406 in WHEP): answered by PATCH.
   * @override
   * @param {RTCPeerConnection} pc
   * @param {Response} response
   * @param {import("./resource.js").Resource} resource
   */
  async otherwise(pc, response, resource) {
    await pc.setRemoteDescription({ type: "offer", sdp: await response.text() });
    // What was offered in vain, and what is offered and not wanted.
    for (const t of pc.getTransceivers()) if (t.mid === null || !this.kinds.some((kind) => kind === t.receiver.track.kind)) t.stop();
    const sdp = withStereo((await pc.createAnswer()).sdp ?? "");
    await pc.setLocalDescription({ type: "answer", sdp });
    await gathered(pc);
    const answered = await resource.patch(withoutIdle(pc.localDescription?.sdp ?? sdp), resource.etag, "application/sdp");
    if (!answered.ok) throw await problemFrom(answered);
    resource.etag = answered.headers.get("ETag") ?? resource.etag;
    return answered;
  }

  /**
   * A track is taken when its first packet is there: a section that stays
   * empty would keep some browsers from showing the other.
   * @param {MediaStreamTrack} track
   */
  #expect(track) {
    const take = () => {
      for (const old of this.stream.getTracks()) if (old.kind === track.kind && old !== track) this.stream.removeTrack(old);
      this.stream.addTrack(track);
      this.dispatchEvent(new CustomEvent("track", { detail: track }));
    };
    if (track.muted) track.addEventListener("unmute", take, { once: true });
    else take();
  }

  /**
   * Tells live from waiting by what is decoded.
   * @param {RTCPeerConnection} pc
   * @param {AbortSignal} signal
   */
  async #follow(pc, signal) {
    const flow = new Flow();
    while (!signal.aborted && this.pc === pc) {
      const news = flow.note(await pc.getStats(), performance.now());
      if (signal.aborted || this.pc !== pc) return;
      if (pc.connectionState === "connected") this.#tell(news);
      await pause(news === "live" ? 1000 : 150, signal);
    }
  }

  /** @param {"live" | "waiting" | "black"} news */
  #tell(news) {
    if (news === "black") this.become("waiting", new Problem({ code: "no-picture", detail: "Data arrives, but this browser has not decoded a picture yet." }));
    else this.become(news);
  }
}

/** What a connection brought so far, to tell whether it still brings anything. */
class Flow {
  #frames = 0;
  #sound = 0;
  #last = -Infinity;
  #dark = Infinity;

  /**
   * @param {RTCStatsReport} report
   * @param {number} now milliseconds
   * @returns {"live" | "waiting" | "black"}
   */
  note(report, now) {
    let frames = 0;
    let sound = 0;
    let bytes = 0;
    report.forEach((entry) => {
      if (entry.type !== "inbound-rtp") return;
      if (entry.kind === "audio") sound += entry.packetsReceived ?? 0;
      else {
        frames += entry.framesDecoded ?? 0;
        bytes += entry.bytesReceived ?? 0;
      }
    });
    const dark = bytes > 0 && frames === 0;
    if (frames > this.#frames || (sound > this.#sound && !dark)) this.#last = now;
    this.#dark = dark ? Math.min(this.#dark, now) : Infinity;
    this.#frames = frames;
    this.#sound = sound;
    if (now - this.#last < SILENCE) return "live";
    return now - this.#dark > BLACK ? "black" : "waiting";
  }
}

/**
 * Where a server sends us: never from HTTPS to anything less.
 * @param {unknown} url
 * @param {string} endpoint
 * @returns {string} empty for the same endpoint
 */
export function nextURL(url, endpoint) {
  if (typeof url !== "string") return "";
  const next = parsed(url, endpoint);
  if (!next) return "";
  return next.protocol === "https:" || (next.protocol === "http:" && endpoint.startsWith("http:")) ? next.href : "";
}

/** @param {string} url @param {string} base @returns {URL | null} */
function parsed(url, base) {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}

/** @param {RTCPeerConnection} pc @returns {Promise<void>} at most two seconds */
function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, 2000);
    look();
  });
}

/**
 * Spatial layers of AV1 are decoded with the dependency descriptor only, which browsers offer when asked to.
 * @param {any} transceiver
 */
function takeDescriptors(transceiver) {
  const list = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const descriptor = list.find((/** @type {{ uri: string }} */ { uri }) => uri.endsWith("#dependency-descriptor-rtp-header-extension"));
  if (descriptor?.direction !== "stopped") return;
  descriptor.direction = "recvonly";
  transceiver.setHeaderExtensionsToNegotiate(list);
}
