// Headgate, MIT licence. The list of people in a call: who they are, how they do, and
// what an administrator may do to them. Invitations too.
// @ts-check

import { hueOf, initials } from "./calltile.js";
import { scoreOf } from "./callplan.js";
import { byID, el, icon } from "./dom.js";
import { nameFault } from "./names.js";
import { asProblem } from "./problem.js";

/** @typedef {import("./roster.js").Participant} Participant */

/** Dispatches "show" (detail: a participant) when somebody is to be shown large. */
export class People extends EventTarget {
  /** Whether we may put people out and mute them. */
  admin = false;
  #list = byID("people-list", HTMLElement);
  #count = byID("people-count", HTMLElement);
  #button = byID("people-button", HTMLButtonElement);
  #sure = byID("sure", HTMLDialogElement);
  /** @type {Map<string, { row: HTMLElement, text: string }>} */
  #rows = new Map();

  /**
   * @param {() => import("./headgate.js").Call | null} call
   * @param {(text: string) => void} tell
   */
  constructor(call, tell) {
    super();
    this.call = call;
    this.tell = tell;
    byID("invite", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#invite();
    });
    byID("disband", HTMLElement).addEventListener("click", () => void this.#disband());
  }

  /** Shows who is here now. */
  update() {
    const call = this.call();
    if (!call) return;
    const all = [...call.roster.participants.values()];
    this.#count.textContent = String(all.length);
    this.#button.setAttribute("aria-label", `People, ${all.length}`);
    byID("admin", HTMLElement).hidden = !this.admin;
    const here = new Set(all.map((one) => one.participant));
    for (const [id, { row }] of this.#rows) {
      if (here.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    for (const one of all) this.#show(call, one);
  }

  /** @param {import("./headgate.js").Call} call @param {Participant} one */
  #show(call, one) {
    const sent = one.sources.map((source) => {
      const p = call.roster.publication(one.participant, source);
      return [p?.muted, p?.self_muted, p?.state, p?.audio];
    });
    const text = JSON.stringify([one.name, one.speaking, one.quality, one.sources, sent, this.admin]);
    const old = this.#rows.get(one.participant);
    if (old?.text === text) return;
    const focused = old?.row.contains(document.activeElement) ? document.activeElement?.getAttribute("data-act") : null;
    const row = this.#row(call, one);
    if (old) old.row.replaceWith(row);
    else this.#list.append(row);
    this.#rows.set(one.participant, { row, text });
    if (focused) /** @type {HTMLElement | null} */ (row.querySelector(`[data-act="${focused}"]`))?.focus();
  }

  /** @param {import("./headgate.js").Call} call @param {Participant} one */
  #row(call, one) {
    const self = one.participant === call.self;
    const name = one.name || one.participant;
    const face = el("span", { className: "face", "aria-hidden": "true", "data-hue": hueOf(one.participant) }, initials(name));
    return el("li", { "data-speaking": one.speaking === true }, face,
      el("span", { className: "who" }, el("span", { className: "who-name", title: name }, self ? `${name} (you)` : name), el("span", { className: "muted" }, describe(call, one, name))),
      ...(self ? [] : this.#actions(call, one, name)));
  }

  /** @param {import("./headgate.js").Call} call @param {Participant} one @param {string} name */
  #actions(call, one, name) {
    /** @type {HTMLElement[]} */
    const made = [];
    const button = (/** @type {string} */ act, /** @type {Parameters<typeof icon>[0]} */ drawing, /** @type {string} */ label, /** @type {() => void} */ f) => {
      const b = el("button", { type: "button", className: "icon", "data-act": act, "aria-label": label, title: label }, icon(drawing));
      b.addEventListener("click", f);
      made.push(b);
    };
    if (one.sources.length) button("show", "large", `Show ${name} large`, () => this.dispatchEvent(new CustomEvent("show", { detail: one.participant })));
    if (!this.admin) return made;
    const sound = one.sources.find((source) => call.roster.publication(one.participant, source)?.audio);
    if (sound) {
      const muted = call.roster.publication(one.participant, sound)?.muted ?? { audio: false, video: false };
      button("mute", muted.audio ? "silent" : "sound", `${muted.audio ? "Unmute" : "Mute"} ${name} for everybody`, () => void this.#try(call.mute(one.participant, sound, { ...muted, audio: !muted.audio })));
    }
    button("kick", "remove", `Remove ${name} from the call`, () => void this.#kick(call, one.participant, name));
    return made;
  }

  /** @param {import("./headgate.js").Call} call @param {string} participant @param {string} name */
  async #kick(call, participant, name) {
    const answer = await this.#ask(`Remove ${name}?`, "They are told that an administrator put them out. Whose link names nobody may come again under another name.", true, "Remove");
    if (answer) await this.#try(call.kick(participant, answer.ban ? { ban_seconds: 600 } : {}));
  }

  async #disband() {
    const call = this.call();
    if (call && (await this.#ask("End the call for everybody?", "Everybody is put out, those who only watch too.", false, "End the call"))) await this.#try(call.disband());
  }

  /** @param {Promise<unknown>} doing */
  async #try(doing) {
    try {
      await doing;
    } catch (thrown) {
      this.tell(asProblem(thrown).message);
    }
  }

  /**
   * @param {string} title
   * @param {string} text
   * @param {boolean} bans
   * @param {string} yes
   * @returns {Promise<{ ban: boolean } | null>} null for no
   */
  #ask(title, text, bans, yes) {
    byID("sure-title", HTMLElement).textContent = title;
    byID("sure-text", HTMLElement).textContent = text;
    byID("sure-yes", HTMLElement).textContent = yes;
    byID("sure-ban-row", HTMLElement).hidden = !bans;
    const ban = byID("sure-ban", HTMLInputElement);
    ban.checked = false;
    this.#sure.returnValue = "";
    this.#sure.showModal();
    return new Promise((resolve) => this.#sure.addEventListener("close", () => resolve(this.#sure.returnValue === "yes" ? { ban: ban.checked } : null), { once: true }));
  }

  async #invite() {
    const [to, where, state] = [byID("invite-to", HTMLInputElement), byID("invite-in", HTMLInputElement), byID("invite-state", HTMLElement)];
    const fault = nameFault(to.value) || nameFault(where.value);
    state.textContent = fault;
    const call = this.call();
    if (fault || !call) return;
    try {
      await call.invite(to.value, { in: where.value });
      state.textContent = `${to.value} is asked. You are told what they answer.`;
      to.value = "";
    } catch (thrown) {
      state.textContent = asProblem(thrown).message;
    }
  }
}

/** @param {import("./headgate.js").Call} call @param {Participant} one @param {string} name */
function describe(call, one, name) {
  const words = name === one.participant ? [] : [one.participant];
  const all = one.sources.map((source) => call.roster.publication(one.participant, source));
  if (one.sources.includes("screen")) words.push("shares the screen");
  if (all.length === 0) words.push("only watches");
  if (all.some((p) => p?.state === "interrupted")) words.push("reconnecting…");
  if (all.some((p) => p?.muted?.audio)) words.push("muted by an administrator");
  else if (all.some((p) => p?.self_muted?.audio && p.source !== "screen")) words.push("muted");
  if (one.speaking) words.push("speaks");
  const score = scoreOf(one.quality);
  if (score !== undefined && score < 3) words.push("bad connection");
  return words.join(" · ");
}
