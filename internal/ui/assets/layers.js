// Headgate, MIT licence. The layers a WHEP server can send, and the choice among
// them (the layer extension).
// Part of the modules that may be copied, with problem.js and resource.js beside it.
// @ts-check

import { Problem, problemFrom } from "./problem.js";
import { bearer } from "./resource.js";

/**
 * @typedef {object} PlayLayer
 * @property {string} rid empty where layers are only told apart by `spatial`
 * @property {number | undefined} spatial id of a spatial layer within the encoding
 * @property {number} width in pixels, 0 while unknown
 * @property {number} height
 * @property {number} bitrate bits per second; 0 when nothing is sent now
 */

/**
 * What is asked for; everything left out is left to the server.
 * @typedef {object} Selection
 * @property {string} [rid]
 * @property {number} [spatialLayerId]
 * @property {number} [temporalLayerId]
 */

/**
 * Reads the data of a "layers" event, also in its older form.
 * @param {any} data
 * @param {string} mediaId
 * @returns {PlayLayer[]} lowest first, where sizes are known
 */
export function layersOf(data, mediaId) {
  const section = data?.[mediaId] ?? (Object.keys(data ?? {}).length === 1 ? Object.values(data)[0] : []);
  const list = Array.isArray(section) ? section : section?.layers ?? [...(section?.active ?? []), ...(section?.inactive ?? [])];
  /** @type {Map<string, PlayLayer>} */
  const found = new Map();
  for (const entry of Array.isArray(list) ? list : []) {
    if (entry === null || typeof entry !== "object") continue;
    const layer = layerOf(entry);
    // Temporal layers of one picture are one entry: nobody chooses a frame rate.
    const key = `${layer.rid} ${layer.spatial ?? ""}`;
    if ((found.get(key)?.bitrate ?? -1) < layer.bitrate) found.set(key, layer);
  }
  const layers = [...found.values()];
  return layers.every((l) => l.height > 0) ? layers.sort((a, b) => a.height - b.height || a.bitrate - b.bitrate) : layers;
}

/** @param {Record<string, any>} entry @returns {PlayLayer} */
function layerOf(entry) {
  const { rid, encodingId, spatialLayerId } = entry;
  return {
    rid: String(rid ?? encodingId ?? "").slice(0, 64),
    spatial: Number.isInteger(spatialLayerId) ? spatialLayerId : undefined,
    width: count(entry.width), height: count(entry.height), bitrate: count(entry.bitrate),
  };
}

/** @param {unknown} value @returns {number} */
const count = (value) => (typeof value === "number" && value > 0 && Number.isFinite(value) ? Math.round(value) : 0);

/**
 * The id of a section for the extension: its place among the m= lines.
 * @param {string} sdp
 * @param {"audio" | "video"} kind
 * @returns {string} of the first of that kind; empty without one
 */
export function mediaID(sdp, kind) {
  const at = (sdp.match(/^m=\w+/gm) ?? []).indexOf(`m=${kind}`);
  return at < 0 ? "" : String(at);
}

/**
 * The largest picture that is of use in so many pixels. Up to 1.6 times as large
 * is taken: the next layer down would be blown up more than that one is shrunk.
 * @param {number} pixels
 * @returns {number}
 */
export const largest = (pixels) => Math.ceil((pixels * 1.6) / 32) * 32;

/** The choice for the first video of a session, and of the sessions after it. */
export class LayerChoice {
  /** @type {Selection} what a person chose; empty leaves it to the server */
  selection = {};
  /** @type {{ maxWidth: number, maxHeight: number } | null} */
  #bounds = null;
  /** @type {{ url: string, mediaId: string, token: () => string } | null} */
  #at = null;
  /** Whether the server does not know yet what is wanted. */
  #owed = false;
  /** @type {Promise<unknown>} */
  #sending = Promise.resolve();

  /** Whether there is a server that lets us choose. */
  get possible() {
    return this.#at !== null;
  }

  /** @param {string} url @param {string} mediaId @param {() => string} token */
  open(url, mediaId, token) {
    this.#at = { url, mediaId, token };
    this.#owed = this.#bounds !== null || Object.keys(this.selection).length > 0;
    this.retry();
  }

  close() {
    this.#at = null;
  }

  /** Says again what the server refused or has not heard; for news about its layers. */
  retry() {
    if (this.#owed) this.#send().catch(() => {}); // at the next news, then
  }

  /**
   * @param {Selection} selection
   * @throws {Problem} when the server refuses; the choice then is what it was
   */
  async select(selection) {
    const before = this.selection;
    this.selection = selection;
    try {
      await this.#send();
    } catch (refusal) {
      if (this.selection === selection) this.selection = before;
      throw refusal;
    }
  }

  /** @param {number} width pixels that can be shown @param {number} height */
  fit(width, height) {
    const bounds = { maxWidth: largest(width), maxHeight: largest(height) };
    if (!width || !height || (bounds.maxWidth === this.#bounds?.maxWidth && bounds.maxHeight === this.#bounds.maxHeight)) return;
    this.#bounds = bounds;
    this.#owed = true;
    this.retry();
  }

  /** One after the other: the last word counts. @returns {Promise<void>} */
  #send() {
    const sent = this.#sending.then(() => this.#post());
    this.#sending = sent.catch(() => {});
    return sent;
  }

  async #post() {
    const at = this.#at;
    if (!at) throw new Problem({ code: "no-layers", status: 404, detail: "This server does not let viewers choose a layer." });
    this.#owed = false;
    // Who chose a layer wants it in a small window too.
    const body = { mediaId: at.mediaId, ...(Object.keys(this.selection).length ? this.selection : this.#bounds) };
    try {
      const response = await fetch(at.url, {
        method: "POST", headers: { "Content-Type": "application/json", ...bearer(at.token()) }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000),
      });
      if (!response.ok) throw await problemFrom(response);
    } catch (thrown) {
      this.#owed = true;
      throw thrown;
    }
  }
}
