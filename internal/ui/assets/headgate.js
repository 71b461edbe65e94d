// Headgate, MIT licence. Calls in a page of your own, in a few lines:
//
//   import { join } from "./headgate.js";
//   const call = await join({ server: "https://gateway.example", channel: "team", name: "Anna" });
//   await call.publish(await navigator.mediaDevices.getUserMedia({ audio: true, video: true }));
//   const others = call.subscribe({ slots: 9 });
//   for (const slot of others.slots) document.querySelectorAll("video")[slot.index].srcObject = slot.stream;
//   call.addEventListener("joined", ({ detail }) => console.log(`${detail.name} is here`));
//   …
//   await call.leave();
//
// What is lost comes back by itself; what is over says why ("ended"). One stream can
// also be sent or played without being in a call: publish() and subscribe() below.
//
// Copy it with slots.js, member.js, roster.js, rest.js, turns.js, events.js, whip.js,
// simulcast.js, wish.js, connection.js, resource.js, problem.js and sdp.js.
// @ts-check

import { MemberStream } from "./member.js";
import { Problem } from "./problem.js";
import { Rest } from "./rest.js";
import { MEMBER_EVENTS } from "./roster.js";
import { SlotsClient } from "./slots.js";
import { WHIPClient } from "./whip.js";

/** @typedef {import("./roster.js").Participant} Participant */
/** @typedef {import("./roster.js").Publication} Publication */
/** @typedef {import("./slots.js").Slot} Slot */
/** @typedef {{ id: string, from: string, name?: string, text: string, to?: string, at?: string }} Message */
/** @typedef {{ id: string, channel: string, from: string, to: string, in: string, message?: string, state: string, expires?: string, token?: string | null }} Invitation */

/** @typedef {{ audio: boolean, video: boolean }} Off what is off: true */

/** A new session begins with both on. */
const ALL_ON = JSON.stringify({ audio: false, video: false });

/** Where this module comes from, mostly the gateway. */
const HERE = new URL(import.meta.url).origin;

/**
 * Sends one stream.
 * @param {MediaStream} stream at most one track of sound and one of picture
 * @param {{ endpoint: string } & import("./whip.js").WHIPOptions} options endpoint: a WHIP URL
 * @returns {Promise<WHIPClient>} when it is on air; its stop() ends it
 * @throws {Problem} when the gateway refuses for good
 */
export async function publish(stream, { endpoint, ...options }) {
  const client = new WHIPClient(endpoint, options);
  await client.publish(stream);
  return client;
}

/**
 * Plays a channel in slots, which the gateway fills.
 * @param {{ endpoint: string } & import("./slots.js").SlotsOptions} options endpoint: a WHEP URL
 * @returns {Promise<SlotsClient>} when media can pass; its stop() ends it
 * @throws {Problem}
 */
export async function subscribe({ endpoint, ...options }) {
  const client = new SlotsClient(endpoint, { events: true, ...options });
  await client.play();
  return client;
}

/**
 * Gets a token for a channel that has a password.
 * @param {{ server?: string, channel: string, password: string, name?: string, participant?: string }} options
 * @returns {Promise<{ token: string, participant: string, expires: string }>}
 * @throws {Problem}
 */
export function login({ server = HERE, ...wish }) {
  const rest = new Rest(server, () => "");
  return rest.ask("POST", rest.at("login"), wish);
}

/**
 * @typedef {import("./member.js").MemberOptions & { server?: string, channel: string, token?: string }} JoinOptions
 *   server: origin of the gateway; where this module comes from, without
 */

/**
 * Joins a call.
 * @param {JoinOptions} options
 * @returns {Promise<Call>} when one is in it
 * @throws {Problem} when the gateway refuses for good
 */
export async function join(options) {
  const call = new Call(options);
  await call.open();
  return call;
}

/**
 * A call one is in. Dispatches the events of the gateway by their names ("joined",
 * "left", "published", "speaking", "quality", "message", "invited", …; detail: the
 * data), "state" when the connection to it changes, and "ended" (detail: a Problem)
 * when one was put out.
 */
