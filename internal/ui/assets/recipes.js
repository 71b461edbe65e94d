// Headgate, MIT licence. What to paste into other programs. Pure text.
// @ts-check

import { fragmentOf, pathOf } from "./names.js";

/**
 * @typedef {object} Target
 * @property {string} whip the base of publishing addresses, ends with a slash
 * @property {string} whep the base of playing addresses, ends with a slash
 * @property {string} origin where the pages are
 * @property {string} name a legal channel name
 * @property {string} token empty without
 */

/**
 * @typedef {object} Recipe
 * @property {string} id
 * @property {string} title
 * @property {string} intro one sentence
 * @property {[label: string, text: string][]} fields to be copied one by one
 * @property {string} note empty without
 */

/** @param {Target} target @returns {Recipe[]} */
export function recipes(target) {
  const path = pathOf(target.name);
  const whip = target.whip + path;
  const whep = target.whep + path;
  return [obs(whip, target.token), ffmpeg(whip, target.token), gstreamer(whip, target.token), browser(target, path, whep), push(whip, target.token), curl(whip, target.token)];
}

/** @param {string} whip @param {string} token @returns {Recipe} */
function obs(whip, token) {
  return {
    id: "obs",
    title: "OBS",
    intro: "OBS Studio 30 or later: Settings, Stream.",
    fields: [["Service", "WHIP"], ["Server", whip], ...token ? /** @type {[string, string][]} */ ([["Bearer Token", token]]) : []],
    note: "Then Settings, Output: a keyframe interval of 1 or 2 s, no B-frames, tune zerolatency. Pictures start sooner and never jump back.",
  };
}

/** @param {string} whip @param {string} token @returns {Recipe} */
function ffmpeg(whip, token) {
  const encode = "\\\n  -c:v libx264 -profile:v baseline -preset veryfast -tune zerolatency \\\n  -bf 0 -pix_fmt yuv420p -g 60 -b:v 2500k -c:a libopus -ar 48000 -ac 2 -b:a 128k \\\n  ";
  const out = `-f whip${token ? ` -authorization ${quote(token)}` : ""} ${quote(whip)}`;
  const test = "-re -f lavfi -i testsrc2=size=1280x720:rate=30 \\\n  -re -f lavfi -i sine=frequency=440:sample_rate=48000 ";
  return {
    id: "ffmpeg",
    title: "ffmpeg",
    intro: "FFmpeg 8 or later, built with the whip muxer.",
    fields: [["A file, again and again", `ffmpeg -re -stream_loop -1 -i input.mp4 ${encode}${out}`], ["A test picture", `ffmpeg ${test}${encode}${out}`]],
    note: "",
  };
}

/** @param {string} whip @param {string} token @returns {Recipe} */
function gstreamer(whip, token) {
  const sink = `whipclientsink name=out signaller::whip-endpoint=${quote(whip)}${token ? ` \\\n  signaller::auth-token=${quote(token)}` : ""}`;
  const video = "videotestsrc is-live=true ! video/x-raw,width=1280,height=720,framerate=30/1 \\\n  ! videoconvert ! ";
  const audio = "audiotestsrc is-live=true wave=ticks ! audioconvert ! ";
  const packets = "x264enc tune=zerolatency speed-preset=veryfast bitrate=2500 key-int-max=60 bframes=0 ! video/x-h264,profile=constrained-baseline ! rtph264pay pt=96 ssrc=2 config-interval=-1 aggregate-mode=zero-latency ! queue ! application/x-rtp,media=video,encoding-name=H264,payload=96";
  const sound = "opusenc ! rtpopuspay pt=100 ssrc=1 ! queue ! application/x-rtp,media=audio,encoding-name=OPUS,payload=100";
  return {
    id: "gstreamer",
    title: "GStreamer",
    intro: "With the Rust plugins (gst-plugin-webrtc), or with simple-whip-client.",
    fields: [
      ["gst-launch-1.0", `gst-launch-1.0 ${sink} \\\n  ${video}queue ! out. \\\n  ${audio}queue ! out.`],
      ["simple-whip-client", `whip-client -u ${quote(whip)}${token ? ` -t ${quote(token)}` : ""} \\\n  -V ${quote(video.replace(" \\\n  ", " ") + packets)} \\\n  -A ${quote(audio + sound)}`],
    ],
    note: "",
  };
}

/** @param {Target} target @param {string} path @param {string} whep @returns {Recipe} */
function browser(target, path, whep) {
  const link = (/** @type {string} */ page) => `${target.origin}/${page}/${path}${fragmentOf(target.token)}`;
  const token = target.token ? ` token="${escape(target.token)}"` : "";
  return {
    id: "browser",
    title: "Browser",
    intro: "Nothing to install. A token stands behind the #, which browsers keep to themselves.",
    fields: [
      ["Publish", link("publish")],
      ["Watch", link("watch")],
      ["In a page of your own", `<script type="module" src="${target.origin}/assets/player.js"></script>\n<headgate-player src="${escape(whep)}"${token} controls></headgate-player>`],
    ],
    note: "The modules behind it are small and may be copied: whip.js, whep.js and player.js under /assets/.",
  };
}

/** @param {string} whip @param {string} token @returns {Recipe} */
function push(whip, token) {
  return {
    id: "push",
    title: "Test clip",
    intro: "No camera, no encoder: the gateway's own program sends a short clip, again and again.",
    fields: [["In a terminal", `headgate push --whip ${quote(whip)}${token ? ` --token ${quote(token)}` : ""}`]],
    note: "",
  };
}

/** @param {string} whip @param {string} token @returns {Recipe} */
function curl(whip, token) {
  const header = token ? ` -H ${quote(`Authorization: Bearer ${token}`)}` : "";
  return {
    id: "curl",
    title: "curl",
    intro: "For looking under the hood.",
    fields: [
      ["Is it there, and what does it take?", `curl -i -X OPTIONS${header} ${quote(whip)}`],
      ["Post an offer", `curl -i${header} -H 'Content-Type: application/sdp' \\\n  --data-binary @offer.sdp ${quote(whip)}`],
    ],
    note: "The answer's Location is the session: PATCH it with candidates, DELETE it to end.",
  };
}

/**
 * For a POSIX shell; left alone where nothing needs quoting.
 * @param {string} text
 */
export function quote(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** For an attribute in the markup that is shown. @param {string} text */
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
