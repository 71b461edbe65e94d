// Headgate, MIT licence. What WHIP (RFC 9725) and WHEP clients share: POST makes a
// session, PATCH trickles and restarts ICE, DELETE ends it; what is lost is repaired.
// Part of the modules that may be copied, with problem.js and sdp.js beside it.
// @ts-check

import { hungUp, noPath, pause, until } from "./connection.js";
import { Problem, asProblem, ended, problemFrom } from "./problem.js";
import { Resource, Trickle, bearer } from "./resource.js";
import { asAnswer, fragment, iceServersOf, iceView, withFragment } from "./sdp.js";

/**
 * idle: not started, or stopped. connecting: on the way, or repairing.
 * waiting: all is well but there is nothing to show, or it is not our turn.
 * live: media flows. error: ended for a reason that only a person can change.
 * @typedef {"idle" | "connecting" | "waiting" | "live" | "error"} State
 */

/**
 * @typedef {object} WishOptions
 * @property {string} [token] bearer token
 * @property {RTCIceServer[]} [iceServers] in addition to those the server names
 * @property {number} [patience] milliseconds a new session may take until media can pass; 15000
 */

/** How long a connection may look broken before it is repaired, in milliseconds. */
const BLINK = 1500;
/** How long repairs by ICE restart go on before a new session is made. */
const REPAIR = 20_000;

/**
 * The common base of WHIPClient and WHEPClient. Dispatches "state" (detail: {state, problem})
 * and, for each new connection, "peer" (detail: the RTCPeerConnection).
 */
export class WishClient extends EventTarget {
  /** @type {RTCPeerConnection | null} the current connection, for statistics */
  pc = null;
  /** @type {Response | null} the answer to the newest POST, for its headers */
  response = null;
  /** @type {State} */
  state = "idle";
  /** @type {Problem | null} why the state is not what one hopes for */
  problem = null;

  /** @type {AbortController | null} */
  #life = null;
  /** @type {Promise<void> | null} */
  #first = null;
  /** @type {Resource | null} */
  #resource = null;
  /** @type {Trickle | null} */
  #trickle = null;
  /** @type {Response | null} where the server announced what this session has */
  #told = null;
  /** Where the next session is, if not at the endpoint. */
  #next = "";

  /** @param {string} url the endpoint @param {WishOptions} [options] */
  constructor(url, options = {}) {
    super();
    this.url = url;
    /** May be changed at any time: the next request uses the new one. */
    this.token = options.token ?? "";
    this.iceServers = options.iceServers ?? [];
    this.patience = options.patience ?? 15_000;
  }

  /** Entity-tag of the current ICE session, empty without one. */
  get etag() {
    return this.#resource?.etag ?? "";
  }