export class Call extends EventTarget {
  /** @type {Map<string, WHIPClient>} what we send, by source */
  publishers = new Map();
  /** @type {SlotsClient | null} */
  others = null;
  /** @type {Map<string, { off: Off, told: string }>} what of ours is off, by source, and what the gateway knows */
  #off = new Map();
  #telling = Promise.resolve();
  #token;
  #member;
  #seen = new Set();
  #over = false;

  /** @param {JoinOptions} options */
  constructor({ server = HERE, channel, token = "", ...options }) {
    super();
    this.#token = token;
    this.rest = new Rest(server, () => this.#token);
    this.channel = channel;
    this.#member = new MemberStream(this.rest, channel, options);
    for (const name of MEMBER_EVENTS) this.#member.addEventListener(name, (event) => this.#told(name, event instanceof CustomEvent ? event.detail : {}));
    this.#member.addEventListener("state", () => this.#changed());
  }

  /** Joins; join() does it for you. @returns {Promise<void>} */
  open() {
    return this.#member.open();
  }

  /** Who is here and what they send. */
  get roster() {
    return this.#member.roster;
  }

  /** Who we are here. */
  get self() {
    return this.#member.participant;
  }

  /** Of the connection to the gateway's events: "connecting", "live", "error" when it is over, "idle" after leave(). */
  get state() {
    return this.#member.state;
  }

  /** Why the state is not "live". */
  get problem() {
    return this.#member.problem;
  }

  /** May be changed at any time: the next requests use it. */
  get token() {
    return this.#token;
  }

  set token(token) {
    this.#token = token;
    for (const client of this.#clients()) client.token = token;
  }

  /**
   * Sends camera, screen or any stream.
   * @param {MediaStream} stream
   * @param {{ source?: string } & import("./whip.js").WHIPOptions} [options] source: "main" without; "screen" is shown large
   * @returns {Promise<WHIPClient>} when it is on air
   * @throws {Problem}
   */
  async publish(stream, { source = "main", ...options } = {}) {
    void this.publishers.get(source)?.stop(); // the same login: what is new takes over
    const path = [this.channel, this.self, ...(source === "main" ? [] : [source])].map(encodeURIComponent).join("/");
    const client = new WHIPClient(`${this.rest.server}/whip/${path}`, { ...options, token: this.#token });
    this.publishers.set(source, client);
    client.addEventListener("state", () => {
      if (client.state === "live" && this.publishers.get(source) === client) this.#renewed(source);
      this.#changed();
    });
    await client.publish(stream);
    return client;
  }

  /** Sends a source no longer. @param {string} [source] */
  async unpublish(source = "main") {
    const client = this.publishers.get(source);
    this.publishers.delete(source);
    await client?.stop();
  }

  /**
   * Plays the others.
   * @param {import("./slots.js").SlotsOptions} [options] slots: how many at once
   * @returns {SlotsClient} which connects by itself
   */
  subscribe(options = {}) {
    void this.others?.stop();
    const path = `${encodeURIComponent(this.channel)}?participant=${encodeURIComponent(this.self)}`;
    const client = new SlotsClient(`${this.rest.server}/whep/${path}`, { chat: true, ...options, token: this.#token });
    this.others = client;
    client.addEventListener("state", () => this.#changed());
    client.addEventListener("message", (event) => this.#said(event instanceof CustomEvent ? event.detail : {}));
    client.play().catch(() => {}); // told by the state
    return client;
  }

  /**
   * Says something.
   * @param {string} text at most 16 KiB
   * @param {string} [to] a participant; everybody without
   * @throws {Problem}
   */
  async say(text, to) {
    if (!to && this.others?.say(text)) return;
    this.#said(await this.rest.ask("POST", this.rest.at("channels", this.channel, "messages"), { text, ...(to && { to }) }));
  }

  /**
   * Asks somebody to come here.
   * @param {string} to a participant
   * @param {{ in?: string, message?: string }} [options] in: the channel where they are told, this one without
   * @returns {Promise<Invitation>}
   * @throws {Problem}
   */
  invite(to, options = {}) {
    return this.rest.ask("POST", this.rest.at("channels", this.channel, "invitations"), { to, ...options });
  }

  /**
   * Answers an invitation.
   * @param {string} id
   * @param {boolean} accept
   * @returns {Promise<Invitation>} with the channel, and a token where one is needed
   * @throws {Problem}
   */
  answer(id, accept) {
    return this.rest.ask("PATCH", this.rest.at("invitations", id), { state: accept ? "accepted" : "declined" });
  }

  /**
   * Puts somebody out (administrators).
   * @param {string} participant
   * @param {{ reason?: string, ban_seconds?: number }} [options]
   * @throws {Problem}
   */
  kick(participant, options = {}) {
    return this.rest.ask("DELETE", this.rest.at("channels", this.channel, "participants", participant), options);
  }

  /**
   * Mutes what somebody sends, for everybody (administrators).
   * @param {string} participant
   * @param {string} source
   * @param {{ audio: boolean, video: boolean }} muted
   * @throws {Problem}
   */
  mute(participant, source, muted) {
    return this.rest.ask("PUT", this.rest.at("channels", this.channel, "publications", participant, source, "mute"), muted);
  }

  /**
   * Tells the others that our microphone or camera is off, or on again; switching it is
   * the page's (`track.enabled`, or `withdraw()` of what publish() gave). It is told
   * again after a reconnect, and does not undo what an administrator muted.
   * @param {Off} off
   * @param {string} [source]
   * @returns {Promise<void>} when it is told, or kept until the source is on air
   * @throws {Problem}
   */
  muteSelf(off, source = "main") {
    const known = this.#off.get(source);
    if (known) known.off = off;
    else this.#off.set(source, { off, told: ALL_ON });
    return this.#tellOff(source);
  }

  /** @param {string} source one that has a new session */
  #renewed(source) {
    const known = this.#off.get(source);
    if (known) this.#off.set(source, { off: known.off, told: ALL_ON }); // what is being told was for the old one
    this.#tellOff(source).catch(() => {}); // told with the next change
  }

  /** Tells what is off, one change after the other. @param {string} source */
  #tellOff(source) {
    const telling = this.#telling.then(async () => {
      const known = this.#off.get(source);
      const text = JSON.stringify(known?.off);
      if (!known || known.told === text || this.publishers.get(source)?.state !== "live") return;
      await this.rest.ask("PUT", this.rest.at("channels", this.channel, "publications", this.self, source, "self-mute"), known.off);
      known.told = text;
    });
    this.#telling = telling.catch(() => {});
    return telling;
  }

  /** Ends the call for everybody (administrators). @throws {Problem} */
  disband() {
    return this.rest.ask("DELETE", this.rest.at("channels", this.channel));
  }

  /** Leaves: everything that was begun here ends. Safe while a page goes away. */
  async leave() {
    await Promise.all([...this.#clients().map((client) => client.stop()), this.#member.close()]);
    this.publishers.clear();
    this.others = null;
  }

  #clients() {
    return [...this.publishers.values(), ...(this.others ? [this.others] : [])];
  }

  /** @param {string} name @param {any} data */
  #told(name, data) {
    if (name === "slots") this.others?.hear(data);
    if (name === "message") this.#said(data);
    else this.dispatchEvent(new CustomEvent(name, { detail: data }));
  }

  /** The same message comes by the events and by the data channel. @param {any} message */
  #said(message) {
    if (typeof message.id !== "string" || typeof message.text !== "string" || this.#seen.has(message.id)) return;
    this.#seen.add(message.id);
    if (this.#seen.size > 1000) this.#seen.delete(this.#seen.values().next().value);
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #changed() {
    this.dispatchEvent(new CustomEvent("state", { detail: { state: this.state, problem: this.problem } }));
    if (this.#member.state !== "error" || this.#over) return;
    this.#over = true;
    const problem = this.#member.problem ?? new Problem({ code: "closed", detail: "The call is over." });
    const ending = this.#clients();
    this.publishers.clear();
    this.others = null;
    for (const client of ending) void client.stop();
    this.dispatchEvent(new CustomEvent("ended", { detail: problem }));
  }
}
