// Headgate, MIT licence. The check page.
// @ts-check

import { capabilities } from "./capabilities.js";
import * as devices from "./devices.js";
import { byID, copyButton, el, pageState } from "./dom.js";
import { loop } from "./loop.js";
import { guestName, nameFault, pathOf, tokenFault, tokenOf } from "./names.js";
import { asProblem } from "./problem.js";
import { fill } from "./stats.js";
import { findings, refused, report, verdict } from "./verdict.js";

/** @typedef {import("./verdict.js").Finding} Finding */
/** @typedef {import("./loop.js").Loop} Loop */
/** @typedef {import("./loop.js").Kind} Kind */

const form = byID("ask", HTMLFormElement);
const token = byID("token", HTMLInputElement);
const channel = byID("channel", HTMLInputElement);
const go = byID("go", HTMLButtonElement);
const look = byID("look", HTMLButtonElement);
const status = byID("status", HTMLElement);
const video = byID("mirror", HTMLVideoElement);

/** @type {Kind[]} */
const KINDS = ["udp", "tcp", "turn"];
/** @type {Record<Kind, string>} */
const DOING = { udp: "Trying UDP…", tcp: "Trying TCP…", turn: "Trying the TURN relay…" };
/** @type {Record<Finding["level"] | "wait", [mark: string, word: string]>} */
const LEVELS = { ok: ["✓", "Good"], note: ["i", "Note"], warning: ["!", "Trouble"], fault: ["✗", "Fault"], wait: ["…", "Not checked yet"] };

/** What is shown, by list. @type {Record<"network" | "browser" | "devices", Finding[]>} */
const shown = { network: [], browser: [], devices: [] };
let sentence = "";
let base = { whip: `${location.origin}/whip/`, whep: `${location.origin}/whep/` };

/** @param {keyof typeof shown} list @param {Finding[]} all */
function present(list, all) {
  shown[list] = all;
  byID(list, HTMLElement).replaceChildren(...all.map((f) => item(f, f.level)));
}

/** @param {Omit<Finding, "level">} f @param {Finding["level"] | "wait"} level */
function item(f, level) {
  const [mark, word] = LEVELS[level];
  const numbers = el("dl", { className: "numbers" });
  if (f.numbers) fill(numbers, f.numbers);
  return el("li", { className: "finding", "data-id": f.id, "data-level": level },
    el("span", { className: "mark", "aria-hidden": true }, mark),
    el("div", {},
      el("h3", {}, f.title, el("span", { className: "offscreen" }, `: ${word}`)),
      el("p", {}, f.text),
      f.remedy ? el("p", { className: "remedy" }, f.remedy) : "",
      f.numbers ? numbers : ""));
}

/** Shows what the loops brought so far; the rest is still to come. @param {Loop[]} loops */
function showLoops(loops) {
  shown.network = findings(loops);
  const waiting = KINDS.slice(loops.length).map((kind) => item({ id: kind, title: kind === "turn" ? "TURN relay" : kind.toUpperCase(), text: "Not checked yet.", remedy: "" }, "wait"));
  byID("network", HTMLElement).replaceChildren(...shown.network.map((f) => item(f, f.level)), ...waiting);
}

/** @returns {boolean} whether token and channel can be used */
function valid() {
  const fault = tokenFault(token.value.trim()) || nameFault(channel.value);
  byID("ask-trouble", HTMLElement).textContent = fault;
  channel.setAttribute("aria-invalid", String(nameFault(channel.value) !== ""));
  return fault === "";
}

/** Runs the loops one after the other: together they would take from each other. */
async function run() {
  if (go.disabled || !valid()) return;
  go.disabled = true;
  pageState("running");
  status.removeAttribute("data-level");
  /** @type {Loop[]} */
  const loops = [];
  const place = pathOf(channel.value);
  for (const kind of KINDS) {
    status.textContent = DOING[kind];
    showLoops(loops);
    loops.push(await loop(kind, { whip: base.whip + place, whep: base.whep + place, token: token.value.trim(), video }));
    if (refused(loops.at(-1))) break; // it would be the same again
  }
  showLoops(loops);
  conclude(verdict(loops));
}

/** @param {ReturnType<typeof verdict>} told */
function conclude(told) {
  sentence = told.text;
  status.textContent = told.text;
  status.dataset.level = told.level;
  go.disabled = false;
  go.textContent = "Check again";
  copy.disabled = false;
  pageState("done");
}

/** Asks for both, one after the other: one may be missing. */
async function lookAtDevices() {
  look.disabled = true;
  present("devices", [await device("camera", "Camera"), await device("microphone", "Microphone")]);
  look.disabled = false;
  copy.disabled = false;
}

/** @param {"camera" | "microphone"} id @param {string} title @returns {Promise<Finding>} */
async function device(id, title) {
  try {
    const stream = await devices.capture({ source: "camera", camera: id === "camera" ? "" : "none", microphone: id === "microphone" ? "" : "none", height: 720, fps: 30, music: false });
    const [track] = stream.getTracks();
    const { width, height } = track.getSettings();
    const size = width && height ? `, ${width} × ${height}` : "";
    devices.stop(stream);
    return { id, title, level: "ok", text: `${track.label || title} works${size}.`, remedy: "" };
  } catch (thrown) {
    const problem = asProblem(thrown);
    return { id, title, level: "warning", text: "It cannot be used.", remedy: problem.message };
  }
}

/** @returns {string} */
function written() {
  return report({
    verdict: sentence, findings: [...shown.network, ...shown.browser, ...shown.devices],
    page: location.origin + location.pathname, agent: navigator.userAgent, time: new Date().toISOString(),
  });
}

/** The copy button of the other pages, in the place and clothes of this one's. */
const copy = copyButton(written, "report", "Copy report");
copy.id = "copy";
copy.className = "button";
copy.disabled = true;

/** Takes the addresses the gateway tells; its own origin does without. */
async function settings() {
  try {
    const response = await fetch("/api/v1/settings", { signal: AbortSignal.timeout(5000) });
    const told = await response.json();
    if (typeof told.whip === "string" && typeof told.whep === "string") base = { whip: told.whip, whep: told.whep };
    byID("token-row", HTMLElement).hidden = told.open === true;
  } catch {
    // another gateway, or a proxy that keeps the API to itself
  }
}

function main() {
  byID("copy", HTMLButtonElement).replaceWith(copy);
  token.value = tokenOf(location.hash);
  channel.value = guestName().replace("guest-", "check-");
  window.addEventListener("hashchange", () => (token.value = tokenOf(location.hash)));
  for (const field of [token, channel]) field.addEventListener("input", valid);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void run();
  });
  look.addEventListener("click", () => void lookAtDevices());
  Object.assign(window, { headgate: { written } });
  present("browser", capabilities(window));
  showLoops([]);
  if (!window.RTCPeerConnection) {
    go.disabled = true;
    status.textContent = "Without WebRTC there is nothing to check.";
    return pageState("error");
  }
  go.disabled = false;
  pageState("idle");
  void settings();
}

main();
