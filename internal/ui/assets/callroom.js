// Headgate, MIT licence. Inside a call: puts together who is there, what is sent, and
// the buttons.
// @ts-check

import { Chat } from "./callchat.js";
import { Grid } from "./callgrid.js";
import { chooser, pressed } from "./calllobby.js";
import { News } from "./callnews.js";
import { People } from "./callpeople.js";
import { SCREEN, scoreOf } from "./callplan.js";
import { Sending } from "./callsend.js";
import { Numbers } from "./callstats.js";
import { byID, el } from "./dom.js";
import * as devices from "./devices.js";
import { asProblem } from "./problem.js";

/** @typedef {import("./headgate.js").Call} Call */
/** @typedef {import("./callplan.js").Seat} Seat */

/** What changes what is seen. */
const CHANGES = ["snapshot", "joined", "left", "published", "unpublished", "interrupted", "resumed", "muted", "speaking", "speaker", "quality"];

const room = byID("room", HTMLElement);
const banner = byID("banner", HTMLElement);

/** Dispatches "leave" when somebody wants to, "go" (detail: an Invitation) to another call. */
export class Room extends EventTarget {
  /** @type {Call | null} */
  call = null;
  /** @type {Sending | null} */
  sending = null;
  news = new News();
  #media;
  #pinned = "";
  /** What the gateway keeps a slot for. @type {{ slot: number, key: string } | null} */
  #held = null;
  #chat = new Chat(() => this.call);
  #people = new People(() => this.call, (text) => this.news.tell(text));
  #numbers = new Numbers(() => this.call);
  #grid = new Grid(() => this.#situation());
  /** @type {import("./headgate.js").Invitation | null} */
  #invited = null;
  /** @type {{ track: MediaStreamTrack | null, stream: MediaStream | null }} */
  #own = { track: null, stream: null };

  /** @param {import("./callmedia.js").Media} media */
  constructor(media) {
    super();
    this.#media = media;
    this.#wire();
    this.#options();
  }

