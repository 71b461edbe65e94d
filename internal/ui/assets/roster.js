// Headgate, MIT licence. Who is in a call and what they send, kept up to date by the
// events of a member stream.
// Part of the modules that may be copied; imports nothing.
// @ts-check

/**
 * @typedef {object} Participant
 * @property {string} participant
 * @property {string} [name] for people; not unique
 * @property {Record<string, string>} [tags]
 * @property {string} [joined] RFC 3339
 * @property {boolean} [speaking]
 * @property {{ up?: number, down?: number }} [quality] 0 (nothing works) to 5
 * @property {string[]} sources what is sent: "main", "screen", …
 *
 * @typedef {object} Publication
 * @property {string} participant
 * @property {string} source
 * @property {string} [state] "live", "interrupted", …
 * @property {string} [video] codec, where there is a picture
 * @property {string} [audio]
 * @property {number} [width]
 * @property {number} [height]
 * @property {string} [whep] where it can be played
 * @property {{ audio: boolean, video: boolean }} [muted] by the gateway
 * @property {{ audio: boolean, video: boolean }} [self_muted] what its holder says is off
 */

/** The events of a member stream. */
export const MEMBER_EVENTS = [
  "snapshot", "joined", "left", "published", "unpublished", "interrupted", "resumed", "muted", "speaking", "speaker",
  "quality", "slots", "layers", "active", "inactive", "message", "invited", "invitation", "kicked", "token-expiring", "closed",
];

/** @param {string} participant @param {string} source neither has a slash */
const key = (participant, source) => `${participant}/${source}`;

export class Roster {
  channel = "";
  kind = "";
  /** Who we are. */
  self = "";
  /** Who speaks most. @type {string | null} */
  speaker = null;
  /** @type {Map<string, Participant>} in the order of joining */
  participants = new Map();
  /** @type {Map<string, Publication>} */
  #publications = new Map();

  /** @returns {Publication[]} */
  get publications() {
    return [...this.#publications.values()];
  }

  /** @param {string} participant @param {string} source @returns {Publication | undefined} */
  publication(participant, source) {
    return this.#publications.get(key(participant, source));
  }

  /** What to call somebody. @param {string} participant */
  nameOf(participant) {
    return this.participants.get(participant)?.name || participant;
  }

  /**
   * Takes an event in.
   * @param {string} event
   * @param {any} data an object
   */
  apply(event, data) {
    const change = CHANGES[event];
    if (change) change.call(this, data);
  }

  /** @param {any} data */
  begin(data) {
    this.channel = text(data.channel);
    this.kind = text(data.kind);
    this.self = text(data.self);
    this.speaker = typeof data.speaker === "string" ? data.speaker : null;
    this.participants = new Map();
    this.#publications = new Map();
    for (const one of list(data.participants)) this.join(one);
    for (const one of list(data.publications)) this.publish(one);
  }

  /** @param {any} data */
  join(data) {
    const participant = text(data.participant);
    if (participant) this.participants.set(participant, { ...this.participants.get(participant), ...data, participant, sources: list(data.sources).map(text) });
  }

  /** @param {any} data */
  leave(data) {
    this.participants.delete(text(data.participant));
    for (const p of this.publications) if (p.participant === data.participant) this.#publications.delete(key(p.participant, p.source));
    if (this.speaker === data.participant) this.speaker = null;
  }

  /** @param {any} data */
  publish(data) {
    const [participant, source] = [text(data.participant), text(data.source)];
    if (!participant || !source) return;
    this.#publications.set(key(participant, source), { ...data, participant, source });
    if (!this.participants.has(participant)) this.join({ participant, sources: [] });
    const sources = this.participants.get(participant)?.sources;
    if (sources && !sources.includes(source)) sources.push(source);
  }

  /** @param {any} data */
  unpublish(data) {
    this.#publications.delete(key(text(data.participant), text(data.source)));
    const one = this.participants.get(text(data.participant));
    if (one) one.sources = one.sources.filter((source) => source !== data.source);
  }

  /** @param {any} data @param {Partial<Publication>} news */
  alter(data, news) {
    const found = this.publication(text(data.participant), text(data.source));
    if (found) Object.assign(found, news);
  }
}

/** @type {Record<string, (this: Roster, data: any) => void>} */
const CHANGES = {
  snapshot: Roster.prototype.begin,
  joined: Roster.prototype.join,
  left: Roster.prototype.leave,
  published: Roster.prototype.publish,
  unpublished: Roster.prototype.unpublish,
  interrupted(data) {
    this.alter(data, { state: "interrupted" });
  },
  resumed(data) {
    this.alter(data, { state: "live" });
  },
  muted(data) {
    const kinds = (/** @type {any} */ of) => ({ audio: of?.audio === true, video: of?.video === true });
    this.alter(data, { muted: kinds(data), self_muted: kinds(data.self_muted) });
  },
  speaking(data) {
    const one = this.participants.get(text(data.participant));
    if (one) one.speaking = data.speaking === true;
  },
  speaker(data) {
    this.speaker = typeof data.participant === "string" ? data.participant : null;
  },
  quality(data) {
    for (const [participant, quality] of Object.entries(data.participants ?? {})) {
      const one = this.participants.get(participant);
      if (one && quality !== null && typeof quality === "object") one.quality = quality;
    }
  },
};

/** @param {unknown} value @returns {string} */
const text = (value) => (typeof value === "string" ? value : "");

/** @param {unknown} value @returns {any[]} */
const list = (value) => (Array.isArray(value) ? value.filter((one) => one !== null && one !== undefined) : []);
