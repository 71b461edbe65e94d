// Headgate, MIT licence. Who gets a tile in a call, in which order, and how it looks:
// decided from what is known, without touching the page.
// @ts-check

/** @typedef {import("./calltile.js").Look} Look */
/** @typedef {import("./slots.js").Slot} Slot */

/**
 * @typedef {object} Situation
 * @property {import("./roster.js").Roster} roster
 * @property {readonly Slot[]} slots
 * @property {{ name: string, audio: boolean, video: MediaStream | null, score: number | undefined, speaking: boolean, muted: boolean, screen: MediaStream | null }} own
 * @property {string} pinned the key of a seat; empty without
 * @property {(seat: Seat, box: { width: number, height: number } | null, ratio: number) => void} fit told how large a seat is; null: not seen
 *
 * @typedef {object} Seat
 * @property {string} key
 * @property {string} participant empty for our own
 * @property {string} source
 * @property {Slot | null} slot
 * @property {Look} look
 */

/** Sources of this name are shown large. */
export const SCREEN = "screen";

/**
 * @param {Situation} now
 * @param {number} most how many tiles there may be
 * @returns {{ seats: Seat[], large: Seat | null, more: number }} more: people without a tile
 */
export function arrangement(now, most) {
  const taken = (/** @type {Slot} */ a) => (/** @type {Slot} */ b) => b.participant === a.participant && b.source === a.source;
  const filled = now.slots.filter((slot, i) => slot.participant && now.slots.findIndex(taken(slot)) === i);
  const all = [ownSeat(now), ...(now.own.screen ? [ownScreen(now)] : []), ...filled.map((slot) => seatOf(now, slot)), ...others(now, filled)];
  const large = all.find((seat) => seat.key === now.pinned) ?? all.find((seat) => seat.participant && seat.source === SCREEN && seat.slot) ?? null;
  const seats = all.length > most ? all.slice(0, most - 1) : all;
  if (large && !seats.includes(large)) seats[seats.length - 1] = large;
  return { seats, large: all.length > 1 ? large : null, more: all.length - seats.length };
}

/** @param {Situation} now @returns {Seat} */
function ownSeat({ own, pinned }) {
  const key = "own main";
  return { key, participant: "", source: "main", slot: null, look: {
    name: own.name ? `${own.name} (you)` : "You", note: own.muted ? "muted by an administrator" : "", stream: own.video, picture: own.video !== null, silent: !own.audio || own.muted,
    speaking: own.speaking && own.audio, score: own.score, mirrored: true, own: true, whole: false, pinned: pinned === key,
  } };
}

/** @param {Situation} now @returns {Seat} */
function ownScreen({ own, pinned }) {
  const key = "own screen";
  return { key, participant: "", source: SCREEN, slot: null, look: {
    name: "You share your screen", note: "", stream: own.screen, picture: true, silent: false, speaking: false, score: undefined, mirrored: false, own: true, whole: true, pinned: pinned === key,
  } };
}

/** @param {Situation} now @param {Slot} slot @returns {Seat} */
function seatOf(now, slot) {
  return somebody(now, slot.participant, slot.source, slot);
}

/** People who are here and in no slot: they send nothing, or there are too many. @param {Situation} now @param {Slot[]} filled */
function others(now, filled) {
  const shown = new Set(filled.map((slot) => slot.participant));
  return [...now.roster.participants.values()].filter(({ participant }) => participant !== now.roster.self && !shown.has(participant))
    .map(({ participant, sources }) => somebody(now, participant, sources[0] ?? "main", null));
}

/** @param {Situation} now @param {string} participant @param {string} source @param {Slot | null} slot @returns {Seat} */
function somebody(now, participant, source, slot) {
  const key = `${participant}/${source}`;
  const one = now.roster.participants.get(participant);
  const publication = now.roster.publication(participant, source);
  const muted = publication?.muted ?? { audio: false, video: false };
  const off = publication?.self_muted ?? { audio: false, video: false };
  const screen = source === SCREEN;
  const picture = Boolean(slot && publication?.video && !muted.video && !off.video && !slot.unplayable);
  return { key, participant, source, slot, look: {
    name: now.roster.nameOf(participant) + (screen ? "’s screen" : ""),
    note: noteOf(publication, muted, source), stream: slot?.stream ?? null, picture,
    silent: !screen && (muted.audio || off.audio || !publication?.audio), speaking: Boolean(one?.speaking) && !screen, score: screen ? undefined : scoreOf(one?.quality),
    mirrored: false, own: false, whole: screen, pinned: now.pinned === key,
  } };
}

/** Codecs of pictures that this browser shows, in capitals. @type {Set<string> | undefined} */
let shows;

/** Whether this browser lacks a codec. @param {string} codec */
function lacks(codec) {
  shows ??= new Set((window.RTCRtpReceiver?.getCapabilities?.("video")?.codecs ?? []).map((c) => c.mimeType.slice("video/".length).toUpperCase()));
  return shows.size > 0 && !shows.has(codec.toUpperCase());
}

/**
 * @param {import("./roster.js").Publication | undefined} publication
 * @param {{ video: boolean }} muted
 * @param {string} source
 */
function noteOf(publication, muted, source) {
  if (publication?.state === "interrupted") return "reconnecting…";
  if (publication?.video && lacks(publication.video)) return `no ${publication.video} in this browser`;
  if (muted.video) return "picture muted";
  return source === "main" || source === SCREEN ? "" : source;
}

/** How well somebody is heard and seen by others. @param {{ up?: number, down?: number } | undefined} quality @returns {number | undefined} */
export function scoreOf(quality) {
  const score = quality?.up ?? quality?.down;
  return typeof score === "number" && score >= 0 ? Math.min(5, Math.round(score)) : undefined;
}
