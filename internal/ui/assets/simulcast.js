// Headgate, MIT licence. Simulcast: one picture sent in several sizes, so that each
// viewer can be sent the one that suits (RFC 8853, RFC 8851).
// Part of the modules that may be copied; imports nothing.
// @ts-check

/** RIDs, smallest picture first: browsers give up the last ones first. */
export const RIDS = ["q", "h", "f"];

/** What part of the whole bit rate each gets, by how many there are. */
const SHARES = [[], [1], [0.22, 0.78], [0.07, 0.21, 0.72]];

/** All layers together take about so many times what the largest takes. */
export const TOGETHER = 1.35;

/**
 * How many layers a picture is worth. Browsers send no more than these, and leave
 * out the largest: who offers three of a small picture loses its full size.
 * @param {number | undefined} width
 * @param {number | undefined} height 0 or undefined while not known
 * @returns {number} 1 to 3
 */
export function worth(width, height) {
  const pixels = (width ?? 0) * (height ?? 0) || Infinity;
  return pixels >= 960 * 540 ? 3 : pixels >= 480 * 270 ? 2 : 1;
}

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
 * @param {number} count how many layers
 * @param {number} bitsPerSecond of all layers together; 0 leaves it to the browser
 * @returns {RTCRtpEncodingParameters[]}
 */
export const encodings = (count, bitsPerSecond) => arranged(RIDS.slice(-count).map((rid) => ({ rid })), count, bitsPerSecond);

/**
 * Arranges encodings so that the first ones are the layers, each twice the size of
 * the one before, up to the whole picture; the others are not sent. Without
 * simulcast in the answer only the first one may be (RFC 8853 section 5.3.3).
 * @param {RTCRtpEncodingParameters[]} list changed
 * @param {number} count how many layers
 * @param {number} bitsPerSecond of all together; 0 leaves it to the browser
 * @returns {RTCRtpEncodingParameters[]} list
 */
export function arranged(list, count, bitsPerSecond) {
  const last = Math.min(count, list.length) - 1;
  list.forEach((encoding, i) => {
    encoding.active = i <= last;
    encoding.scaleResolutionDownBy = 2 ** Math.max(last - i, 0);
    if (bitsPerSecond) encoding.maxBitrate = Math.round(bitsPerSecond * SHARES[last + 1][Math.min(i, last)]);
    else delete encoding.maxBitrate;
  });
  return list;
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
