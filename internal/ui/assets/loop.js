// Headgate, MIT licence. One loop through a gateway: publish by WHIP and play back
// by WHEP over one kind of path only, and what that was like.
// @ts-check

import { AgeReader, TestPicture } from "./picture.js";
import { Problem, asProblem, problemFrom } from "./problem.js";
import { Resource, Trickle, bearer } from "./resource.js";
import { iceServersOf } from "./sdp.js";

/** @typedef {"udp" | "tcp" | "turn"} Kind */

/**
 * @typedef {object} Loop what came of one loop; undefined where not known
 * @property {Kind} kind
 * @property {Problem | null} problem null when media came back
 * @property {"publish" | "play" | ""} stuck which side did not connect
 * @property {number | undefined} connect milliseconds from the POST of the player until media can pass
 * @property {number | undefined} rtt milliseconds
 * @property {number | undefined} delay milliseconds from drawing to showing
 * @property {number | undefined} loss share of the packets, 0 to 1
 * @property {string} path "udp 192.0.2.1:8190"
 * @property {string[]} tried what the gateway offered for this kind: "udp 192.0.2.1 port 8190"
 */

/** @typedef {{ whip: string, whep: string, token: string, video: HTMLVideoElement, patience?: number, watching?: number }} Where */

/** How long a connection may take, and how long it is watched, in milliseconds. */
const PATIENCE = 9000;
const WATCHING = 3000;

/**
 * Runs one loop. Never throws; both sessions are ended.
 * @param {Kind} kind
 * @param {Where} where
 * @returns {Promise<Loop>}
 */
export async function loop(kind, where) {
  /** @type {Loop} */
  const result = { kind, problem: null, stuck: "", connect: undefined, rtt: undefined, delay: undefined, loss: undefined, path: "", tried: [] };
  const picture = new TestPicture();
  const publisher = new Leg(kind, where.whip, where.token);
  const player = new Leg(kind, where.whep, where.token);
  try {
    const stream = picture.start();
    result.stuck = "publish";
    await publisher.open((pc) => stream.getTracks().forEach((track) => pc.addTransceiver(track, { direction: "sendonly", streams: [stream] })), where.patience);
    result.stuck = "play";
    where.video.srcObject = player.stream;
    result.connect = await player.open((pc) => ["audio", "video"].forEach((media) => pc.addTransceiver(media, { direction: "recvonly" })), where.patience);
    await watch(player, where, result);
    result.stuck = "";
  } catch (thrown) {
    result.problem = asProblem(thrown);
  } finally {
    result.tried = [...new Set([...publisher.tried, ...player.tried])];
    picture.stop();
    where.video.srcObject = null;
    await Promise.all([player.close(), publisher.close()]);
  }
  return result;
}

/** Looks at a connection for a while. @param {Leg} player @param {Where} where @param {Loop} result */
async function watch(player, where, result) {
  void where.video.play().catch(() => {}); // a page in the background may not; numbers come all the same
  const ages = new AgeReader(where.video);
  try {
    await firstPicture(player.pc, where.patience ?? PATIENCE);
    await wait(where.watching ?? WATCHING);
    Object.assign(result, numbers(await player.pc.getStats()), { delay: ages.median() });
  } finally {
    ages.stop();
  }
}

/** @param {RTCPeerConnection} pc @param {number} ms */
async function firstPicture(pc, ms) {
  for (const end = performance.now() + ms; performance.now() < end; await wait(50)) {
    let decoded = 0;
    (await pc.getStats()).forEach((entry) => (decoded += entry.type === "inbound-rtp" ? entry.framesDecoded ?? 0 : 0));
    if (decoded > 0) return;
  }
  throw new Problem({ code: "no-media", status: 400, detail: "The connection was made, but no picture came through it." });
}

/**
 * The numbers of a player.
 * @param {RTCStatsReport} report
 * @returns {{ rtt: number | undefined, loss: number | undefined, path: string }}
 */
export function numbers(report) {
  let lost = 0;
  let received = 0;
  let selected = "";
  /** @type {Record<string, any> | undefined} */
  let pair;
  report.forEach((entry) => {
    if (entry.type === "inbound-rtp") [lost, received] = [lost + Math.max(0, entry.packetsLost ?? 0), received + (entry.packetsReceived ?? 0)];
    if (entry.type === "transport") selected = entry.selectedCandidatePairId ?? "";
    if (entry.type === "candidate-pair" && entry.nominated && entry.state === "succeeded") pair = entry;
  });
  if (selected) pair = report.get(selected) ?? pair;
  const remote = pair && report.get(pair.remoteCandidateId);
  const local = pair && report.get(pair.localCandidateId);
  const relay = local?.candidateType === "relay" ? ` by a relay (${local.relayProtocol ?? "?"})` : "";
  const { currentRoundTripTime: rtt } = pair ?? {};
  return {
    rtt: Number.isFinite(rtt) ? rtt * 1000 : undefined,
    loss: lost + received > 0 ? lost / (lost + received) : undefined,
    path: remote ? `${remote.protocol ?? "udp"} ${remote.address ?? "?"}:${remote.port ?? "?"}${relay}` : "",
  };
}

