// Headgate, MIT licence. The watch page.
// @ts-check

import { Advice } from "./advice.js";
import { byID, pageState } from "./dom.js";
import { pathOf, tokenOf } from "./names.js";
import { Overlay } from "./overlay.js";
import { askForChannel, titleOf, wantsToken, whereAmI } from "./page.js";
import { HeadgatePlayer } from "./player.js";
import { Quality } from "./quality.js";
import { Report } from "./report.js";

/** @typedef {import("./problem.js").Problem} Problem */

const player = byID("player", HeadgatePlayer);
const { video } = player;
const stage = byID("stage", HTMLElement);
const title = byID("state-title", HTMLElement);
const text = byID("state-text", HTMLElement);
const again = byID("again", HTMLButtonElement);
const sound = byID("sound", HTMLButtonElement);
const volume = byID("volume", HTMLInputElement);
const viewers = byID("viewers", HTMLElement);

const place = whereAmI("/watch");
const report = new Report(() => player.client);
new Advice([byID("advice", HTMLElement), byID("advice-live", HTMLElement)], report);
const quality = new Quality(() => player.client, announce);
const overlay = new Overlay(() => player.client, report);
report.addEventListener("report", showPaused);
let wasLive = false;

/**
 * Words for the state, in the middle of the picture.
 * @param {import("./wish.js").State} state
 * @param {Problem | null} problem
 */
function words(state, problem) {
  if (state === "error" && problem) return [wantsToken(problem) ? "This channel is not public" : "This does not work", problem.message];
  if (state === "connecting") return [wasLive ? "Reconnecting" : "Connecting", problem?.message ?? ""];
  if (problem && problem.status !== 409) return ["Please wait", `${problem.message} Trying again.`];
  if (wasLive && player.client?.away) return ["The publisher is away", "This page goes on by itself when they are back; you can leave it open."];
  if (wasLive) return ["The stream is interrupted", "It comes back by itself; you can leave this page open."];
  return ["Nobody is on air yet", "This page starts by itself as soon as somebody is. You can leave it open."];
}

/** @param {import("./wish.js").State} state @param {Problem | null} problem */
function onState(state, problem) {
  pageState(state);
  wasLive ||= state === "live";
  again.hidden = state !== "error";
  const [head, body] = state === "live" ? ["", ""] : words(state, problem);
  title.textContent = head;
  text.textContent = body;
  void report.ask();
  announce(state === "live" ? "Playing." : `${head}. ${body}`);
}

/** Tells who listens rather than sees. @param {string} words */
function announce(words) {
  byID("announce", HTMLElement).textContent = words;
}

/** A still picture with sound is explained. */
function showPaused() {
  const note = byID("paused", HTMLElement);
  note.hidden = report.viewer.paused !== true;
  note.textContent = note.hidden ? "" : "The picture waits: the network takes too little for it. It comes back by itself.";
}

/** What the gateway tells by itself: see whep.js. @param {import("./whep.js").WHEPClient} client */
function listenTo(client) {
  client.events();
  for (const name of ["active", "inactive"]) client.addEventListener(name, () => client.state !== "live" && onState(client.state, client.problem));
  for (const name of ["layers", "choice"]) client.addEventListener(name, () => quality.update());
  client.addEventListener("viewercount", () => {
    viewers.hidden = client.viewers === undefined;
    viewers.textContent = `${client.viewers} watching`;
  });
}

function start() {
  wasLive = false;
  player.setAttribute("token", tokenOf(location.hash));
  player.setAttribute("src", `/whep/${pathOf(...place.names)}`);
  viewers.hidden = true;
  if (player.client) listenTo(player.client);
  quality.update();
  Object.assign(window, { headgate: player.client });
}

function restart() {
  player.removeAttribute("src");
  start();
}

function toggleSound() {
  if (video.muted) player.unmute();
  else video.muted = true;
}

function showSound() {
  const off = video.muted || video.volume === 0;
  sound.setAttribute("aria-pressed", String(!off));
  sound.setAttribute("aria-label", off ? "Turn sound on" : "Turn sound off");
  volume.value = String(off ? 0 : video.volume);
}

async function toggleFullscreen() {
  if (document.fullscreenElement) return document.exitFullscreen();
  if (stage.requestFullscreen) return stage.requestFullscreen();
  // Phones of one maker know it for videos only.
  Reflect.get(video, "webkitEnterFullscreen")?.call(video);
}

async function togglePicture() {
  if (document.pictureInPictureElement) await document.exitPictureInPicture();
  else await video.requestPictureInPicture();
}

/** @type {Record<string, () => unknown>} */
const keys = { m: toggleSound, s: () => overlay.toggle(), q: () => quality.toggle(), f: toggleFullscreen, escape: () => overlay.toggle(false) };

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  keys[event.key.toLowerCase()]?.();
}

let idle = 0;

/** Controls fade while nobody moves; focus inside keeps them (by the style sheet). */
function awake() {
  stage.classList.add("awake");
  clearTimeout(idle);
  idle = window.setTimeout(() => stage.classList.remove("awake"), 2500);
}

function wire() {
  player.addEventListener("state", (event) => event instanceof CustomEvent && onState(event.detail.state, event.detail.problem));
  player.addEventListener("silenced", showSound);
  video.addEventListener("volumechange", showSound);
  sound.addEventListener("click", toggleSound);
  volume.addEventListener("input", () => {
    video.volume = Number(volume.value);
    video.muted = video.volume === 0;
  });
  again.addEventListener("click", restart);
  byID("fullscreen", HTMLButtonElement).addEventListener("click", () => void toggleFullscreen());
  const picture = byID("picture", HTMLButtonElement);
  picture.hidden = !document.pictureInPictureEnabled;
  picture.addEventListener("click", () => void togglePicture().catch(() => {}));
  video.addEventListener("dblclick", () => void toggleFullscreen());
  document.addEventListener("keydown", onKey);
  for (const name of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(name, awake);
  window.addEventListener("hashchange", restart);
  window.addEventListener("pagehide", () => void player.client?.stop());
  window.addEventListener("pageshow", (event) => event.persisted && restart());
}

function main() {
  document.documentElement.classList.toggle("framed", window.top !== window);
  const label = titleOf(place.names);
  byID("channel", HTMLElement).textContent = label;
  if (label) document.title = `${label} – Headgate`;
  wire();
  showSound();
  awake();
  if (place.problem) return onState("error", place.problem), void (again.hidden = true);
  if (place.names.length === 0) return askForChannel("/watch");
  overlay.start();
  start();
}

main();
