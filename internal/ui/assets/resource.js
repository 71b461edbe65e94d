// Headgate, MIT licence. The HTTP resource of a session: PATCH, GET, DELETE,
// and the candidates on their way to it.
// Part of the modules that may be copied, with problem.js and sdp.js beside it.
// @ts-check

import { Problem, problemFrom } from "./problem.js";
import { fragment, iceView } from "./sdp.js";

/**
 * @param {string} token
 * @returns {Record<string, string>} the Authorization header, if there is a token
 */
export function bearer(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** A session at the server. Dispatches "statechange" when it is found to be gone. */
export class Resource extends EventTarget {
  /** Whether a request was answered 404, or leave() was called. */
  gone = false;
  /** @type {Problem | null} why it was left */
  left = null;
  /** @type {() => string} */
  #token;

  /**
   * @param {string} url
   * @param {string} etag of the ICE session, with its quotes; empty without
   * @param {() => string} token asked at each request, so that it can be renewed
   */
  constructor(url, etag, token) {
    super();
    this.url = url;
    this.etag = etag;
    this.#token = token;
  }

  /**
   * @param {Response} response to a POST
   * @param {() => string} token
   * @returns {Resource | null} null when it made no session
   */
  static of(response, token) {
    const location = response.headers.get("Location");
    const offered = response.status === 406 && (response.headers.get("Content-Type") ?? "").startsWith("application/sdp");
    if (response.status !== 201 && !offered) return null;
    if (!location) {
      throw new Problem({ code: "no-location", status: 400, detail: "The server made a session but did not say where it is (no Location that this page may read)." });
    }
    return new Resource(addressIn(response, location), response.headers.get("ETag") ?? "", token);
  }

  /**
   * @param {string} body
   * @param {string} [ifMatch] the entity-tag if not given
   * @param {string} [type]
   * @returns {Promise<Response>}
   */
  async patch(body, ifMatch = this.etag, type = "application/trickle-ice-sdpfrag") {
    /** @type {Record<string, string>} */
    const headers = { "Content-Type": type, ...bearer(this.#token()) };
    if (ifMatch) headers["If-Match"] = ifMatch;
    const response = await fetch(this.url, { method: "PATCH", headers, body, signal: AbortSignal.timeout(10_000) });
    if (response.status === 404 && !this.gone) {
      this.gone = true;
      this.dispatchEvent(new Event("statechange"));
    }
    return response;
  }

  /** @returns {Promise<Problem | null>} why the session is gone; null while it is there or nobody knows */
  async look() {
    try {
      const response = await fetch(this.url, { headers: bearer(this.#token()), cache: "no-store", signal: AbortSignal.timeout(5000) });
      return response.ok ? null : await problemFrom(response);
    } catch {
      return null;
    }
  }

  /** Tells whoever watches that this session is to be given up. @param {Problem} why */
  leave(why) {
    this.left = why;
    this.gone = true;
    this.dispatchEvent(new Event("statechange"));
  }

  /** Ends the session; works while the page goes away. Never throws. */
  async end() {
    try {
      await fetch(this.url, { method: "DELETE", headers: bearer(this.#token()), keepalive: true });
    } catch {
      // The server notices by itself that nobody is there.
    }
  }
}

/**
 * An address that an answer names. Behind a proxy that speaks TLS a server may
 * believe it is plain HTTP; the browser would block such an address.
 * @param {Response} response
 * @param {string} address of a header, absolute or relative
 * @returns {string}
 */
export function addressIn(response, address) {
  const from = new URL(response.url);
  const url = new URL(address, from);
  if (from.protocol === "https:" && url.protocol === "http:" && url.hostname === from.hostname) {
    url.protocol = "https:";
    url.port = from.port;
  }
  return url.href;
}

/** Collects candidates and sends them in few PATCHes, in order. */
export class Trickle {
  /** @type {RTCIceCandidate[]} */
  #queue = [];
  #complete = false;
  #held = true;
  #closed = false;
  #sending = false;

  /**
   * Holds what it collects until release() is called.
   * @param {RTCPeerConnection} pc
   * @param {Resource} resource
   */
  constructor(pc, resource) {
    this.pc = pc;
    this.resource = resource;
    pc.addEventListener("icecandidate", ({ candidate }) => this.#add(candidate));
  }

  hold() {
    this.#held = true;
    this.#queue = []; // of the generation that ends
    this.#complete = false;
  }

  release() {
    this.#held = false;
    void this.#send();
  }

  close() {
    this.#closed = true;
  }

  /** @param {RTCIceCandidate | null} candidate */
  #add(candidate) {
    if (candidate === null) this.#complete = true;
    else if (candidate.candidate) this.#queue.push(candidate);
    void this.#send();
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    await wait(20); // candidates come in bunches
    for (let failures = 0; this.#pending() && failures < 4; ) {
      const sent = this.#queue.splice(0);
      const complete = this.#complete;
      this.#complete = false;
      if (await this.#patch(sent, complete)) continue;
      this.#queue.unshift(...sent);
      this.#complete ||= complete;
      await wait(1000 * 2 ** failures++);
    }
    this.#sending = false;
  }

  #pending() {
    return !this.#closed && !this.#held && (this.#queue.length > 0 || this.#complete);
  }

  /**
   * @param {RTCIceCandidate[]} candidates
   * @param {boolean} complete
   * @returns {Promise<boolean>} false when it is worth another try
   */
  async #patch(candidates, complete) {
    const ice = iceView(this.pc.localDescription?.sdp ?? "");
    const current = candidates.filter((c) => !c.usernameFragment || c.usernameFragment === ice.ufrag);
    try {
      const response = await this.resource.patch(fragment(ice, current.map((c) => c.candidate), complete));
      if ([405, 415, 422, 501].includes(response.status)) this.#closed = true; // a server without trickle finds us by our checks
      return response.status < 500 && response.status !== 429;
    } catch {
      return false;
    }
  }
}

/** @param {number} ms @returns {Promise<void>} */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
