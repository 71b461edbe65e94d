// Headgate, MIT licence. The publish page.
// @ts-check

import { Advice } from "./advice.js";
import * as devices from "./devices.js";
import { byID, copyButton, el, pageState } from "./dom.js";
import { Meter } from "./meter.js";
import { guestName, pathOf, tokenOf } from "./names.js";
import { askForChannel, titleOf, wantsToken, whereAmI } from "./page.js";
import { asProblem } from "./problem.js";
import { Report } from "./report.js";
import { Sending } from "./sending.js";
import { TOGETHER, simulcastCodecs } from "./simulcast.js";
import { WHIPClient, sendableCodecs } from "./whip.js";

/** @typedef {import("./problem.js").Problem} Problem */

const preview = byID("preview", HTMLVideoElement);
const stage = byID("stage", HTMLElement);
const form = byID("setup", HTMLFormElement);
const cameras = byID("camera", HTMLSelectElement);
const microphones = byID("microphone", HTMLSelectElement);
const size = byID("size", HTMLSelectElement);
const bitrate = byID("bitrate", HTMLSelectElement);
const codec = byID("codec", HTMLSelectElement);
const music = byID("music", HTMLInputElement);
const simulcast = byID("simulcast", HTMLInputElement);
const guest = byID("guest", HTMLInputElement);
const go = byID("go", HTMLButtonElement);
const look = byID("look", HTMLButtonElement);
const mute = byID("mute", HTMLButtonElement);
const hide = byID("hide", HTMLButtonElement);
const status = byID("status", HTMLElement);
const trouble = byID("trouble", HTMLElement);
const level = byID("level", HTMLElement);

const place = whereAmI("/publish");
const guestID = remembered("headgate-guest", guestName);

/** @type {MediaStream | null} */
let stream = null;
/** @type {Meter | null} */
let meter = null;
/** @type {WHIPClient | null} */
let client = null;
/** @type {WakeLockSentinel | null} */
let awake = null;

const report = new Report(() => client);
new Advice([byID("advice", HTMLElement)], report);

/** What the browser sends without being told is little; this is usual for the size. */
const USUAL = new Map([[360, 800_000], [480, 1_200_000], [720, 2_500_000], [1080, 4_500_000]]);

/** The form as a wish. @returns {devices.Wish} */
function wish() {
  const source = new FormData(form).get("source") === "screen" ? "screen" : "camera";
  return { source, camera: cameras.value, microphone: microphones.value, height: Number(size.value), fps: source === "screen" ? 30 : 30, music: music.checked };
}

/** @returns {number} bits per second, of all layers together */
const rate = () => Number(bitrate.value) || Math.round((USUAL.get(Number(size.value)) ?? 2_500_000) * (simulcast.checked ? TOGETHER : 1));

/** @type {boolean | null} what somebody said about layers */
let said = null;

/** Offers layers where they are of use: in a camera's picture of some size, unless somebody says otherwise. */
function offerLayers() {
  const possible = simulcastCodecs(codec.value).length > 0;
  simulcast.disabled = !possible || isRunning();
  simulcast.checked = possible && (said ?? (wish().source === "camera" && cameras.value !== "none" && Number(size.value) >= 720));
  byID("simulcast-why", HTMLElement).textContent = possible ? "smaller sizes too" : "with H264 and VP8 only";
}

const isRunning = () => ["connecting", "waiting", "live"].includes(client?.state ?? "idle");

/** Names this page publishes to. */
const names = () => (guest.checked && place.names.length === 1 && !tokenOf(location.hash) ? [...place.names, guestID] : place.names);

/** @type {Promise<boolean> | null} the newest attempt to open devices, while it runs */
let opening = null;

/**
 * Opens camera, microphone or screen, or changes them, also while live.
 * @returns {Promise<boolean>} whether there is something to send
 */
function open() {
  /** @type {Promise<boolean>} */
  const mine = Promise.resolve().then(() => attempt(() => opening === mine)).finally(() => {
    if (opening === mine) opening = null;
  });
  return (opening = mine);
}

/**
 * @param {() => boolean} wanted false when somebody changed their mind while the browser asked
 * @returns {Promise<boolean>}
 */
async function attempt(wanted) {
  complain(null);
  try {
    const fresh = await devices.capture(wish());
    if (!wanted()) {
      devices.stop(fresh);
      return opening ?? false;
    }
    const old = stream;
    use(fresh);
    if (client) await resend(client, fresh);
    devices.stop(old);
    await fillDevices();
    return true;
  } catch (thrown) {
    if (!wanted()) return opening ?? false;
    complain(asProblem(thrown));
    return false;
  }
}

