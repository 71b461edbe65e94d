// Headgate, MIT licence. The call page: first a look at oneself, then the call, then
// why it is over.
// @ts-check

import { Lobby } from "./calllobby.js";
import { Media, Memory } from "./callmedia.js";
import { ENDS } from "./callnews.js";
import { Room } from "./callroom.js";
import { byID, copyButton, pageState } from "./dom.js";
import { Call, login } from "./headgate.js";
import { fragmentOf, guestName, pathOf, tokenOf } from "./names.js";
import { askForChannel, titleOf, wantsToken, whereAmI } from "./page.js";
import { Problem, asProblem } from "./problem.js";

const place = whereAmI("/call");
const channel = place.names[0] ?? "";
const memory = new Memory();
const media = new Media(memory);
const lobby = new Lobby(media, memory);
const room = new Room(media);
const over = byID("over", HTMLElement);

/** @type {Call | null} */
let call = null;
/** @type {WakeLockSentinel | null} */
let awake = null;
let token = tokenOf(location.hash) || stored("headgate-call-token");

/** @param {string} key @param {string} [value] keeps it for this tab */
function stored(key, value) {
  const full = `${key} ${channel}`;
  try {
    if (value !== undefined) sessionStorage.setItem(full, value);
    return sessionStorage.getItem(full) ?? "";
  } catch {
    return value ?? "";
  }
}

/**
 * Who this tab is: the same after a reload, another one in each tab, also in a tab
 * that was duplicated with all it remembers.
 */
async function whoAmI() {
  for (let id = stored("headgate-call-id") || stored("headgate-call-id", guestName()); ; id = stored("headgate-call-id", guestName())) {
    if (!navigator.locks) return id;
    const free = await new Promise((resolve) => {
      // Held as long as this page lives.
      void navigator.locks.request(`headgate-call ${id}`, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise(() => {}) : undefined;
      });
    });
    if (free) return id;
  }
}
const me = whoAmI();

/** @param {{ name: string, password: string, quiet: boolean }} wish */
async function enter({ name, password, quiet }) {
  if (call) return;
  lobby.busy(true);
  lobby.complain(null);
  const attempt = (call = null);
  try {
    if (quiet) media.decline();
    else if (!media.asked) await media.open();
    else if (media.problem) await media.again();
    if (!quiet && media.problem && !media.audio && !media.video) return lobby.complain(media.problem);
    const participant = await me;
    if (password) token = stored("headgate-call-token", (await login({ channel, password, participant, ...(name && { name }) })).token);
    call = new Call({ server: location.origin, channel, token, participant, ...(name && { name }) });
    call.addEventListener("state", waiting);
    pageState("connecting");
    await call.open();
    show(call);
  } catch (thrown) {
    void call?.leave();
    call = attempt;
    refuse(asProblem(thrown));
  } finally {
    lobby.busy(false);
  }
}

/** Says why joining takes a while. */
function waiting() {
  if (call?.state === "connecting" && call.problem) lobby.say(`${call.problem.message} Trying again by itself.`);
}

/** @param {Problem} problem */
function refuse(problem) {
  pageState("error");
  const closed = wantsToken(problem) && problem.code !== "banned";
  if (closed) {
    token = stored("headgate-call-token", "");
    lobby.wantPassword(true);
  }
  const more = closed && problem.code !== "wrong-password" ? " Use a link that you were given, or the password of this call." : "";
  lobby.complain(new Problem({ code: problem.code, detail: problem.message + more }));
}

/** @param {Call} joined */
function show(joined) {
  lobby.close();
  joined.addEventListener("ended", (event) => event instanceof CustomEvent && joined === call && end(event.detail));
  room.enter(joined, innerWidth < 600 ? 6 : 12);
  pageState("live");
  byID("announce", HTMLElement).textContent = `You are in the call ${channel}.`;
  void mayAdminister(joined);
  void stayAwake(true);
}

/** Whether we are administrators here: told by the token where it can be read, else by asking. @param {Call} joined */
async function mayAdminister(joined) {
  const claims = claimsOf(token);
  if (claims && claims.admin !== true) return;
  const may = claims !== null || (await joined.rest.ask("GET", joined.rest.at("channels", channel, "bans")).then(() => true, () => false));
  if (joined === call) room.administer(may);
}

/** @param {string} jwt @returns {Record<string, unknown> | null} null where it is none */
function claimsOf(jwt) {
  try {
    const value = JSON.parse(atob(jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** Leaves the call. @param {Problem | null} why null: because we want to */
function end(why) {
  const old = call;
  call = null;
  room.exit();
  media.reset();
  void old?.leave();
  void stayAwake(false);
  if (why?.code === "token-expired") token = stored("headgate-call-token", "");
  const [title, again] = why ? ENDS[why.code] ?? ["The call is over", true] : ["You left the call", true];
  byID("over-title", HTMLElement).textContent = title;
  byID("over-text", HTMLElement).textContent = why?.message ?? "";
  byID("again", HTMLElement).hidden = !again;
  over.hidden = false;
  byID("over-title", HTMLElement).focus();
  pageState("over");
}

/** Keeps a phone from sleeping in a call. @param {boolean} wanted */
async function stayAwake(wanted) {
  try {
    if (wanted && !document.hidden) awake = await navigator.wakeLock.request("screen");
    else if (!wanted) await awake?.release();
  } catch {
    // Not everywhere; calls work without.
  }
}

function wire() {
  const link = () => `${location.origin}/call/${pathOf(channel)}`;
  lobby.addEventListener("join", (event) => event instanceof CustomEvent && void enter(event.detail));
  room.addEventListener("leave", () => end(null));
  room.addEventListener("go", (event) => {
    const { channel: to, token: pass } = event instanceof CustomEvent ? event.detail : {};
    void call?.leave();
    location.assign(`/call/${pathOf(to)}${fragmentOf(pass || token)}`);
  });
  byID("again", HTMLElement).addEventListener("click", () => {
    over.hidden = true;
    pageState("idle");
    void lobby.open();
  });
  for (const id of ["copy-link", "alone-copy"]) {
    const old = byID(id, HTMLButtonElement);
    const button = copyButton(link, "the link to this call", old.textContent ?? "");
    Object.assign(button, { id, className: old.className });
    old.replaceWith(button);
  }
  document.addEventListener("visibilitychange", () => call && !document.hidden && void stayAwake(true));
  window.addEventListener("pagehide", () => void call?.leave());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // what it shows was left
}

function main() {
  const label = titleOf(place.names);
  byID("channel", HTMLElement).textContent = label;
  if (label) document.title = `${label} – call – Headgate`;
  if (place.names.length === 0 && !place.problem) return askForChannel("/call");
  wire();
  const extra = place.names.length > 1 ? new Problem({ code: "bad-name", detail: "The address of a call is /call/ and the name of the channel, nothing more." }) : null;
  const problem = place.problem ?? extra;
  if (problem) {
    byID("lobby", HTMLElement).hidden = false;
    byID("entry", HTMLFormElement).inert = true;
    lobby.complain(problem);
    return pageState("error");
  }
  Object.assign(window, { headgate: { get call() { return call; }, room, media } });
  if (new URLSearchParams(location.search).get("debug") === "1") room.debug();
  void lobby.open();
  pageState("idle");
}

main();
