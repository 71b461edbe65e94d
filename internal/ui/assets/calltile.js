// Headgate, MIT licence. One tile of a call: a picture or a face, a name, badges.
// @ts-check

import { el, icon } from "./dom.js";

/**
 * @typedef {object} Look what a tile shows
 * @property {string} name
 * @property {string} note beside the name: "screen", "reconnecting…"; empty without
 * @property {MediaStream | null} stream
 * @property {boolean} picture whether a picture is to be expected
 * @property {boolean} silent whether the sound is muted, or there is none
 * @property {boolean} speaking
 * @property {number | undefined} score 0 to 5
 * @property {boolean} mirrored
 * @property {boolean} own never makes a sound
 * @property {boolean} whole shows the whole picture rather than filling the tile
 * @property {boolean} pinned
 */

/** A picture that is older than this, in milliseconds, is shown no longer. */
const STALE = 3000;

export class Tile {
  element = el("li", { className: "tile" });
  video = el("video", { playsInline: true, autoplay: true });
  /** Covers the tile: pins it. */
  button = el("button", { type: "button", className: "tile-button" });
  #face = el("span", { className: "face", "aria-hidden": "true" });
  #name = el("span", { className: "tile-name" });
  #note = el("span", { className: "tile-note" });
  #muted = icon("silent");
  #bars = el("span", { className: "bars", role: "img" }, el("i"), el("i"), el("i"), el("i"), el("i"));
  #shown = "";
  /** @type {MediaStream | null} */
  #stream = null;
  /** Whether the next picture is waited for. */
  #waiting = false;
  #fresh = -Infinity;
  /** @type {Look | null} */
  #look = null;

  /** @param {string} key what the tile is of */
  constructor(key) {
    this.key = key;
    this.#bars.hidden = true;
    this.#muted.setAttribute("class", "tile-muted");
    this.#muted.removeAttribute("aria-hidden");
    this.#muted.setAttribute("role", "img");
    this.#muted.setAttribute("aria-label", "Muted");
    const plate = el("span", { className: "plate" }, this.#name, this.#bars, this.#note);
    this.element.append(this.video, this.#face, this.#muted, plate, this.button);
  }

  /** Shows another look; cheap when nothing changed. @param {Look} look */
  show(look) {
    this.#look = look;
    if (this.#stream !== look.stream) {
      this.#stream = look.stream;
      this.#fresh = -Infinity;
      this.video.muted = look.own || this.video.muted;
      this.video.srcObject = look.stream;
    }
    const { stream, ...words } = look;
    const text = JSON.stringify(words);
    if (text !== this.#shown) this.#dress(look);
    this.#shown = text;
    this.look(performance.now());
  }

  /** @param {Look} look */
  #dress(look) {
    const { dataset } = this.element;
    put(this.#name, look.name);
    this.button.title = look.name; // where it is cut off
    put(this.#note, look.note);
    put(this.#face, initials(look.name.replace(/ \(you\)$/, "")));
    this.#face.dataset.hue = String(hueOf(this.key));
    this.#muted.toggleAttribute("hidden", !look.silent);
    this.#bars.hidden = look.score === undefined;
    if (look.score !== undefined) {
      this.#bars.dataset.score = String(look.score);
      this.#bars.setAttribute("aria-label", `Connection ${look.score} of 5`);
    }
    dataset.speaking = String(look.speaking);
    dataset.pinned = String(look.pinned);
    this.video.classList.toggle("mirrored", look.mirrored);
    this.video.classList.toggle("whole", look.whole);
    const words = [look.name, look.note, look.silent ? "muted" : ""].filter(Boolean).join(", ");
    this.button.setAttribute("aria-label", `${words}: ${look.pinned ? "no longer large" : "show large"}`);
    this.button.setAttribute("aria-pressed", String(look.pinned));
  }

  /** Tells whether there are new pictures. @param {number} now milliseconds */
  look(now) {
    if (this.#fresh > 0 && (this.#look?.whole || this.#look?.own)) this.#fresh = now; // a screen may stand still; we know of our own camera
    if (!this.#waiting && this.#stream) {
      this.#waiting = true;
      if (this.video.requestVideoFrameCallback) this.video.requestVideoFrameCallback((at) => this.#saw(at));
      else this.#waiting = this.video.videoWidth === 0; // older browsers do not tell when a picture stands still
      if (!this.#waiting) this.#fresh = now;
    }
    const picture = Boolean(this.#look?.picture) && now - this.#fresh < STALE;
    if (this.element.dataset.picture !== String(picture)) this.element.dataset.picture = String(picture);
  }

  /** There is a new picture. @param {number} now */
  #saw(now) {
    this.#waiting = false;
    const first = now - this.#fresh > STALE;
    this.#fresh = now;
    if (first) this.look(now);
  }

  /** Whether the browser lets it be heard. @returns {Promise<boolean>} */
  async play() {
    if (!this.#stream || !this.#stream.getTracks().length) return true;
    try {
      await this.video.play();
      return true;
    } catch (refusal) {
      return !(refusal instanceof DOMException && refusal.name === "NotAllowedError");
    }
  }

  /**
   * By transform, so that nothing shifts: browsers count what moves otherwise.
   * @param {import("./arrange.js").Box | null} box null hides it
   */
  place(box) {
    this.element.classList.toggle("away", box === null);
    if (!box) return;
    const { style } = this.element;
    const text = `translate(${box.x}px, ${box.y}px)`;
    if (style.transform !== text) style.transform = text;
    for (const [name, value] of /** @type {const} */ ([["--w", `${box.width}px`], ["--h", `${box.height}px`]])) {
      if (style.getPropertyValue(name) !== value) style.setProperty(name, value);
    }
    this.element.classList.toggle("small", box.width < 200);
  }

  remove() {
    this.video.srcObject = null;
    this.element.remove();
  }
}

/** @param {Element} place @param {string} text */
const put = (place, text) => place.textContent !== text && (place.textContent = text);

/** @param {string} name @returns {string} one or two letters */
export function initials(name) {
  const words = name.split(/[\s_.-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.map((word) => [...word].find((c) => /[\p{L}\p{N}]/u.test(c)) ?? "");
  return ((letters[0] ?? "?") + (words.length > 1 ? letters.at(-1) : "")).toUpperCase();
}

/** A colour for somebody, the same for everybody. @param {string} key @returns {number} 0 to 7 */
export function hueOf(key) {
  let sum = 0;
  for (const c of key.split("/")[0]) sum = (sum * 31 + (c.codePointAt(0) ?? 0)) % 65_521;
  return sum % 8;
}
