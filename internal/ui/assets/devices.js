// Headgate, MIT licence. Cameras, microphones and screens, and clear words when
// there are none or they may not be used.
// @ts-check

import { Problem } from "./problem.js";

/**
 * @typedef {object} Wish
 * @property {"camera" | "screen"} source
 * @property {string} camera device id; empty lets the browser choose; "none" for sound only
 * @property {string} microphone device id; empty lets the browser choose; "none" for silence
 * @property {number} height of the picture, in pixels
 * @property {number} fps
 * @property {boolean} music leave the sound alone: stereo, no echo cancellation
 */

/** Asks for what is wished. @param {Wish} wish @returns {Promise<MediaStream>} @throws {Problem} */
export async function capture(wish) {
  const why = whyNot(wish.source);
  if (why) throw why;
  try {
    return wish.source === "screen" ? await captureScreen(wish) : await navigator.mediaDevices.getUserMedia({ audio: sound(wish), video: picture(wish) });
  } catch (refusal) {
    throw refused(refusal, wish.source);
  }
}

/** @param {Wish} wish @returns {Promise<MediaStream>} */
async function captureScreen(wish) {
  const screen = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: wish.fps }, height: { max: wish.height } }, audio: wish.microphone === "none" });
  for (const track of screen.getVideoTracks()) track.contentHint = "detail";
  if (wish.microphone === "none") return screen;
  try {
    const voice = await navigator.mediaDevices.getUserMedia({ audio: sound(wish) });
    return new MediaStream([...screen.getVideoTracks(), ...voice.getAudioTracks()]);
  } catch (refusal) {
    stop(screen);
    throw refusal;
  }
}

/** @param {Wish} wish @returns {MediaTrackConstraints | boolean} */
function sound(wish) {
  if (wish.microphone === "none") return false;
  const raw = wish.music ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: { ideal: 2 } } : {};
  return { ...device(wish.microphone), ...raw };
}

/** @param {Wish} wish @returns {MediaTrackConstraints | boolean} */
function picture(wish) {
  if (wish.camera === "none") return false;
  return {
    ...device(wish.camera),
    width: { ideal: Math.round((wish.height * 16) / 9) }, height: { ideal: wish.height }, frameRate: { ideal: wish.fps },
  };
}

/** @param {string} id @returns {MediaTrackConstraints} */
const device = (id) => (id ? { deviceId: { exact: id } } : {});

/**
 * What is there to choose from. Labels are empty until the person allowed
 * something.
 * @param {MediaDeviceKind} kind
 * @returns {Promise<MediaDeviceInfo[]>}
 */
export async function list(kind) {
  if (!navigator.mediaDevices?.enumerateDevices) return [];
  const all = await navigator.mediaDevices.enumerateDevices();
  return all.filter((d) => d.kind === kind && d.deviceId !== "");
}

/** Lets go of camera and microphone: their lights go out. @param {MediaStream | null} stream */
export function stop(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/**
 * Why this page cannot even ask.
 * @param {"camera" | "screen"} source
 * @returns {Problem | null}
 */
export function whyNot(source) {
  if (!window.isSecureContext) return new Problem({ code: "insecure", detail: "Browsers give camera, microphone and screen only to pages that come by HTTPS or from this very computer. This page came by plain HTTP." });
  if (source === "screen" && !navigator.mediaDevices?.getDisplayMedia) return new Problem({ code: "no-screen", detail: "This browser cannot share the screen; phones usually cannot. Use the camera, or a computer." });
  if (!navigator.mediaDevices?.getUserMedia || !window.RTCPeerConnection) return new Problem({ code: "no-webrtc", detail: "This browser has no WebRTC, or it is switched off." });
  return null;
}

/** @type {Record<string, [code: string, camera: string, screen: string]>} */
const WORDS = {
  NotAllowedError: [
    "refused",
    "The browser was told not to give this page the camera or microphone. Press the icon left of the address, allow both, and try again. If it is allowed there, the system's own privacy settings forbid it.",
    "Sharing was cancelled, or the system does not let the browser record the screen (see its privacy settings). Try again and choose what to share.",
  ],
  NotFoundError: [
    "no-devices",
    "No camera or microphone was found. Plug one in, or choose “None” for the one that is missing.",
    "There is nothing to share, or no microphone was found; choose “None” for the microphone.",
  ],
  NotReadableError: [
    "busy",
    "The camera or microphone is there but does not answer. Another program may be using it; close that and try again.",
    "The system did not hand over the screen. Try another window or the whole screen.",
  ],
  OverconstrainedError: [
    "unavailable",
    "The chosen camera or microphone is not there any more. Choose another.",
    "The chosen microphone is not there any more. Choose another.",
  ],
  TypeError: [
    "nothing",
    "With neither camera nor microphone there is nothing to send. Choose at least one.",
    "There is nothing to send. Choose at least one.",
  ],
};

/**
 * @param {unknown} refusal
 * @param {"camera" | "screen"} source
 * @returns {Problem}
 */
function refused(refusal, source) {
  const name = refusal instanceof Error || refusal instanceof DOMException ? refusal.name : "";
  const words = WORDS[name === "SecurityError" ? "NotAllowedError" : name === "AbortError" ? "NotReadableError" : name];
  if (words) return new Problem({ code: words[0], detail: source === "screen" ? words[2] : words[1] });
  return new Problem({ code: "capture", detail: `The browser could not start the ${source}${name ? ` (${name})` : ""}. Try again, or another device.` });
}