  /**
   * Connects, and stays so until stop() or a final refusal; twice is once.
   * @returns {Promise<void>} settles with the first connection, or the refusal
   */
  start() {
    if (this.#life && this.#first) return this.#first;
    const life = new AbortController();
    this.#life = life;
    const first = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      void this.#keep(life, resolve, reject);
    });
    first.catch(() => {}); // told by the state as well
    this.#first = first;
    return first;
  }

  /** Ends the session, at the server too. Safe while a page goes away. */
  async stop() {
    this.#life?.abort();
    this.#life = null;
    const ending = this.#close();
    this.become("idle");
    await ending;
  }

  /**
   * Gives the session up and makes another, as a server may ask for.
   * @param {string} [url] where the next one is; the one after it is at `url` again
   */
  renew(url = "") {
    this.#next = url;
    // Not all clients at the same moment.
    this.#resource?.leave(new Problem({ code: "reconnect", detail: "The gateway asks to connect anew.", retryAfter: 0.1 + Math.random() }));
  }

  /**
   * Restarts ICE on the running session (RFC 9725 section 4.3.3): new
   * credentials and paths, the same session, no renegotiation.
   * @throws {Problem}
   */
  async restart() {
    const { pc } = this;
    const resource = this.#resource;
    const trickle = this.#trickle;
    const answer = remoteAnswer(pc);
    if (!pc || !resource || !trickle || !answer) throw new Problem({ code: "no-session", detail: "There is no session to repair." });
    const offer = await pc.createOffer({ iceRestart: true });
    const sdp = this.editOffer(offer.sdp ?? "");
    // The PATCH goes first: if it is refused, nothing has changed here.
    const response = await resource.patch(fragment(iceView(sdp), [], false), "*");
    if (response.status !== 200) throw await problemFrom(response);
    trickle.hold();
    resource.etag = response.headers.get("ETag") ?? resource.etag;
    await pc.setLocalDescription({ type: "offer", sdp });
    await pc.setRemoteDescription({ type: "answer", sdp: withFragment(answer, await response.text()) });
    trickle.release();
  }

  // Hooks of the two protocols.

  /** Adds what is sent or wanted. @param {RTCPeerConnection} _pc */
  prepare(_pc) {}

  /** @param {string} sdp our offer @returns {string} */
  editOffer(sdp) {
    return sdp;
  }

  /** @param {string} sdp the answer @returns {string} */
  editAnswer(sdp) {
    return sdp;
  }

  /** Called when an answer was applied. @param {string} _answer @returns {Promise<void>} */
  async agreed(_answer) {}

  /** Called when there is a session. @param {Response} _response with the Links @param {AbortSignal} _signal ends with the session */
  opened(_response, _signal) {}

  /** Called whenever media can pass. @param {RTCPeerConnection} _pc @param {AbortSignal} _signal */
  connected(_pc, _signal) {
    this.become("live");
  }

  /**
   * Handles an answer to the POST that is neither 201 nor a plain refusal.
   * @param {RTCPeerConnection} _pc
   * @param {Response} response
   * @param {Resource} _resource
   * @returns {Promise<Response>} with the Links of the session
   */
  async otherwise(_pc, response, _resource) {
    throw await problemFrom(response);
  }

  /**
   * Sets the state and tells it, unless it is told already.
   * @param {State} state
   * @param {Problem | null} [problem]
   */
  become(state, problem = null) {
    if (this.state === state && this.problem?.message === problem?.message) return;
    this.state = state;
    this.problem = problem;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, problem } }));
  }

  /**
   * One session after the other until stopped or refused for good.
   * @param {AbortController} life
   * @param {(value: void) => void} resolve
   * @param {(reason: Problem) => void} reject
   */
  async #keep(life, resolve, reject) {
    const { signal } = life;
    this.become("connecting");
    for (let failures = 0; !signal.aborted; failures++) {
      const problem = await this.#once(signal, () => {
        failures = 0;
        resolve();
      });
      if (signal.aborted) break;
      if (!problem.passing) {
        this.#life = null;
        this.become("error", problem);
        return reject(problem);
      }
      this.become(problem.status === 0 ? "connecting" : "waiting", problem);
      await pause(delay(failures, problem), signal);
    }
    reject(new Problem({ code: "stopped", detail: "Stopped." }));
  }

  /**
   * One session from POST to its end.
   * @param {AbortSignal} signal
   * @param {() => void} connected
   * @returns {Promise<Problem>} why it ended
   */
  async #once(signal, connected) {
    const session = new AbortController();
    signal.addEventListener("abort", () => session.abort(), { once: true, signal: session.signal });
    try {
      const pc = await this.#open(signal);
      if (this.#told) this.opened(this.#told, session.signal);
      if (!(await until(pc, () => pc.connectionState === "connected", signal, this.patience))) throw noPath(pc);
      connected();
      this.connected(pc, signal);
      return await this.#hold(pc, signal);
    } catch (thrown) {
      return asProblem(thrown);
    } finally {
      session.abort();
      if (!signal.aborted) void this.#close();
    }
  }

  /**
   * Makes a session. The offer is posted before it is applied: gathering then
   * starts with the ICE servers of the answer, and candidates follow by PATCH.
   * @param {AbortSignal} signal
   * @returns {Promise<RTCPeerConnection>}
   */
  async #open(signal) {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: this.iceServers });
    this.pc = pc;
    this.prepare(pc);
    this.dispatchEvent(new CustomEvent("peer", { detail: pc }));
    const sdp = this.editOffer((await pc.createOffer()).sdp ?? "");
    const response = await this.#post(sdp);
    this.response = response;
    const resource = Resource.of(response, () => this.token);
    if (signal.aborted) {
      void resource?.end();
      throw new DOMException("stopped", "AbortError");
    }
    if (!resource) throw await problemFrom(response);
    this.#resource = resource;
    this.#trickle = new Trickle(pc, resource);
    const servers = iceServersOf(response.headers.get("Link"));
    if (servers.length) pc.setConfiguration({ ...pc.getConfiguration(), iceServers: [...this.iceServers, ...servers] });
    this.#told = response;
    if (response.status === 201) await this.#apply(pc, sdp, await response.text());
    else {
      this.#told = await this.otherwise(pc, response, resource);
      if (pc.iceGatheringState !== "complete") this.#trickle.release(); // else all is told
    }
    return pc;
  }

  /** @param {string} sdp @returns {Promise<Response>} */
  #post(sdp) {
    const url = this.#next || this.url;
    this.#next = "";
    return fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...bearer(this.token) },
      body: sdp,
      signal: AbortSignal.timeout(15_000),
    });
  }

  /** @param {RTCPeerConnection} pc @param {string} offer @param {string} answer */
  async #apply(pc, offer, answer) {
    await pc.setLocalDescription({ type: "offer", sdp: offer });
    await pc.setRemoteDescription({ type: "answer", sdp: this.editAnswer(answer) });
    this.#trickle?.release();
    await this.agreed(answer);
  }

  /**
   * Watches a connection and repairs it.
   * @param {RTCPeerConnection} pc
   * @param {AbortSignal} signal
   * @returns {Promise<Problem>} why it cannot be kept
   */
  async #hold(pc, signal) {
    for (;;) {
      await until(pc, () => pc.connectionState !== "connected" || this.#over(pc), signal, 0, this.#resource);
      if (this.#over(pc)) return this.#why();
      if (await until(pc, () => pc.connectionState === "connected", signal, pc.connectionState === "failed" ? 1 : BLINK)) continue;
      if (this.#over(pc)) continue;
      this.become("connecting", new Problem({ code: "interrupted", detail: "The connection was lost. Repairing it." }));
      const problem = await this.#repair(pc, signal);
      if (problem) return problem;
      this.connected(pc, signal);
    }
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {AbortSignal} signal
   * @returns {Promise<Problem | null>} null when media can pass again
   */
  async #repair(pc, signal) {
    for (const end = performance.now() + REPAIR; performance.now() < end && !signal.aborted; ) {
      try {
        await this.restart();
      } catch (thrown) {
        const problem = asProblem(thrown);
        if (problem.status !== 0 || !problem.passing) return ended(problem);
        await pause(1000, signal); // no network yet
        continue;
      }
      if (await until(pc, () => pc.connectionState === "connected", signal, 8000)) return null;
    }
    return new Problem({ code: "interrupted", detail: "The connection was lost. Connecting anew." });
  }

  /** Whether there is nothing left to repair. @param {RTCPeerConnection} pc */
  #over(pc) {
    return hungUp(pc) || this.#resource?.gone === true;
  }

  /** Asks the session's address why the server hung up. @returns {Promise<Problem>} */
  async #why() {
    const left = this.#resource?.left;
    if (left) return left;
    const answer = await this.#resource?.look();
    return answer ? ended(answer) : new Problem({ code: "closed", detail: "The gateway closed the connection." });
  }

  async #close() {
    const resource = this.#resource;
    this.#trickle?.close();
    this.#resource = null;
    this.#trickle = null;
    const ending = resource?.end();
    this.pc?.close();
    this.pc = null;
    await ending;
  }
}

/**
 * How long to wait before the next session: what the server says, else twice
 * as long after each failure, at most 10 s; spread, so that many clients do
 * not come back at the same moment.
 * @param {number} failures
 * @param {Problem} problem
 * @returns {number} milliseconds
 */
export function delay(failures, problem) {
  const base = problem.retryAfter * 1000 || Math.min(500 * 2 ** Math.min(failures, 5), 10_000);
  return base * (1 + 0.2 * Math.random());
}

/**
 * What the server said of its side, as an answer; it may have offered.
 * @param {RTCPeerConnection | null} pc
 * @returns {string} empty while nothing is agreed
 */
function remoteAnswer(pc) {
  const said = pc?.currentRemoteDescription;
  if (!said) return "";
  return said.type === "answer" ? said.sdp : asAnswer(said.sdp, pc?.currentLocalDescription?.sdp ?? "");
}
