// Headgate, MIT licence. Simulcast: one picture sent in several sizes, so that each
// viewer can be sent the one that suits (RFC 8853, RFC 8851).
// Part of the modules that may be copied; imports nothing.
// @ts-check

/**
 * @typedef {object} Layer
 * @property {string} rid
 * @property {number} scale how many times smaller than the picture, in each direction
 * @property {number} share of the whole bit rate
 */

/** Lowest first: browsers give up the last ones first. @type {Layer[]} */
export const LAYERS = [
  { rid: "q", scale: 4, share: 0.07 },
  { rid: "h", scale: 2, share: 0.21 },
  { rid: "f", scale: 1, share: 0.72 },
];

/** All layers together take so many times what the largest takes. */
export const TOGETHER = 1 / 0.72;

/** Codecs that browsers send as simulcast; VP9 and AV1 are layered in another way. */
const CODECS = ["H264", "VP8"];

/**
 * Which codecs to offer; the gateway chooses among them.
 * @param {string} codec what is wished; empty without a wish
 * @returns {string[]} none when there is no simulcast with this codec
 */
export const simulcastCodecs = (codec) => (codec ? CODECS.filter((c) => c === codec.toUpperCase()) : CODECS);

/**
 * What addTransceiver takes.
 * @param {number} bitsPerSecond of all layers together; 0 leaves it to the browser
 * @returns {RTCRtpEncodingParameters[]}
 */
export function encodings(bitsPerSecond) {
  return divided(LAYERS.map(({ rid, scale }) => ({ rid, scaleResolutionDownBy: scale })), bitsPerSecond);
}

/**
 * Divides a bit rate among encodings, by their RIDs; one alone gets all.
 * @param {RTCRtpEncodingParameters[]} list changed
 * @param {number} bitsPerSecond 0 leaves it to the browser
 * @returns {RTCRtpEncodingParameters[]} list
 */
export function divided(list, bitsPerSecond) {
  for (const encoding of list) {
    const share = LAYERS.find((l) => l.rid === encoding.rid)?.share;
    if (bitsPerSecond) encoding.maxBitrate = Math.round(bitsPerSecond * (list.length > 1 && share ? share : 1));
    else delete encoding.maxBitrate;
  }
  return list;
}

/**
 * Makes the first encoding the whole picture: without simulcast in the answer
 * only that one may be sent (RFC 8853 section 5.3.3), and it is the smallest.
 * @param {RTCRtpEncodingParameters[]} list changed
 * @param {number} bitsPerSecond
 */
export function undivided(list, bitsPerSecond) {
  list.forEach((encoding, i) => (encoding.active = i === 0));
  if (list[0]) list[0].scaleResolutionDownBy = 1;
  divided(list.slice(0, 1), bitsPerSecond);
}

/**
 * The layers a server takes.
 * @param {string} answer SDP
 * @returns {string[]} RIDs, in its order; none without simulcast
 */
export function takenLayers(answer) {
  const list = /^a=simulcast:(?:send \S+ )?recv (\S+)/m.exec(answer)?.[1] ?? "";
  return list.split(";").map((stream) => stream.split(",")[0].replace(/^~/, "")).filter((rid) => rid !== "");
}
