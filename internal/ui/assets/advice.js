// Headgate, MIT licence. What the gateway says is wrong with a page's session, and
// what to do about it.
// @ts-check

import { el } from "./dom.js";
import { bearer } from "./resource.js";

/** How often a page asks while it is open, in milliseconds. */
const EVERY = 5000;

/** Asks the gateway how a session is doing, and shows what is wrong. */
export class Advice {
  #shown = "";

  /**
   * @param {HTMLElement[]} places where it is shown
   * @param {() => import("./wish.js").WishClient | null | undefined} client of the page
   */
  constructor(places, client) {
    this.places = places;
    this.client = client;
    setInterval(() => void this.ask(), EVERY);
  }

  /** Asks now. Never throws: a page without advice works all the same. */
  async ask() {
    const client = this.client();
    const id = client?.response?.headers.get("Headgate-Session") ?? "";
    // A channel where nobody is on air yet is nothing to complain about.
    if (!client || client.state === "idle" || client.state === "waiting" || !/^[\w-]{1,64}$/.test(id)) return this.#show("", "");
    try {
      const response = await fetch(`/api/v1/sessions/${id}`, { headers: bearer(client.token), cache: "no-store", signal: AbortSignal.timeout(EVERY) });
      const { diagnosis } = response.ok ? await response.json() : {};
      if (client !== this.client()) return;
      // While it tries again, what was wrong the last time stays.
      if (diagnosis || client.state !== "connecting") this.#show(text(diagnosis?.sentence), text(diagnosis?.remedy));
    } catch {
      // The page says itself that the gateway cannot be reached.
    }
  }

  /** @param {string} sentence @param {string} remedy */
  #show(sentence, remedy) {
    if (this.#shown === sentence + remedy) return;
    this.#shown = sentence + remedy;
    for (const place of this.places) {
      place.hidden = sentence === "";
      place.replaceChildren(el("p", { className: "sentence" }, sentence), el("p", { className: "remedy" }, remedy));
    }
  }
}

/** @param {unknown} value @returns {string} at most one short paragraph */
const text = (value) => (typeof value === "string" ? value.slice(0, 500) : "");
