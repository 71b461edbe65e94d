// Headgate, MIT licence. What a WHEP server tells during a session: its extensions,
// and the one for server-sent events.
// Part of the modules that may be copied, with connection.js, resource.js and sdp.js
// beside it.
// @ts-check

import { pause } from "./connection.js";
import { addressIn, bearer } from "./resource.js";
import { linksOf } from "./sdp.js";

/** The events that are understood here. */
export const EVENTS = ["active", "inactive", "layers", "reconnect", "viewercount"];

/**
 * @typedef {object} Extension
 * @property {string} url
 * @property {string[]} events that the server has; empty when it does not tell
 */

/**
 * Finds an extension in the Links of a 201.
 * @param {Response} response
 * @param {"server-sent-events" | "layer"} name
 * @returns {Extension | null} null where the server has none
 */
export function extension(response, name) {
  const relation = `urn:ietf:params:whep:ext:core:${name}`;
  const link = linksOf(response.headers.get("Link") ?? "").find(({ parameters }) => (parameters.get("rel") ?? "").split(" ").includes(relation));
  if (!link) return null;
  const events = (link.parameters.get("events") ?? "").split(",").map((event) => event.trim()).filter((event) => event !== "");
  return { url: addressIn(response, link.target), events };
}

/** How often a stream that cannot be opened is tried. */
const TRIES = 6;

/**
 * Listens until the session ends, or the server will not have it. Never throws.
 * @param {Extension} at
 * @param {string[]} wanted names of events
 * @param {() => string} token asked at each request
 * @param {(name: string, data: any) => void} tell data is what the JSON said
 * @param {AbortSignal} signal ends with the session
 */
export async function listen(at, wanted, token, tell, signal) {
  const names = wanted.filter((name) => at.events.length === 0 || at.events.includes(name));
  for (let failures = 0; names.length && failures < TRIES && !signal.aborted; failures++) {
    const url = await open(at, names, token(), signal);
    if (url === null || signal.aborted) return;
    if (url && (await read(url, names, tell, signal))) failures = 0;
    await pause(1000 * 2 ** failures, signal);
  }
}

/**
 * @param {Extension} at
 * @param {string[]} names
 * @param {string} token
 * @param {AbortSignal} signal
 * @returns {Promise<string | null>} address of the stream; empty: another try may help; null: none will
 */
async function open(at, names, token, signal) {
  // A server that does not tell its events may refuse those it has not.
  const body = at.events.length ? JSON.stringify(names) : undefined;
  try {
    const response = await fetch(at.url, { method: "POST", headers: { ...(body ? { "Content-Type": "application/json" } : {}), ...bearer(token) }, body, signal });
    const location = response.headers.get("Location");
    if (response.status === 201 && location) return addressIn(response, location);
    return response.status === 429 || response.status >= 500 ? "" : null;
  } catch {
    return "";
  }
}

/**
 * Reads a stream to its end; the browser itself comes back after short breaks.
 * @param {string} url
 * @param {string[]} names
 * @param {(name: string, data: any) => void} tell
 * @param {AbortSignal} signal
 * @returns {Promise<boolean>} whether it ever was open
 */
function read(url, names, tell, signal) {
  return new Promise((resolve) => {
    const source = new EventSource(url);
    let opened = false;
    const done = () => {
      source.close();
      signal.removeEventListener("abort", done);
      resolve(opened);
    };
    source.addEventListener("open", () => (opened = true));
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && done());
    for (const name of names) source.addEventListener(name, (event) => tell(name, parsed(event.data)));
    signal.addEventListener("abort", done);
  });
}

/** @param {string} data @returns {any} an object in every case */
function parsed(data) {
  try {
    const value = JSON.parse(data);
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
