// Headgate, MIT licence. What is told in passing in a call: one sentence at a time, seen
// and heard by readers; and invitations, which want an answer.
// @ts-check

import { byID } from "./dom.js";

/** How long a sentence stays, in milliseconds, and how long people who come together are gathered. */
const STAYS = 4000;
const GATHER = 1200;

export class News {
  #toast = byID("toast", HTMLElement);
  /** @type {string[]} */
  #queue = [];
  #showing = 0;
  /** @type {Map<string, string[]>} names by what they did */
  #crowd = new Map();
  #gathering = 0;

  /** @param {string} text */
  tell(text) {
    if (this.#queue.at(-1) === text || (this.#showing && this.#toast.textContent === text)) return;
    this.#queue.push(text);
    if (this.#queue.length > 5) this.#queue.shift();
    if (!this.#showing) this.#next();
  }

  #next() {
    const text = this.#queue.shift() ?? "";
    this.#toast.textContent = text;
    this.#showing = text ? window.setTimeout(() => this.#next(), this.#queue.length ? STAYS / 2 : STAYS) : 0;
  }

  /** Tells what somebody did, together with others who do the same. @param {string} name @param {string} did "joined" */
  crowd(name, did) {
    this.#crowd.set(did, [...(this.#crowd.get(did) ?? []), name]);
    clearTimeout(this.#gathering);
    this.#gathering = window.setTimeout(() => {
      for (const [what, names] of this.#crowd) this.tell(`${together(names)} ${what}.`);
      this.#crowd.clear();
    }, GATHER);
  }

  clear() {
    clearTimeout(this.#gathering);
    this.#crowd.clear();
    this.#queue = [];
    this.#toast.textContent = "";
  }
}

/** @param {string[]} names @returns {string} "Anna, Bob and 3 others" */
export function together(names) {
  if (names.length < 2) return names.join();
  if (names.length <= 3) return `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return `${names.slice(0, 2).join(", ")} and ${names.length - 2} others`;
}

/** Titles for the ends of a call, and whether one may come again. @type {Record<string, [title: string, again: boolean]>} */
export const ENDS = {
  kicked: ["You are no longer in the call", false],
  banned: ["You cannot join this call", false],
  disbanded: ["The call has ended", true],
  "duplicate-id": ["You are in this call elsewhere", true],
  replaced: ["You are in this call elsewhere", true],
  "token-expired": ["Your access has run out", true],
  idle: ["The call has ended", true],
};
