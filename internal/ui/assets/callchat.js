// Headgate, MIT licence. The chat of a call. What people write is hostile text and
// stays text.
// @ts-check

import { byID, el } from "./dom.js";
import { asProblem } from "./problem.js";

/** @typedef {import("./headgate.js").Message} Message */

/** How many messages are kept on the page. */
const KEPT = 300;

/** Dispatches "news" (detail: a Message) for what somebody else says while the chat is closed. */
export class Chat extends EventTarget {
  #panel = byID("chat", HTMLElement);
  #list = byID("messages", HTMLElement);
  #text = byID("text", HTMLInputElement);
  #trouble = byID("say-trouble", HTMLElement);
  #count = byID("chat-count", HTMLElement);
  #button = byID("chat-button", HTMLButtonElement);
  #unread = 0;
  #from = "";

  /** @param {() => import("./headgate.js").Call | null} call */
  constructor(call) {
    super();
    this.call = call;
    byID("say", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    this.#list.append(el("p", { className: "nothing" }, "Nothing was said yet. Everybody in the call sees what you write."));
  }

  /** @param {Message} message */
  add(message) {
    const self = message.from === this.call()?.self;
    const end = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < 60;
    this.#list.querySelector(".nothing")?.remove();
    if (this.#list.childElementCount >= KEPT) this.#list.firstElementChild?.remove();
    this.#list.append(this.#line(message, self));
    if (end || self) this.#list.scrollTop = this.#list.scrollHeight;
    if (self || !this.#panel.hidden) return;
    this.#unread++;
    this.#showUnread();
    this.dispatchEvent(new CustomEvent("news", { detail: message }));
  }

  /** The chat was opened. */
  opened() {
    this.#unread = 0;
    this.#showUnread();
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#text.focus();
  }

  /** @param {Message} message @param {boolean} self */
  #line(message, self) {
    const at = new Date(message.at ?? Date.now());
    const time = Number.isNaN(at.getTime()) ? "" : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const again = this.#from === message.from && !message.to;
    this.#from = message.to ? "" : message.from;
    const who = self ? "You" : message.name || message.from;
    const head = el("p", { className: "said-by" }, el("strong", {}, who), message.to ? el("span", { className: "muted" }, self ? ` to ${message.to}` : " to you") : "", el("time", {}, time));
    return el("div", { className: self ? "message own" : "message" }, again ? el("span", { className: "offscreen" }, `${who}: `) : head, el("p", { className: "said", dir: "auto" }, message.text));
  }

  async #say() {
    const text = this.#text.value.trim();
    const call = this.call();
    if (!text || !call) return;
    this.#text.value = "";
    this.#trouble.textContent = "";
    try {
      await call.say(text);
    } catch (thrown) {
      if (!this.#text.value) this.#text.value = text;
      this.refused(asProblem(thrown).message);
    }
  }

  /** @param {string} why */
  refused(why) {
    this.#trouble.textContent = why;
  }

  #showUnread() {
    this.#count.textContent = this.#unread === 0 ? "" : this.#unread > 99 ? "99+" : String(this.#unread);
    this.#button.setAttribute("aria-label", this.#unread === 0 ? "Chat" : `Chat, ${this.#unread} unread`);
  }
}