/**
 * Sends other tracks. A kind that was not offered yet needs another offer.
 * @param {WHIPClient} running
 * @param {MediaStream} fresh
 */
async function resend(running, fresh) {
  const offered = running.stream.getTracks().map((t) => t.kind);
  if (fresh.getTracks().every((t) => offered.includes(t.kind))) {
    for (const track of fresh.getTracks()) await running.replace(track);
    return;
  }
  await stop();
  await start();
}

/** Shows a stream. Who is muted stays so. @param {MediaStream | null} fresh */
function use(fresh) {
  for (const track of fresh?.getTracks() ?? []) track.enabled = stream?.getTracks().find((t) => t.kind === track.kind)?.enabled ?? true;
  stream = fresh;
  meter?.close();
  meter = fresh ? new Meter(fresh, showLevel) : null;
  preview.srcObject = fresh;
  preview.classList.toggle("mirrored", fresh !== null && wish().source === "camera");
  stage.dataset.preview = String(Boolean(fresh?.getVideoTracks().length));
  for (const track of fresh?.getTracks() ?? []) track.addEventListener("ended", () => void lost(track));
  toggled();
}

/** A device was unplugged, or sharing stopped from the browser's own bar. @param {MediaStreamTrack} track */
async function lost(track) {
  if (!stream?.getTracks().includes(track)) return;
  if (stream.getTracks().every((t) => t.readyState === "ended")) await close();
  tell(track.kind === "video" ? "The picture ended: sharing was stopped, or the camera was unplugged." : "The sound ended: the microphone was unplugged.");
}

/** Stops everything; the camera's light goes out. */
async function close() {
  opening = null;
  devices.stop(stream);
  use(null);
  await stop();
}

async function start() {
  if (!stream && !(await open())) return;
  if (!stream || (client && client.state !== "error")) return; // pressed twice
  offerLayers();
  complain(null);
  const url = `/whip/${pathOf(...names())}`;
  client = new WHIPClient(new URL(url, location.origin).href, {
    token: tokenOf(location.hash), codec: codec.value, bitrate: rate(), stereo: music.checked, simulcast: simulcast.checked,
  });
  Object.assign(window, { headgate: client });
  client.addEventListener("state", onState);
  await client.publish(stream).catch(() => {}); // told by the state
}

async function stop() {
  const old = client;
  client = null;
  await old?.stop();
  onState();
}

/** Shows how the client is doing. */
function onState() {
  const state = client?.state ?? "idle";
  const running = isRunning();
  pageState(state);
  go.textContent = running ? "Stop" : "Go live";
  go.classList.toggle("danger", running);
  for (const field of [codec, guest]) field.disabled = running;
  for (const radio of form.querySelectorAll("input[type=radio]")) if (radio instanceof HTMLInputElement) radio.disabled = running;
  if (running) simulcast.disabled = true;
  else offerLayers();
  byID("numbers", HTMLElement).hidden = !running;
  look.hidden = running;
  complain(state === "error" ? client?.problem ?? null : null);
  tell(sentence(state, client?.problem ?? null));
  void report.ask();
  void stayAwake(running);
}

/** @param {string} state @param {Problem | null} problem */
function sentence(state, problem) {
  const where = titleOf(names());
  if (state === "live") return `You are live on ${where}.`;
  if (state === "connecting") return problem ? problem.message : "Connecting…";
  if (state === "waiting") return `${problem?.message ?? "The gateway is busy."} Trying again by itself.`;
  return state === "error" ? "" : "Not live.";
}

/** @param {string} text */
function tell(text) {
  if (status.textContent !== text) status.textContent = text;
}

/** Shows what is wrong and what to do. @param {Problem | null} problem */
function complain(problem) {
  trouble.hidden = problem === null;
  if (!problem) return;
  const more = wantsToken(problem) ? " Whoever runs this gateway gives you a link that ends in #token=…" : "";
  trouble.replaceChildren(el("p", {}, problem.message + more));
  if (problem.code === "insecure") trouble.append(secureAdvice());
  if (client?.state !== "error" && !client) pageState("error");
}

/** What to do about plain HTTP. */
function secureAdvice() {
  const here = `http://localhost${location.port ? `:${location.port}` : ""}${location.pathname}`;
  return el("ul", {},
    el("li", {}, "On the computer that runs the gateway, open ", el("code", {}, here), "."),
    el("li", {}, "From anywhere else, give the gateway a certificate (its configuration: TLS) or put a proxy with HTTPS in front of it."),
    el("li", {}, "OBS, ffmpeg and GStreamer need none of this: they publish over plain HTTP too."));
}

