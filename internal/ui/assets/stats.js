// Headgate, MIT licence. What getStats() says, as the few numbers people ask
// for. Rates and losses are of the time since the last reading.
// @ts-check

import { RIDS } from "./simulcast.js";

/**
 * @typedef {object} Reading
 * @property {string} path "udp 192.0.2.1:8190", empty before media can pass
 * @property {number | undefined} rtt milliseconds
 * @property {Stream | undefined} video
 * @property {Stream | undefined} audio
 */

/**
 * @typedef {object} Stream one kind of media in one direction; undefined where not known
 * @property {string} codec
 * @property {number | undefined} bitrate bits per second
 * @property {number | undefined} loss share of the packets, 0 to 1
 * @property {number | undefined} width
 * @property {number | undefined} height
 * @property {number | undefined} fps
 * @property {number | undefined} delay milliseconds in the jitter buffer (players)
 * @property {number | undefined} freezes since the beginning (players)
 * @property {number | undefined} frozen seconds since the beginning (players)
 * @property {number | undefined} lost packets since the beginning, before repair (players)
 * @property {number | undefined} repaired packets that came again, or out of others, since the beginning (players)
 * @property {string} limited "cpu" or "bandwidth" where the encoder holds back (publishers)
 * @property {SentLayer[]} layers of simulcast (publishers), lowest first; empty without
 */

/**
 * @typedef {object} SentLayer one encoding of a simulcast publisher
 * @property {string} rid
 * @property {number | undefined} bitrate bits per second, without retransmissions
 * @property {number | undefined} width
 * @property {number | undefined} height
 * @property {number | undefined} fps
 * @property {string} limited like Stream's
 * @property {boolean} active false when the page itself sends none of it
 */

/** Reads one connection; start a new one for each connection. */
export class StatsReader {
  /** @type {Map<string, Record<string, any>>} */
  #before = new Map();

  /**
   * @param {RTCPeerConnection} pc
   * @returns {Promise<Reading>}
   */
  async read(pc) {
    const report = await pc.getStats();
    /** @type {Record<string, any>[]} */
    const all = [];
    report.forEach((entry) => all.push(entry));
    const selected = all.find((e) => e.type === "transport")?.selectedCandidatePairId;
    const pair = selected ? report.get(selected) : all.find((e) => e.type === "candidate-pair" && e.nominated && e.state === "succeeded");
    const remote = pair && report.get(pair.remoteCandidateId);
    /** @type {Reading} */
    const reading = {
      path: remote ? `${remote.protocol ?? "udp"} ${remote.address ?? "?"}:${remote.port ?? "?"}` : "",
      rtt: milliseconds(pair?.currentRoundTripTime),
      video: this.#stream(all, report, "video"),
      audio: this.#stream(all, report, "audio"),
    };
    this.#before = new Map(all.map((entry) => [entry.id, entry]));
    return reading;
  }

