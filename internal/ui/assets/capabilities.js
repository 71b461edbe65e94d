// Headgate, MIT licence. What this browser can do, as findings.
// @ts-check

/** @typedef {import("./verdict.js").Finding} Finding */

const MODERN = "Use a current Chrome, Edge, Firefox or Safari. In managed or hardened browsers WebRTC may be switched off by a policy or an extension.";

/**
 * Looks at the browser; asks for no permission.
 * @param {any} world window, or something like it in tests
 * @returns {Finding[]}
 */
export function capabilities(world) {
  if (!world.RTCPeerConnection) return [{ id: "webrtc", title: "WebRTC", level: "fault", text: "This browser has no WebRTC, or it is switched off.", remedy: MODERN }];
  return [
    { id: "webrtc", title: "WebRTC", level: "ok", text: "This browser has WebRTC.", remedy: "" },
    receives(codecs(world.RTCRtpReceiver)),
    sends(codecs(world.RTCRtpSender)),
    capture(world),
  ];
}

/**
 * @param {any} side RTCRtpSender or RTCRtpReceiver
 * @returns {string[] | null} video codecs; null when the browser does not tell
 */
function codecs(side) {
  const all = side?.getCapabilities?.("video")?.codecs;
  if (!Array.isArray(all)) return null;
  const names = all.map((c) => String(c.mimeType).slice("video/".length).toUpperCase());
  return ["H264", "VP8", "VP9", "AV1", "H265"].filter((name) => names.includes(name));
}

/** @param {string[] | null} list @returns {Finding} */
function receives(list) {
  const base = { id: "receive", title: "Codecs to watch" };
  if (!list) return { ...base, level: "note", text: "This browser does not tell what it can play.", remedy: MODERN };
  if (!list.includes("H264")) {
    return { ...base, level: "warning", text: `This browser cannot play H.264, which OBS and most encoders send. It plays ${list.join(", ") || "nothing known"}.`,
      remedy: "Use Chrome, Edge, Safari or Firefox as their makers give them out (Firefox loads H.264 by itself after its first start); or let the publisher send VP8." };
  }
  return { ...base, level: "ok", text: `Plays ${list.join(", ")}.`, remedy: "" };
}

/** @param {string[] | null} list @returns {Finding} */
function sends(list) {
  const base = { id: "send", title: "Codecs to publish" };
  if (!list) return { ...base, level: "note", text: "This browser does not tell what it can send.", remedy: MODERN };
  if (list.length === 0) return { ...base, level: "warning", text: "This browser can send no codec that is known here.", remedy: MODERN };
  if (!list.includes("H264")) return { ...base, level: "note", text: `Sends ${list.join(", ")}, not H.264.`, remedy: "Viewers whose device wants H.264 need another publisher, for example OBS." };
  return { ...base, level: "ok", text: `Sends ${list.join(", ")}.`, remedy: "" };
}

/** @param {any} world @returns {Finding} */
function capture(world) {
  const base = { id: "capture", title: "Camera, microphone, screen" };
  const devices = world.navigator?.mediaDevices;
  if (!world.isSecureContext) {
    return { ...base, level: "warning", text: "This page came by plain HTTP: browsers give it neither camera nor microphone nor screen. Watching works.", remedy: "Open it by https://, or on the gateway's own computer by http://localhost. The gateway's configuration: http.tls." };
  }
  if (!devices?.getUserMedia) return { ...base, level: "warning", text: "This browser gives pages no camera and no microphone.", remedy: MODERN };
  if (!devices.getDisplayMedia) return { ...base, level: "note", text: "Pages may ask for camera and microphone, not for the screen.", remedy: "Share the screen from a computer; phones cannot." };
  return { ...base, level: "ok", text: "Pages may ask for camera, microphone and screen.", remedy: "" };
}