/** @param {number} value 0 to 1 */
function showLevel(value) {
  level.setAttribute("aria-valuenow", String(Math.round(value * 100)));
  level.style.setProperty("--level", value.toFixed(2));
}

/** Fills the lists; browsers tell names only after they were allowed once. */
async function fillDevices() {
  await fillList(cameras, "videoinput", "Camera");
  await fillList(microphones, "audioinput", "Microphone");
}

/** @param {HTMLSelectElement} select @param {MediaDeviceKind} kind @param {string} word */
async function fillList(select, kind, word) {
  const found = await devices.list(kind);
  const before = select.value;
  select.replaceChildren(
    el("option", { value: "" }, "Default"),
    ...found.filter((d) => d.deviceId !== "default").map((d, i) => el("option", { value: d.deviceId }, d.label || `${word} ${i + 1}`)),
    el("option", { value: "none" }, "None"));
  select.value = [...select.options].some((o) => o.value === before) ? before : "";
}

/** Shows which tracks are held back. */
function toggled() {
  for (const [button, kind, off, on] of /** @type {const} */ ([[mute, "audio", "Unmute", "Mute"], [hide, "video", "Picture on", "Picture off"]])) {
    const track = stream?.getTracks().find((t) => t.kind === kind);
    button.hidden = !track;
    button.setAttribute("aria-pressed", String(track ? !track.enabled : false));
    button.textContent = track && !track.enabled ? off : on;
  }
  byID("level-row", HTMLElement).hidden = !stream?.getAudioTracks().length;
  look.textContent = stream ? "Turn off" : "Preview";
}

/** @param {string} kind */
function toggle(kind) {
  for (const track of stream?.getTracks() ?? []) if (track.kind === kind) track.enabled = !track.enabled;
  toggled();
}

/** Keeps a phone from sleeping while it sends. @param {boolean} wanted */
async function stayAwake(wanted) {
  if (wanted === Boolean(awake && !awake.released)) return;
  try {
    if (wanted) awake = await navigator.wakeLock.request("screen");
    else await awake?.release();
  } catch {
    // Not everywhere; sending works without.
  }
}

/**
 * A value that stays while the tab does.
 * @param {string} key
 * @param {() => string} make
 */
function remembered(key, make) {
  try {
    const value = sessionStorage.getItem(key) ?? make();
    sessionStorage.setItem(key, value);
    return value;
  } catch {
    return make();
  }
}

function wire() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void (client && client.state !== "error" ? stop() : start());
  });
  form.addEventListener("change", (event) => void changed(event.target));
  look.addEventListener("click", () => void (stream ? close() : open()));
  mute.addEventListener("click", () => toggle("audio"));
  hide.addEventListener("click", () => toggle("video"));
  navigator.mediaDevices?.addEventListener("devicechange", () => void fillDevices());
  window.addEventListener("hashchange", () => client && (client.token = tokenOf(location.hash)));
  window.addEventListener("pagehide", () => void client?.stop());
}

/** @param {EventTarget | null} field */
async function changed(field) {
  if (field === simulcast) said = simulcast.checked;
  else if (!isRunning()) offerLayers();
  if (field === bitrate || field === size) await client?.limit(rate());
  if (field === guest) showShare();
  if (field === bitrate || field === codec || field === guest || field === simulcast) return;
  byID("camera-row", HTMLElement).hidden = wish().source === "screen";
  if (stream || opening) await open();
}

function showShare() {
  const link = `${location.origin}/watch/${pathOf(...names())}`;
  const anchor = byID("share-link", HTMLAnchorElement);
  anchor.href = link;
  anchor.textContent = link;
}

function main() {
  const label = titleOf(place.names);
  byID("channel", HTMLElement).textContent = label;
  if (label) document.title = `Publish ${label} – Headgate`;
  if (place.names.length === 0 && !place.problem) return askForChannel("/publish");
  const problem = place.problem ?? devices.whyNot("camera");
  if (problem) return complain(problem);
  form.hidden = stage.hidden = false;
  byID("guest-row", HTMLElement).hidden = place.names.length !== 1 || place.token !== "";
  byID("guest-id", HTMLElement).textContent = guestID;
  for (const name of window.RTCRtpSender ? sendableCodecs() : []) codec.append(el("option", { value: name }, name));
  byID("share", HTMLElement).append(copyButton(() => byID("share-link", HTMLAnchorElement).href, "the link for viewers"));
  onState();
  showShare();
  wire();
  void fillDevices();
  new Sending(() => client, report);
}

main();
