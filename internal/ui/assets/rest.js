// Headgate, MIT licence. Requests to the REST interface of a gateway.
// Part of the modules that may be copied, with problem.js and resource.js beside it.
// @ts-check

import { problemFrom } from "./problem.js";
import { bearer } from "./resource.js";

/** One gateway, and the token it is asked with. */
export class Rest {
  /**
   * @param {string} server its origin: "https://gateway.example"
   * @param {() => string} token asked at each request, so that it can be renewed
   */
  constructor(server, token) {
    this.server = server.replace(/\/+$/, "");
    this.token = token;
  }

  /**
   * @param {...string} names path segments below /api/v1, not yet escaped
   * @returns {string}
   */
  at(...names) {
    return `${this.server}/api/v1/${names.map(encodeURIComponent).join("/")}`;
  }

  /**
   * Asks, and returns the answer whatever it is.
   * @param {string} method
   * @param {string} url
   * @param {unknown} [body] sent as JSON
   * @returns {Promise<Response>}
   * @throws {import("./problem.js").Problem} for refusals
   */
  async send(method, url, body) {
    const response = await fetch(url, {
      method, cache: "no-store", signal: AbortSignal.timeout(10_000),
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...bearer(this.token()) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw await problemFrom(response);
    return response;
  }

  /**
   * Asks and reads the JSON of the answer.
   * @param {string} method
   * @param {string} url
   * @param {unknown} [body]
   * @returns {Promise<any>} an object; an empty one where there is none
   */
  async ask(method, url, body) {
    const response = await this.send(method, url, body);
    const value = response.status === 204 ? null : await response.json().catch(() => null);
    return value !== null && typeof value === "object" ? value : {};
  }

  /** Asks while a page goes away; nobody waits for the answer. @param {string} method @param {string} url */
  async last(method, url) {
    try {
      await fetch(url, { method, headers: bearer(this.token()), keepalive: true });
    } catch {
      // The gateway notices by itself that nobody is there.
    }
  }
}
