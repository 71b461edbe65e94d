// Headgate, MIT licence. The member stream of a call: joins a channel and is told what
// happens there, for as long as one wants to be in it.
// Part of the modules that may be copied, with rest.js, roster.js, turns.js,
// connection.js, problem.js, resource.js, wish.js and sdp.js beside it.
// @ts-check

import { pause } from "./connection.js";
import { Problem, asProblem, ended, problemFrom } from "./problem.js";
import { addressIn } from "./resource.js";
import { MEMBER_EVENTS, Roster } from "./roster.js";
import { turn } from "./turns.js";
import { delay } from "./wish.js";

/**
 * @typedef {object} MemberOptions
 * @property {string} [participant] who we want to be; the gateway makes somebody up without
 * @property {string} [name] for people
 * @property {Record<string, string>} [tags]
 * @property {"call" | "broadcast"} [kind] of a channel that nobody made yet
 */

/** Sentences for reasons that come as an event, without one. */
const REASONS = new Map([
  ["kicked", "You were put out of this call by an administrator."],
  ["banned", "You were shut out of this call for a while by an administrator."],
  ["disbanded", "The call was ended for everybody."],
  ["duplicate-id", "Somebody joined under the same name, from another tab or device."],
  ["token-expired", "Your access to this call has run out."],
  ["server-shutdown", "The gateway is restarting."],
  ["idle", "The call was closed because nobody sent anything."],
]);

/** Coming back by itself would fight somebody, or keep a channel that is to end. */
const STAY_OUT = new Set(["duplicate-id", "idle"]);

/**
 * Dispatches every event of the stream by its name (detail: the data), after the
 * roster took it in, and "state" (detail: {state, problem}).
 */
export class MemberStream extends EventTarget {
  roster = new Roster();
  /** @type {"idle" | "connecting" | "live" | "error"} error: only a person can change it */
  state = "idle";
  /** @type {Problem | null} */
  problem = null;
  /** @type {AbortController | null} */
  #life = null;
  #url = "";
  #last = "";

  /**
   * @param {import("./rest.js").Rest} rest
   * @param {string} channel
   * @param {MemberOptions} [options]
   */
  constructor(rest, channel, options = {}) {
    super();
    this.rest = rest;
    this.channel = channel;
    /** Who we are: what was wished until the gateway has told. */
    this.participant = options.participant ?? "";
    this.options = options;
  }

