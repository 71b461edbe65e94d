// Headgate, MIT licence. Refusals and failures as sentences a person can act on.
// Part of the modules that may be copied; imports nothing.
// @ts-check

/**
 * @typedef {object} ProblemInit
 * @property {string} detail one sentence for a person
 * @property {string} [code] stable, for programs: "channel-busy"
 * @property {number} [status] HTTP status; 0 when no answer came
 * @property {number} [retryAfter] seconds to wait before the same request may succeed; 0 gives no advice
 */

/** Why something did not work. `message` is the sentence to show. */
export class Problem extends Error {
  /** @param {ProblemInit} init */
  constructor({ detail, code = "unknown", status = 0, retryAfter = 0 }) {
    super(detail);
    this.name = "Problem";
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /**
   * Whether the same request may succeed later without anybody changing it.
   * Trying the others again would only make a storm (an expired token stays
   * expired).
   */
  get passing() {
    return this.status === 0 ? this.code !== "bad-setup" && !FINAL.has(this.code) : PASSING.has(this.status) || this.status >= 500;
  }
}

const PASSING = new Set([408, 409, 425, 429]);

/**
 * Codes with which a session ends for good: coming back by itself would fight
 * whoever ended it, or end the same way.
 */
const FINAL = new Set(["bitrate", "replaced", "kicked", "banned", "expired", "token-expired", "token-replayed", "duplicate-id", "disbanded"]);

/** Sentences for answers that bring none, from proxies for example. */
const SENTENCES = new Map([
  [400, "The gateway did not understand the request."],
  [401, "The gateway wants a token. Open the link you were given; it ends in #token=…"],
  [403, "This token does not allow that."],
  [404, "There is nothing at this address. Check the name of the channel."],
  [409, "Nobody is sending to this channel at the moment."],
  [413, "The request is too large for the gateway."],
  [421, "The gateway does not know itself by this host name."],
  [422, "The gateway cannot serve what this browser offers."],
  [429, "Too many requests from this address. Wait a little."],
  [502, "The proxy in front of the gateway does not reach it."],
  [503, "The gateway takes no new sessions right now."],
  [504, "The proxy in front of the gateway got no answer from it in time."],
]);

/**
 * Reads a refusal: a problem document (RFC 9457) if there is one, else words
 * for the status.
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
export async function problemFrom(response) {
  const document = await problemDocument(response);
  const detail = text(document.detail) || text(document.title) || SENTENCES.get(response.status) ||
    `The gateway answered with status ${response.status}.`;
  return new Problem({
    detail,
    code: text(document.code) || `http-${response.status}`,
    status: response.status,
    retryAfter: retryAfter(response.headers.get("Retry-After")),
  });
}

/**
 * Makes a Problem of whatever was thrown.
 * @param {unknown} thrown
 * @returns {Problem}
 */
export function asProblem(thrown) {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TypeError) {
    return new Problem({ code: "unreachable", detail: "The gateway cannot be reached. Check the network, and that the gateway runs." });
  }
  if (thrown instanceof DOMException && (thrown.name === "TimeoutError" || thrown.name === "AbortError")) {
    return new Problem({ code: "timeout", detail: "The gateway did not answer in time." });
  }
  return new Problem({ code: "bad-setup", detail: `This browser could not set the connection up: ${thrown instanceof Error ? thrown.message : String(thrown)}` });
}

/**
 * A session that the gateway ended, told by its code.
 * @param {Problem} answer the 404 its address gives now
 * @returns {Problem} passing or not by its code rather than by the status
 */
export function ended(answer) {
  return new Problem({ detail: answer.message, code: answer.code, status: answer.status === 404 ? 0 : answer.status, retryAfter: answer.retryAfter });
}

/** @param {Response} response @returns {Promise<Record<string, unknown>>} */
async function problemDocument(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/^application\/([\w.-]+\+)?json\b/i.test(type)) return {};
  try {
    const value = await response.json();
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}

/** @param {unknown} value @returns {string} at most one short paragraph */
function text(value) {
  return typeof value === "string" ? value.slice(0, 500) : "";
}

/**
 * Retry-After in seconds, from either of its forms (RFC 9110 section 10.2.3).
 * @param {string | null} value
 */
export function retryAfter(value) {
  if (!value) return 0;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 300) : 0;
}
