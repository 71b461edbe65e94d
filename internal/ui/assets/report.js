// Headgate, MIT licence. What the gateway knows of a page's session.
// @ts-check

import { bearer } from "./resource.js";

/** How often a page asks while it is open, and while somebody looks at numbers, in milliseconds. */
const EVERY = 5000;
const CLOSELY = 2000;

/** Asks the gateway how a session is doing. Dispatches "report" after each answer. */
export class Report extends EventTarget {
  /** The newest answer; null where there is none. @type {Record<string, any> | null} */
  answer = null;
  /** Whether somebody looks at numbers. */
  closely = false;

  /** @param {() => import("./wish.js").WishClient | null | undefined} client of the page */
  constructor(client) {
    super();
    this.client = client;
    const next = () => setTimeout(() => void this.ask().then(next), this.closely ? CLOSELY : EVERY);
    next();
  }

  /** Asks now. Never throws: a page without answers works all the same. */
  async ask() {
    const client = this.client();
    const id = client?.response?.headers.get("Headgate-Session") ?? "";
    // A channel where nobody is on air yet is nothing to ask about.
    if (!client || client.state === "idle" || client.state === "waiting" || !/^[\w-]{1,64}$/.test(id)) return this.#told(null);
    try {
      const response = await fetch(`/api/v1/sessions/${id}`, { headers: bearer(client.token), cache: "no-store", signal: AbortSignal.timeout(EVERY) });
      const answer = response.ok ? await response.json() : {};
      if (client === this.client()) this.#told(answer);
    } catch {
      // The page says itself that the gateway cannot be reached.
    }
  }

  /** @param {Record<string, any> | null} answer */
  #told(answer) {
    this.answer = answer;
    this.dispatchEvent(new Event("report"));
  }

  /** What it counted for a player; empty where it tells nothing. @returns {Record<string, any>} */
  get viewer() {
    return this.answer?.facts?.viewer ?? {};
  }

  /** What it gets of a publisher's picture. @returns {Record<string, any>[]} one for each layer; empty where it tells nothing */
  get layers() {
    const all = this.answer?.facts?.publisher?.layers;
    return Array.isArray(all) ? all.filter((layer) => layer?.kind === "video") : [];
  }
}
