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
// Copy it with wish.js, resource.js, problem.js and sdp.js; nothing else is
// needed. player.js makes an HTML element of it.
// @ts-check

import { Problem, problemFrom } from "./problem.js";
import { withStereo } from "./sdp.js";
import { WishClient, pause } from "./wish.js";

/**
 * @typedef {import("./wish.js").WishOptions & { kinds?: ("audio" | "video")[] }} WHEPOptions
 *   kinds: what is wanted, one of each without
 */

/** Without anything new for so many milliseconds a stream is interrupted. */
const SILENCE = 3000;
/** After so many milliseconds of data without a picture one should say so. */
const BLACK = 4000;

/** Plays one channel, participant or source into `stream`. */
export class WHEPClient extends WishClient {
  /** The same object for the client's whole life; tracks come and go. */
  stream = new MediaStream();
  /** @type {RTCPeerConnection | null} */
  #following = null;

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

  /** @override @param {RTCPeerConnection} pc */
  prepare(pc) {
    pc.addEventListener("track", ({ track }) => this.#expect(track));
    for (const kind of this.kinds) pc.addTransceiver(kind, { direction: "recvonly" });
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
    const sdp = withStereo((await pc.createAnswer()).sdp ?? "");
    await pc.setLocalDescription({ type: "answer", sdp });
    await gathered(pc);
    const answered = await resource.patch(pc.localDescription?.sdp ?? sdp, resource.etag, "application/sdp");
    if (!answered.ok) throw await problemFrom(answered);
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

/** @param {RTCPeerConnection} pc @returns {Promise<void>} at most two seconds */
function gathered(pc) {
  return new Promise((resolve) => {
    const look = () => pc.iceGatheringState === "complete" && resolve();
    pc.addEventListener("icegatheringstatechange", look);
    setTimeout(resolve, 2000);
    look();
  });
}
