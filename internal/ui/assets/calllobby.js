// Headgate, MIT licence. Before a call: a look at oneself, the devices, a name, and a
// password where one is wanted.
// @ts-check

import { byID, el } from "./dom.js";
import * as devices from "./devices.js";
import { Meter } from "./meter.js";

/** @typedef {import("./callmedia.js").Media} Media */
/** @typedef {import("./problem.js").Problem} Problem */

const preview = byID("preview", HTMLVideoElement);
const box = byID("preview-box", HTMLElement);
const level = byID("level", HTMLElement);

/** Dispatches "join" (detail: {name, password, quiet}) when somebody wants in. */
export class Lobby extends EventTarget {
  #lobby = byID("lobby", HTMLElement);
  #name = byID("name", HTMLInputElement);
  #password = byID("password", HTMLInputElement);
  #allow = byID("allow", HTMLButtonElement);
  /** @type {Meter | null} */
  #meter = null;
  /** @type {MediaStreamTrack | null} */
  #metered = null;

  /** @param {Media} media @param {import("./callmedia.js").Memory} memory */
  constructor(media, memory) {
    super();
    this.media = media;
    this.memory = memory;
    this.#name.value = memory.value.name ?? "";
    media.addEventListener("change", () => this.update());
    byID("entry", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter(false);
    });
    byID("join-quiet", HTMLElement).addEventListener("click", () => this.#enter(true));
    this.#allow.addEventListener("click", () => void (media.asked ? media.again() : media.open()));
    for (const [id, kind] of /** @type {const} */ ([["lobby-mic", "audio"], ["lobby-camera", "video"]])) {
      byID(id, HTMLElement).addEventListener("click", () => void this.#toggle(kind));
    }
    chooser(byID("camera", HTMLSelectElement), media, "video");
    chooser(byID("microphone", HTMLSelectElement), media, "audio");
  }

  /** Shows itself; a browser that allows the devices already shows the picture at once. */
  async open() {
    this.#lobby.hidden = false;
    this.update();
    if (!this.media.asked && !devices.whyNot("camera") && (await allowed())) await this.media.open();
  }

  close() {
    this.#lobby.hidden = true;
    this.#measure(null);
    preview.srcObject = null;
  }

  /** Asks for a password, or no longer. @param {boolean} wanted */
  wantPassword(wanted) {
    byID("password-row", HTMLElement).hidden = !wanted;
    this.#password.required = wanted;
    if (wanted) this.#password.focus();
  }

  /** @param {boolean} busy */
  busy(busy) {
    for (const id of ["join", "join-quiet"]) byID(id, HTMLButtonElement).disabled = busy;
    byID("entry-state", HTMLElement).textContent = busy ? "Joining…" : "";
  }

  /** @param {string} text while one waits */
  say(text) {
    byID("entry-state", HTMLElement).textContent = text;
  }

  /** Says what is wrong and what to do. @param {Problem | null} problem */
  complain(problem) {
    const place = byID("trouble", HTMLElement);
    place.hidden = problem === null;
    if (!problem) return;
    place.replaceChildren(el("p", {}, problem.message));
    if (problem.code === "insecure") place.append(secureAdvice());
  }

  #enter(/** @type {boolean} */ quiet) {
    const name = this.#name.value.trim();
    this.memory.keep({ name });
    this.dispatchEvent(new CustomEvent("join", { detail: { name, password: this.#password.value, quiet } }));
  }

  /** @param {"audio" | "video"} kind */
  async #toggle(kind) {
    // Before anybody was asked a click is an answer: yes to both unless this one was on.
    if (!this.media.asked) return void (await this.media.open());
    await this.media.turn(kind, !this.media.on(kind));
  }

  /** Shows what there is. */
  update() {
    if (this.#lobby.hidden) return;
    const { media } = this;
    if (preview.srcObject instanceof MediaStream ? preview.srcObject.getVideoTracks()[0] !== media.video : media.video) {
      preview.srcObject = media.video ? new MediaStream([media.video]) : null;
    }
    box.dataset.picture = String(media.video !== null);
    this.#allow.classList.toggle("done", media.asked && !media.problem); // its place stays: nothing is to jump
    this.#allow.textContent = media.asked ? "Try again" : "Check camera and microphone";
    byID("preview-text", HTMLElement).textContent = media.asked ? "Your camera is off." : "See and hear yourself before the others do.";
    for (const [id, kind] of /** @type {const} */ ([["lobby-mic", "audio"], ["lobby-camera", "video"]])) pressed(byID(id, HTMLElement), kind, media.on(kind));
    this.complain(media.problem);
    this.#measure(media.audio);
  }

  /** @param {MediaStreamTrack | null} track */
  #measure(track) {
    byID("level-row", HTMLElement).classList.toggle("off", !track?.enabled);
    if (track === this.#metered) return;
    this.#metered = track;
    this.#meter?.close();
    this.#meter = track ? new Meter(new MediaStream([track]), showLevel) : null;
    if (!track) showLevel(0);
  }
}

/** @param {number} value 0 to 1 */
function showLevel(value) {
  level.setAttribute("aria-valuenow", String(Math.round(value * 100)));
  level.style.setProperty("--level", value.toFixed(2));
}

/**
 * Dresses a button that mutes.
 * @param {HTMLElement} button
 * @param {"audio" | "video"} kind
 * @param {boolean} on
 */
export function pressed(button, kind, on) {
  const label = kind === "audio" ? (on ? "Mute the microphone" : "Unmute the microphone") : on ? "Turn the camera off" : "Turn the camera on";
  button.setAttribute("aria-pressed", String(!on));
  button.setAttribute("aria-label", label);
  button.title = label;
}

/**
 * A list of devices to choose from, kept up to date.
 * @param {HTMLSelectElement} select
 * @param {Media} media
 * @param {"audio" | "video"} kind
 */
export function chooser(select, media, kind) {
  const [what, word] = kind === "audio" ? /** @type {const} */ (["audioinput", "Microphone"]) : /** @type {const} */ (["videoinput", "Camera"]);
  let shown = "";
  const update = async () => {
    const found = (await devices.list(what)).filter((d) => d.deviceId !== "default");
    const text = JSON.stringify(found.map((d) => [d.deviceId, d.label]));
    if (text !== shown) select.replaceChildren(el("option", { value: "" }, "Default"), ...found.map((d, i) => el("option", { value: d.deviceId }, d.label || `${word} ${i + 1}`)));
    shown = text;
    const chosen = media.chosen(kind);
    select.value = found.some((d) => d.deviceId === chosen) ? chosen : "";
  };
  select.addEventListener("change", () => void media.choose(kind, select.value));
  media.addEventListener("change", () => void update());
  navigator.mediaDevices?.addEventListener("devicechange", () => void update());
  void update();
}

/** Whether the browser gives both without asking. */
async function allowed() {
  try {
    const names = /** @type {PermissionName[]} */ (/** @type {unknown} */ (["camera", "microphone"]));
    const all = await Promise.all(names.map((name) => navigator.permissions.query({ name })));
    return all.every(({ state }) => state === "granted");
  } catch {
    return false;
  }
}

/** What to do about plain HTTP. */
function secureAdvice() {
  const here = `http://localhost${location.port ? `:${location.port}` : ""}${location.pathname}`;
  return el("ul", {},
    el("li", {}, "On the computer that runs the gateway, open ", el("code", {}, here), "."),
    el("li", {}, "From anywhere else, give the gateway a certificate (its configuration: TLS) or put a proxy with HTTPS in front of it."),
    el("li", {}, "Without, you can still watch and listen."));
}
