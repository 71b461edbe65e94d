// Headgate, MIT licence. An element that plays WHEP:
//
//   <script type="module" src="https://gateway.example/assets/player.js"></script>
//   <headgate-player src="https://gateway.example/whep/live" token="…" controls></headgate-player>
//
// Attributes: src (the WHEP endpoint), token, muted, controls. It plays at
// once; where the browser wants a gesture before it makes a sound, it plays
// muted and shows a button. Dispatches "state" like WHEPClient, which is `client`.
// It tells the server how large it is, where that wants to know (the layer extension
// of WHEP): a small player is not sent the largest picture. Style it as any element;
// the button is ::part(sound), the video ::part(video).
// Copy it with whep.js and what that names.
// @ts-check

import { WHEPClient } from "./whep.js";

/** @typedef {import("./wish.js").State} State */

export class HeadgatePlayer extends HTMLElement {
  static observedAttributes = ["src", "token", "muted", "controls"];

  /** @type {WHEPClient | null} while connected to the document and src is set */
  client = null;
  video = document.createElement("video");
  #sound = document.createElement("button");
  #size = new ResizeObserver(() => this.#resized());
  #settling = 0;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    this.video.part.add("video");
    this.#sound.part.add("sound");
    this.#sound.type = "button";
    this.#sound.textContent = "Tap for sound";
    this.#sound.hidden = true;
    this.#sound.addEventListener("click", () => this.unmute());
    this.video.addEventListener("pause", () => this.#paused());
    this.video.addEventListener("volumechange", () => this.#heard());
    Object.assign(this.video, { autoplay: true, playsInline: true });
    root.adoptedStyleSheets = [sheet()];
    root.append(this.video, this.#sound);
  }

  /** Whether the browser made us mute: a gesture of the person is needed. */
  get silenced() {
    return !this.#sound.hidden;
  }

  connectedCallback() {
    this.video.muted = this.hasAttribute("muted");
    this.#size.observe(this.video);
    this.#open();
  }

  disconnectedCallback() {
    this.#size.disconnect();
    clearTimeout(this.#settling);
    void this.client?.stop();
    this.client = null;
  }

  /** @param {string} name @param {string | null} before @param {string | null} value */
  attributeChangedCallback(name, before, value) {
    if (name === "controls") this.video.controls = value !== null;
    if (name === "muted") this.video.muted = value !== null;
    if (name === "token" && this.client) this.client.token = value ?? "";
    if (name === "src" && this.isConnected && before !== value) this.#open();
  }

  /** Turns the sound on; call it from a gesture. */
  unmute() {
    this.video.muted = false;
    this.#sound.hidden = true;
    void this.#play();
  }

  #open() {
    void this.client?.stop();
    this.client = null;
    const src = this.getAttribute("src");
    if (!src) return;
    const client = new WHEPClient(new URL(src, document.baseURI).href, { token: this.getAttribute("token") ?? "" });
    this.client = client;
    client.addEventListener("state", (event) => {
      if (event instanceof CustomEvent) this.dispatchEvent(new CustomEvent("state", { detail: event.detail }));
    });
    client.addEventListener("track", () => {
      // Not before: an element that waits for data keeps its page from being loaded.
      if (this.video.srcObject !== client.stream) this.video.srcObject = client.stream;
      void this.#play();
    });
    this.#fit();
    client.play().catch(() => {}); // told by the state
  }

  /** Waits until a window is no longer being dragged. */
  #resized() {
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(() => this.#fit(), 400);
  }

  #fit() {
    const { width, height } = this.video.getBoundingClientRect();
    this.client?.fit(width * devicePixelRatio, height * devicePixelRatio);
  }

  /** Plays with sound if it may, without if it must. */
  async #play() {
    try {
      await this.video.play();
    } catch (refusal) {
      if (!(refusal instanceof DOMException) || refusal.name !== "NotAllowedError" || this.video.muted) return;
      this.#mute();
    }
  }

  #mute() {
    this.video.muted = true;
    this.#sound.hidden = false;
    this.dispatchEvent(new CustomEvent("silenced"));
    void this.#play();
  }

  /** Browsers pause what becomes audible without a gesture; a live picture is better muted than still. */
  #paused() {
    if (!this.client || this.video.controls || this.video.muted || navigator.userActivation?.hasBeenActive) return;
    this.#mute();
  }

  #heard() {
    if (!this.video.muted) this.#sound.hidden = true;
  }

}

/** A constructed sheet: a strict Content-Security-Policy forbids style elements. */
function sheet() {
  const made = new CSSStyleSheet();
  made.replaceSync(`
    :host { display: block; position: relative; background: #000; }
    video { display: block; width: 100%; height: 100%; object-fit: contain; }
    button { position: absolute; left: 50%; bottom: 12%; transform: translateX(-50%); padding: 0.7em 1.3em; border: 0;
      border-radius: 2em; font: 600 1rem system-ui, sans-serif; color: #06201f; background: #fff; cursor: pointer; }
    button:focus-visible { outline: 3px solid #2bb3a3; outline-offset: 3px; }
    [hidden] { display: none; }`);
  return made;
}

customElements.define("headgate-player", HeadgatePlayer);