  /**
   * @param {Record<string, any>[]} all
   * @param {RTCStatsReport} report
   * @param {string} kind
   * @returns {Stream | undefined}
   */
  #stream(all, report, kind) {
    const streams = all.filter((e) => (e.type === "inbound-rtp" || e.type === "outbound-rtp") && e.kind === kind);
    const now = streams.toSorted((a, b) => (b.frameHeight ?? 0) - (a.frameHeight ?? 0))[0];
    if (!now) return undefined;
    const inbound = now.type === "inbound-rtp";
    const codec = now.codecId ? String(report.get(now.codecId)?.mimeType ?? "") : "";
    return {
      codec: codec.slice(codec.indexOf("/") + 1),
      bitrate: sum(streams.map((e) => this.#rate(e, inbound ? "bytesReceived" : "bytesSent"))),
      loss: inbound ? this.#lost(now) : all.find((e) => e.type === "remote-inbound-rtp" && e.localId === now.id)?.fractionLost,
      width: now.frameWidth,
      height: now.frameHeight,
      fps: now.framesPerSecond,
      delay: inbound ? this.#delay(now) : undefined,
      freezes: now.freezeCount,
      frozen: now.totalFreezesDuration,
      lost: now.packetsLost,
      repaired: sum([now.retransmittedPacketsReceived, now.fecPacketsReceived]),
      limited: limitOf(now),
      layers: inbound || streams.length < 2 ? [] : streams.map((e) => this.#layer(e)).sort((a, b) => order(a.rid) - order(b.rid)),
    };
  }

  /** @param {Record<string, any>} now @returns {SentLayer} */
  #layer(now) {
    const frames = known(this.#grown(now, "framesSent"));
    return {
      rid: String(now.rid ?? ""), bitrate: this.#media(now), width: now.frameWidth, height: now.frameHeight,
      fps: frames === 0 ? 0 : frames && now.framesPerSecond, limited: limitOf(now), active: now.active !== false,
    };
  }

  /**
   * The rate without what is sent again, which is mostly probes for more bandwidth.
   * @param {Record<string, any>} now
   */
  #media(now) {
    const sent = this.#rate(now, "bytesSent");
    return sent && Math.max(0, sent - (this.#rate(now, "retransmittedBytesSent") ?? 0));
  }

  /**
   * How much a counter grew since the last reading.
   * @param {Record<string, any>} now
   * @param {string} name
   * @returns {number} NaN before there are two readings
   */
  #grown(now, name) {
    const before = this.#before.get(now.id);
    return before ? (now[name] ?? NaN) - (before[name] ?? NaN) : NaN;
  }

  /** @param {Record<string, any>} now @param {string} bytes */
  #rate(now, bytes) {
    return known((this.#grown(now, bytes) * 8000) / this.#grown(now, "timestamp"));
  }

  /** @param {Record<string, any>} now */
  #lost(now) {
    const lost = Math.max(0, this.#grown(now, "packetsLost"));
    const all = lost + this.#grown(now, "packetsReceived");
    return all > 0 ? known(lost / all) : undefined;
  }

  /** @param {Record<string, any>} now */
  #delay(now) {
    return milliseconds(this.#grown(now, "jitterBufferDelay") / this.#grown(now, "jitterBufferEmittedCount"));
  }
}

/** @param {Record<string, any>} entry @returns {string} */
const limitOf = (entry) => (["cpu", "bandwidth"].includes(entry.qualityLimitationReason) ? entry.qualityLimitationReason : "");

/** @param {string} rid @returns {number} lowest first */
const order = (rid) => RIDS.indexOf(rid);

/** @param {(number | undefined)[]} values @returns {number | undefined} of those that are known */
const sum = (values) => values.reduce((all, value) => (value === undefined ? all : (all ?? 0) + value), undefined);

/** @param {number} value @returns {number | undefined} */
const known = (value) => (Number.isFinite(value) ? value : undefined);

/** @param {number | undefined} seconds @returns {number | undefined} */
const milliseconds = (seconds) => (seconds === undefined ? undefined : known(seconds * 1000));

/**
 * Numbers as people read them; a dash where nothing is known.
 */
export const show = {
  /** @param {number | undefined} bps */
  rate: (bps) => (bps === undefined ? "–" : bps >= 1e6 ? `${(bps / 1e6).toFixed(1)} Mbit/s` : `${Math.round(bps / 1e3)} kbit/s`),
  /** @param {number | undefined} ms */
  time: (ms) => (ms === undefined ? "–" : ms < 1 ? "under 1 ms" : `${Math.round(ms)} ms`),
  /** @param {number | undefined} share */
  share: (share) => (share === undefined ? "–" : `${(share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0)} %`),
  /** @param {{ width?: number, height?: number } | undefined} s */
  size: (s) => (s?.width && s.height ? `${s.width} × ${s.height}` : "–"),
  /** @param {number | undefined} fps */
  fps: (fps) => (fps === undefined ? "–" : `${Math.round(fps)}`),
};

/**
 * Fills a description list, reusing its elements so that a reader's place and
 * selection stay.
 * @param {HTMLDListElement} list
 * @param {[string, string][]} rows
 */
export function fill(list, rows) {
  const have = list.querySelectorAll("dd");
  const same = have.length === rows.length && [...list.querySelectorAll("dt")].every((dt, i) => dt.textContent === rows[i][0]);
  if (same) return have.forEach((dd, i) => dd.textContent !== rows[i][1] && (dd.textContent = rows[i][1]));
  list.replaceChildren(...rows.map(([term, value]) => {
    const row = document.createElement("div");
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = term;
    dd.textContent = value;
    row.append(dt, dd);
    return row;
  }));
}