  /**
   * Joins, and stays until close() or until put out.
   * @returns {Promise<void>} settles with the first snapshot, or the refusal
   * @throws {Problem}
   */
  open() {
    const life = new AbortController();
    this.#life = life;
    return new Promise((resolve, reject) => void this.#keep(life, resolve, reject));
  }

  /** Leaves. Safe while a page goes away. */
  async close() {
    this.#life?.abort();
    this.#life = null;
    this.#become("idle");
    const url = this.#url;
    this.#url = "";
    if (url) await this.rest.last("DELETE", url);
  }

  /**
   * @param {AbortController} life
   * @param {(value: void) => void} resolve
   * @param {(reason: Problem) => void} reject
   */
  async #keep(life, resolve, reject) {
    const { signal } = life;
    this.#become("connecting");
    for (let failures = 0; !signal.aborted; failures++) {
      const problem = await this.#once(signal, () => {
        failures = 0;
        this.#become("live");
        resolve();
      });
      if (signal.aborted) break;
      if (!problem.passing || STAY_OUT.has(problem.code)) {
        this.#url = "";
        this.#become("error", problem);
        return reject(problem);
      }
      this.#become("connecting", problem);
      await pause(delay(failures, problem), signal);
    }
    reject(new Problem({ code: "stopped", detail: "Stopped." }));
  }

  /**
   * One membership, from POST to its end.
   * @param {AbortSignal} signal
   * @param {() => void} joined
   * @returns {Promise<Problem>} why it ended
   */
  async #once(signal, joined) {
    try {
      await this.#join();
      if (signal.aborted) {
        void this.rest.last("DELETE", this.#url);
        return new Problem({ code: "stopped", detail: "Stopped." });
      }
      return await this.#stay(signal, joined);
    } catch (thrown) {
      return asProblem(thrown);
    }
  }

  async #join() {
    const { name, tags, kind = "call" } = this.options;
    const wish = { ...(this.participant && { participant: this.participant }), ...(name && { name }), ...(tags && { tags }), kind };
    const response = await this.rest.send("POST", this.rest.at("channels", this.channel, "events"), wish);
    const answer = await response.json();
    const location = response.headers.get("Location") ?? answer.events;
    if (typeof location !== "string") throw new Problem({ code: "no-location", status: 400, detail: "The gateway did not say where the events of this call are." });
    this.participant = typeof answer.participant === "string" ? answer.participant : this.participant;
    this.#url = addressIn(response, location);
    this.#last = "";
  }

  /**
   * Reads the stream, opened again as often as needed.
   * @param {AbortSignal} signal
   * @param {() => void} joined
   * @returns {Promise<Problem>}
   */
  async #stay(signal, joined) {
    const url = this.#url;
    for (let failures = 0; !signal.aborted; failures++) {
      const opened = performance.now();
      const end = await turn(new URL(url).origin, signal, (over) => this.#read(url, signal, over, joined));
      if (end) return end;
      if (performance.now() - opened > 1000) failures = 0;
      if (failures > 0) await pause(delay(failures, new Problem({ detail: "" })), signal);
    }
    return new Problem({ code: "stopped", detail: "Stopped." });
  }

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {AbortSignal} over others want to read
   * @param {() => void} joined
   * @returns {Promise<Problem | null>} null to read on
   */
  #read(url, signal, over, joined) {
    return new Promise((resolve) => {
      const source = new EventSource(this.#last ? `${url}?after=${encodeURIComponent(this.#last)}` : url);
      const done = (/** @type {Problem | null} */ why) => {
        source.close();
        for (const s of [signal, over]) s.removeEventListener("abort", stop);
        removeEventListener("online", stop);
        resolve(why);
      };
      const stop = () => done(null);
      for (const name of MEMBER_EVENTS) {
        source.addEventListener(name, (event) => {
          if (event.lastEventId) this.#last = event.lastEventId;
          const why = this.#told(name, event.data);
          if (name === "snapshot") joined();
          if (why) done(why);
        });
      }
      source.addEventListener("open", () => this.#last && joined());
      source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) void this.#why(url).then(done);
        else this.#become("connecting", new Problem({ code: "interrupted", detail: "The connection to the gateway was lost. Connecting anew." }));
      });
      for (const s of [signal, over]) s.addEventListener("abort", stop);
      addEventListener("online", stop); // the old connection may be dead without knowing
      if (signal.aborted || over.aborted) stop();
    });
  }

  /** Asks why a stream cannot be read. @param {string} url @returns {Promise<Problem | null>} null: it can */
  async #why(url) {
    const asking = new AbortController();
    try {
      const response = await fetch(url, { cache: "no-store", signal: asking.signal });
      if (!response.ok) return ended(await problemFrom(response));
      asking.abort();
      return null;
    } catch (thrown) {
      return asProblem(thrown);
    }
  }

  /** @param {string} name @param {string} json @returns {Problem | null} why it is over */
  #told(name, json) {
    const data = parsed(json);
    this.roster.apply(name, data);
    this.dispatchEvent(new CustomEvent(name, { detail: data }));
    if (name !== "kicked" && name !== "closed") return null;
    const code = typeof data.reason === "string" ? data.reason : name;
    const said = typeof data.detail === "string" && data.detail ? ` ${data.detail}` : "";
    return new Problem({ code, detail: (REASONS.get(code) ?? `The call is over (${code}).`) + said });
  }

  /** @param {"idle" | "connecting" | "live" | "error"} state @param {Problem | null} [problem] */
  #become(state, problem = null) {
    if (this.state === state && this.problem?.message === problem?.message) return;
    this.state = state;
    this.problem = problem;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, problem } }));
  }
}

/** @param {string} data @returns {any} an object in every case */
function parsed(data) {
  try {
    const value = JSON.parse(data);
    return value !== null && typeof value === "object" ? value : {};
  } catch {
    return {};
  }
}