  /** Shows a call one has joined. @param {Call} call @param {number} slots how many of the others at once */
  enter(call, slots) {
    this.call = call;
    this.#people.admin = false;
    room.hidden = false;
    for (const name of CHANGES) call.addEventListener(name, () => this.#changed());
    const on = (/** @type {string} */ name, /** @type {(data: any) => void} */ f) => call.addEventListener(name, (event) => f(event instanceof CustomEvent ? event.detail : {}));
    on("joined", (one) => one.participant !== call.self && !one.changed && this.news.crowd(one.name || one.participant, "joined"));
    on("left", (one) => one.participant !== call.self && this.news.crowd(this.#names.get(one.participant) ?? one.participant, one.reason === "kicked" ? "were removed" : "left"));
    on("message", (message) => this.#chat.add(message));
    on("invited", (invitation) => this.#ask(invitation));
    on("invitation", (invitation) => this.#answered(invitation));
    on("token-expiring", () => this.news.tell("Your access to this call runs out in a minute."));
    on("muted", (what) => what.participant === call.self && what.by !== "self" && this.news.tell(what.audio || what.video ? "An administrator muted you." : "An administrator unmuted you."));
    on("state", () => this.#connection());
    const others = call.subscribe({ slots });
    others.addEventListener("slot", () => this.#changed());
    others.addEventListener("track", (event) => event instanceof CustomEvent && this.#grid.took(event.detail));
    others.addEventListener("peer", () => (this.#held = null));
    others.addEventListener("chat-error", () => this.#chat.refused("That was too much at once; it was not sent to everybody."));
    this.sending = new Sending(call, this.#media);
    this.sending.addEventListener("change", () => this.#buttons());
    this.sending.addEventListener("trouble", (event) => event instanceof CustomEvent && this.news.tell(event.detail.message));
    this.#buttons();
  }

  /** @param {boolean} may whether we are administrators */
  administer(may) {
    this.#people.admin = may;
    this.#changed();
  }

  /** Clears everything. */
  exit() {
    this.sending?.close();
    this.sending = null;
    this.call = null;
    this.#pinned = "";
    this.#held = null;
    this.#names.clear();
    this.#own = { track: null, stream: null };
    this.#grid.clear();
    this.news.clear();
    for (const id of ["chat", "people", "options", "invited", "banner"]) byID(id, HTMLElement).hidden = true;
    room.hidden = true;
  }

  /** Names outlive those who leave by a moment. @type {Map<string, string>} */
  #names = new Map();

  #changed() {
    const { call } = this;
    if (!call) return;
    for (const one of call.roster.participants.values()) this.#names.set(one.participant, one.name || one.participant);
    this.#grid.update();
    this.#people.update();
    void this.#hold();
    byID("alone", HTMLElement).hidden = call.roster.participants.size > 1 || call.state !== "live";
  }

  /** @returns {import("./callplan.js").Situation | null} */
  #situation() {
    const { call } = this;
    if (!call) return null;
    const media = this.#media;
    if (this.#own.track !== media.video) this.#own = { track: media.video, stream: media.video ? new MediaStream([media.video]) : null };
    const one = call.roster.participants.get(call.self);
    const quality = one?.quality;
    return {
      roster: call.roster, slots: call.others?.slots ?? [], pinned: this.#pinned,
      own: {
        name: one?.name ?? "", audio: media.on("audio"), video: this.#own.stream, screen: this.sending?.screen ?? null, speaking: one?.speaking === true,
        score: scoreOf(quality && { up: Math.min(quality.up ?? 5, quality.down ?? 5) }), muted: call.roster.publication(call.self, "main")?.muted?.audio === true,
      },
      fit: (seat, box, ratio) => seat.slot && call.others?.fit(seat.slot.index, box ? { width: box.width * ratio, height: box.height * ratio } : { hidden: true }),
    };
  }

  /** @param {Seat | null} seat */
  #pin(seat) {
    if (!seat) return;
    this.#pinned = this.#pinned === seat.key ? "" : seat.key;
    this.#changed();
  }

  /** Has the gateway keep a slot for who is shown large. */
  async #hold() {
    const { call } = this;
    const others = call?.others;
    if (!call || !others?.known) return;
    const wanted = this.#large(call, others.slots);
    if (this.#held && this.#held.key !== wanted?.key) {
      void others.unpin(this.#held.slot).catch(() => {});
      this.#held = null;
    }
    if (!wanted || this.#held) return;
    const slot = others.slots.find((s) => s.participant === wanted.participant && s.source === wanted.source)
      ?? others.slots.findLast((s) => !s.participant) ?? others.slots[others.slots.length - 1];
    this.#held = { slot: slot.index, key: wanted.key };
    await others.pin(slot.index, wanted.participant, wanted.source).catch((thrown) => this.news.tell(asProblem(thrown).message));
  }

  /**
   * Who is to be kept: who was chosen, else a screen for which there is no room.
   * @param {Call} call
   * @param {import("./slots.js").Slot[]} slots
   */
  #large(call, slots) {
    const all = call.roster.publications.filter((p) => p.participant !== call.self).map(({ participant, source }) => ({ participant, source, key: `${participant}/${source}` }));
    const crowded = slots.every((slot) => slot.participant && (slot.source !== SCREEN || slot.pinned));
    return all.find(({ key }) => key === this.#pinned) ?? (crowded ? all.find(({ source }) => source === SCREEN) : undefined);
  }

  #connection() {
    const { call } = this;
    if (!call) return;
    const all = [call, ...call.publishers.values(), ...(call.others ? [call.others] : [])];
    const bad = all.find((one) => one.state === "error") ?? all.find((one) => one.state === "connecting" && one.problem) ?? all.find((one) => one.state === "waiting" && one.problem);
    const text = bad?.problem ? bad.problem.message : "";
    banner.hidden = !text;
    if (banner.textContent !== text) banner.textContent = text;
    this.#changed();
  }

  /** @param {import("./headgate.js").Invitation} invitation */
  #ask(invitation) {
    this.#invited = invitation;
    byID("invited-text", HTMLElement).textContent = `${this.call?.roster.nameOf(invitation.from) ?? invitation.from} asks you to the call ${invitation.channel}.${invitation.message ? ` “${invitation.message}”` : ""}`;
    byID("invited", HTMLElement).hidden = false;
  }

  /** @param {boolean} accept */
  async #answer(accept) {
    const invitation = this.#invited;
    byID("invited", HTMLElement).hidden = true;
    this.#invited = null;
    if (!invitation || !this.call) return;
    try {
      const answer = await this.call.answer(invitation.id, accept);
      if (accept) this.dispatchEvent(new CustomEvent("go", { detail: { ...invitation, ...answer } }));
    } catch (thrown) {
      this.news.tell(asProblem(thrown).message);
    }
  }

  /** @param {import("./headgate.js").Invitation} invitation */
  #answered(invitation) {
    if (invitation.id === this.#invited?.id && invitation.state !== "pending") byID("invited", HTMLElement).hidden = true;
    if (invitation.from !== this.call?.self) return;
    const said = { accepted: "comes", declined: "does not come", expired: "did not answer" }[invitation.state];
    if (said) this.news.tell(`${invitation.to} ${said}.`);
  }

  #buttons() {
    for (const [id, kind] of /** @type {const} */ ([["mic", "audio"], ["cam", "video"]])) pressed(byID(id, HTMLElement), kind, this.#media.on(kind));
    const share = byID("share", HTMLElement);
    const sharing = Boolean(this.sending?.screen);
    share.hidden = devices.whyNot("screen") !== null;
    share.setAttribute("aria-pressed", String(sharing));
    share.setAttribute("aria-label", sharing ? "Stop sharing the screen" : "Share the screen");
    share.title = share.getAttribute("aria-label") ?? "";
    this.#changed();
  }

  #wire() {
    const click = (/** @type {string} */ id, /** @type {() => void} */ f) => byID(id, HTMLElement).addEventListener("click", f);
    click("mic", () => void this.#media.turn("audio", !this.#media.on("audio")).then(() => this.#refused()));
    click("cam", () => void this.#media.turn("video", !this.#media.on("video")).then(() => this.#refused()));
    click("share", () => void this.sending?.share());
    click("leave", () => this.dispatchEvent(new Event("leave")));
    click("accept", () => void this.#answer(true));
    click("decline", () => void this.#answer(false));
    click("unmute-all", () => {
      byID("unmute-all", HTMLElement).hidden = true;
      this.#grid.unmute();
    });
    for (const panel of ["people", "chat"]) {
      click(`${panel}-button`, () => this.toggle(panel));
      click(`${panel}-close`, () => this.toggle(panel, false));
    }
    this.#media.addEventListener("change", () => this.#buttons());
    this.#media.addEventListener("lost", (event) => event instanceof CustomEvent && this.news.tell(event.detail === "audio" ? "Your microphone was unplugged." : "Your camera was unplugged."));
    this.#grid.addEventListener("pin", (event) => event instanceof CustomEvent && this.#pin(event.detail));
    this.#grid.addEventListener("more", () => this.toggle("people", true));
    this.#grid.addEventListener("silenced", () => (byID("unmute-all", HTMLElement).hidden = false));
    this.#people.addEventListener("show", (event) => event instanceof CustomEvent && this.#showLarge(event.detail));
    this.#chat.addEventListener("news", (event) => event instanceof CustomEvent && this.news.tell(`${event.detail.name || event.detail.from}: ${event.detail.text.slice(0, 120)}`));
    room.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape());
  }

  #refused() {
    if (this.#media.problem) this.news.tell(this.#media.problem.message);
  }

  /** @param {string} participant */
  #showLarge(participant) {
    const source = this.call?.roster.participants.get(participant)?.sources;
    if (source?.length) this.#pinned = `${participant}/${source.includes(SCREEN) ? SCREEN : source[0]}`;
    if (room.clientWidth < 832) this.toggle("people", false);
    this.#changed();
  }

  /** Opens a panel, or closes it; one at a time. @param {string} name @param {boolean} [open] */
  toggle(name, open = byID(name, HTMLElement).hidden) {
    for (const panel of ["people", "chat"]) {
      const shown = panel === name && open;
      byID(panel, HTMLElement).hidden = !shown;
      byID(`${panel}-button`, HTMLElement).setAttribute("aria-expanded", String(shown));
    }
    if (open && name === "chat") this.#chat.opened();
    else if (open) byID("people-close", HTMLElement).focus();
    else byID(`${name}-button`, HTMLElement).focus();
  }

  #escape() {
    const open = ["people", "chat"].find((panel) => !byID(panel, HTMLElement).hidden);
    if (!byID("options", HTMLElement).hidden) byID("more", HTMLElement).click();
    else if (open) this.toggle(open, false);
  }

  /** The menu of devices. */
  #options() {
    const more = byID("more", HTMLElement);
    const options = byID("options", HTMLElement);
    const toggle = (/** @type {boolean} */ open) => {
      options.hidden = !open;
      more.setAttribute("aria-expanded", String(open));
      if (open) options.querySelector("select")?.focus();
      else more.focus();
    };
    more.addEventListener("click", () => toggle(options.hidden));
    document.addEventListener("pointerdown", ({ target }) => target instanceof Node && !options.hidden && !options.contains(target) && !more.contains(target) && toggle(false));
    chooser(byID("room-microphone", HTMLSelectElement), this.#media, "audio");
    chooser(byID("room-camera", HTMLSelectElement), this.#media, "video");
    const size = byID("room-size", HTMLSelectElement);
    size.value = String(this.#media.height);
    size.addEventListener("change", () => void this.#media.size(Number(size.value)));
    const numbers = byID("show-numbers", HTMLInputElement);
    numbers.addEventListener("change", () => this.#numbers.toggle(numbers.checked));
    void this.#speakers();
  }

  /** Shows the numbers. */
  debug() {
    byID("show-numbers", HTMLInputElement).checked = true;
    this.#numbers.toggle(true);
  }

  async #speakers() {
    if (!("setSinkId" in HTMLMediaElement.prototype)) return;
    const select = byID("room-speaker", HTMLSelectElement);
    const update = async () => {
      const found = (await devices.list("audiooutput")).filter((d) => d.deviceId !== "default");
      byID("speaker-row", HTMLElement).hidden = found.length === 0;
      select.replaceChildren(el("option", { value: "" }, "Default"), ...found.map((d, i) => el("option", { value: d.deviceId }, d.label || `Speaker ${i + 1}`)));
      select.value = this.#grid.sink;
    };
    select.addEventListener("change", () => void this.#grid.speaker(select.value));
    navigator.mediaDevices?.addEventListener("devicechange", () => void update());
    this.#media.addEventListener("change", () => void update());
    await update();
  }
}