/** One session that knows one kind of path only. */
export class Leg {
  stream = new MediaStream();
  /** @type {string[]} */
  tried = [];
  /** @type {Resource | null} */
  #resource = null;
  /** @type {Trickle | null} */
  #trickle = null;

  /** @param {Kind} kind @param {string} url @param {string} token */
  constructor(kind, url, token) {
    this.kind = kind;
    this.url = url;
    this.token = token;
    this.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceTransportPolicy: kind === "turn" ? "relay" : "all" });
    // Heard before the Trickle is: what does not fit never reaches the gateway.
    this.pc.addEventListener("icecandidate", (event) => {
      if (event.candidate?.candidate && !fits(event.candidate.candidate, kind)) event.stopImmediatePropagation();
    });
    this.pc.addEventListener("track", ({ track }) => this.stream.addTrack(track));
  }

  /**
   * @param {(pc: RTCPeerConnection) => void} prepare
   * @param {number} [patience] milliseconds
   * @returns {Promise<number>} milliseconds until media could pass
   */
  async open(prepare, patience = PATIENCE) {
    prepare(this.pc);
    const sdp = (await this.pc.createOffer()).sdp ?? "";
    const began = performance.now();
    const response = await this.#post(sdp);
    this.#resource = Resource.of(response, () => this.token);
    if (!this.#resource || response.status !== 201) throw await problemFrom(response);
    this.#trickle = new Trickle(this.pc, this.#resource);
    if (this.kind === "turn") this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers: relays(response) });
    const answer = narrowed(await response.text(), this.kind);
    this.tried = candidatesIn(answer);
    if (this.tried.length === 0) throw new Problem({ code: "not-offered", status: 404, detail: `The gateway offers nothing by ${this.kind.toUpperCase()}.` });
    await this.pc.setLocalDescription({ type: "offer", sdp });
    await this.pc.setRemoteDescription({ type: "answer", sdp: answer });
    this.#trickle.release();
    await connected(this.pc, patience);
    return performance.now() - began;
  }

  /** A player may be asked to wait until the publisher is on air. @param {string} sdp @returns {Promise<Response>} */
  async #post(sdp) {
    for (let tries = 0; ; tries++) {
      const response = await fetch(this.url, {
        method: "POST", headers: { "Content-Type": "application/sdp", ...bearer(this.token) }, body: sdp, signal: AbortSignal.timeout(15_000),
      });
      if (response.status !== 409 || tries === 5) return response;
      await wait(500);
    }
  }

  async close() {
    this.#trickle?.close();
    const ending = this.#resource?.end();
    this.pc.close();
    await ending;
  }
}

/** @param {Response} response @returns {RTCIceServer[]} */
function relays(response) {
  const servers = iceServersOf(response.headers.get("Link")).filter((s) => /^turns?:/i.test(String(s.urls)));
  if (servers.length === 0) throw new Problem({ code: "no-turn", status: 404, detail: "The gateway names no TURN relay." });
  return servers;
}

/**
 * Whether a candidate of ours is of a kind.
 * @param {string} candidate
 * @param {Kind} kind
 */
export function fits(candidate, kind) {
  const [, protocol] = /^(?:a=)?candidate:\S+ \d+ (\S+)/.exec(candidate) ?? [];
  const relay = / typ relay\b/.test(candidate);
  return kind === "turn" ? relay : !relay && protocol?.toLowerCase() === kind;
}

/**
 * An answer with the candidates of one kind. A relay sends on by UDP.
 * @param {string} sdp
 * @param {Kind} kind
 */
export function narrowed(sdp, kind) {
  const wanted = kind === "tcp" ? "tcp" : "udp";
  return sdp.split(/\r\n|\n/).filter((line) => !line.startsWith("a=candidate:") || line.split(" ")[2]?.toLowerCase() === wanted).join("\r\n");
}

/** @param {string} sdp @returns {string[]} */
function candidatesIn(sdp) {
  return [...sdp.matchAll(/^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+)/gm)].map(([, protocol, address, port]) => `${protocol.toLowerCase()} ${address} port ${port}`);
}

/** @param {RTCPeerConnection} pc @param {number} ms @returns {Promise<void>} */
function connected(pc, ms) {
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Problem({ code: "blocked", detail: "No connection came about." }));
    const timer = setTimeout(fail, ms);
    const look = () => {
      if (pc.connectionState === "connected") { clearTimeout(timer); resolve(); }
      if (pc.connectionState === "failed" || pc.connectionState === "closed") { clearTimeout(timer); fail(); };
    };
    pc.addEventListener("connectionstatechange", look);
    look();
  });
}

/** @param {number} ms @returns {Promise<void>} */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
