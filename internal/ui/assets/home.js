// Headgate, MIT licence. The home page: who is on air, and what to paste.
// @ts-check

import { byID, copyButton, el, pageState } from "./dom.js";
import { fragmentOf, nameFault, pathOf, tokenFault, tokenOf } from "./names.js";
import { problemFrom, asProblem } from "./problem.js";
import { recipes } from "./recipes.js";
import { bearer } from "./resource.js";

/**
 * @typedef {object} Publication
 * @property {string} participant
 * @property {string} source
 * @property {string} state
 * @property {string} [video]
 * @property {string} [audio]
 * @property {number} [width]
 * @property {number} [height]
 * @typedef {{ name: string, publications: Publication[], viewers: number }} Channel
 */

const POLL = 2500;

const cards = byID("channels", HTMLElement);
const empty = byID("empty", HTMLElement);
const trouble = byID("trouble", HTMLElement);
const nameField = byID("name", HTMLInputElement);
const tokenField = byID("token", HTMLInputElement);
const nameTrouble = byID("name-trouble", HTMLElement);
const tabs = byID("tabs", HTMLElement);
const panel = byID("panel", HTMLElement);

let base = { whip: `${location.origin}/whip/`, whep: `${location.origin}/whep/` };
let chosen = "obs";
let shown = "";

/** @param {string} path @returns {Promise<any>} */
async function get(path) {
  const response = await fetch(path, { headers: bearer(tokenOf(location.hash)), signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw await problemFrom(response);
  return response.json();
}

/** Shows who is on air now. */
async function refresh() {
  try {
    const { channels } = await get("/api/v1/channels");
    showChannels(Array.isArray(channels) ? channels : []);
    trouble.hidden = true;
    pageState("live");
  } catch (thrown) {
    trouble.textContent = `Who is on air cannot be told: ${asProblem(thrown).message}`;
    trouble.hidden = false;
    empty.hidden = true;
    pageState("error");
  }
}

/** @param {Channel[]} channels */
function showChannels(channels) {
  const legal = channels.filter((c) => typeof c?.name === "string" && nameFault(c.name) === "");
  const text = JSON.stringify(legal);
  empty.hidden = legal.some((c) => statusOf(c) !== "Off air");
  if (text === shown) return; // nothing moves under a pointer or a reader without need
  shown = text;
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.href : "";
  cards.replaceChildren(...legal.toSorted((a, b) => rank(a) - rank(b)).map(card));
  for (const link of cards.querySelectorAll("a")) if (focused && link.href === focused) link.focus();
}

/** @param {Channel} channel */
const publicationsOf = (channel) => (Array.isArray(channel.publications) ? channel.publications : []);

/** @param {Channel} channel @returns {"On air" | "Interrupted" | "Off air"} off air: players wait there */
function statusOf(channel) {
  const states = publicationsOf(channel).map((p) => p.state);
  if (states.includes("live")) return "On air";
  return states.includes("interrupted") ? "Interrupted" : "Off air";
}

/** What is on air comes first. @param {Channel} channel */
const rank = (channel) => ["On air", "Interrupted", "Off air"].indexOf(statusOf(channel));

/** @param {Channel} channel @returns {HTMLElement} */
function card(channel) {
  const publications = publicationsOf(channel);
  const status = statusOf(channel);
  const link = el("a", { className: "card-link", href: watchLink(channel.name) }, channel.name);
  const viewers = Number(channel.viewers) || 0;
  return el("li", { className: "card" },
    el("div", { className: "card-head" },
      el("span", { className: status === "On air" ? "badge on" : "badge" }, status),
      el("span", { className: "muted" }, viewers === 1 ? "1 viewer" : `${viewers} viewers`)),
    el("h2", {}, link),
    publications.length > 1
      ? el("ul", { className: "parts" }, ...publications.map((p) => part(channel.name, p)))
      : el("p", { className: "muted" }, publications[0] ? formats(publications[0]) : ""));
}

/** @param {string} channel @param {Publication} p */
function part(channel, p) {
  const names = p.source && p.source !== "main" ? [p.participant, p.source] : [p.participant];
  const label = names.join(" / ");
  const legal = names.every((n) => nameFault(n) === "");
  return el("li", {}, legal ? el("a", { href: watchLink(channel, ...names) }, label) : label, el("span", { className: "muted" }, formats(p)));
}

/** @param {Publication} p @returns {string} "H264 1280 × 720, Opus" */
function formats(p) {
  const size = p.width && p.height ? ` ${p.width} × ${p.height}` : "";
  const sound = p.audio === "opus" ? "Opus" : p.audio;
  return [p.video ? `${p.video}${size}` : "", sound ?? ""].filter(Boolean).join(", ");
}

/** @param {...string} names */
const watchLink = (...names) => `/watch/${pathOf(...names)}${fragmentOf(tokenOf(location.hash))}`;

/** Fills the recipes for the name and token that are typed in. */
function showRecipes() {
  const name = nameField.value;
  const fault = nameFault(name) || tokenFault(tokenField.value);
  nameTrouble.textContent = fault;
  nameField.setAttribute("aria-invalid", String(fault !== ""));
  const target = { ...base, origin: location.origin, name: fault ? "live" : name, token: fault ? "" : tokenField.value };
  const all = recipes(target);
  tabs.replaceChildren(...all.map(tab));
  const recipe = all.find((r) => r.id === chosen) ?? all[0];
  panel.setAttribute("aria-labelledby", `tab-${recipe.id}`);
  panel.replaceChildren(
    el("p", {}, recipe.intro),
    ...recipe.fields.map(field),
    recipe.note ? el("p", { className: "muted" }, recipe.note) : "");
  byID("go-check", HTMLAnchorElement).href = `/check${fragmentOf(target.token)}`;
  for (const [id, page] of /** @type {const} */ ([["go-publish", "publish"], ["go-watch", "watch"], ["go-call", "call"]])) {
    byID(id, HTMLAnchorElement).href = `/${page}/${pathOf(target.name)}${fragmentOf(target.token)}`;
  }
}

/** @param {import("./recipes.js").Recipe} recipe */
function tab(recipe) {
  const selected = recipe.id === chosen;
  const button = el("button", {
    type: "button", id: `tab-${recipe.id}`, role: "tab", "aria-selected": selected, "aria-controls": "panel", tabIndex: selected ? 0 : -1,
  }, recipe.title);
  button.addEventListener("click", () => choose(recipe.id));
  return button;
}

/** @param {string} id */
function choose(id) {
  chosen = id;
  showRecipes();
  document.getElementById(`tab-${id}`)?.focus();
}

/** @param {[string, string]} pair */
function field([label, text]) {
  return el("div", { className: "field" },
    el("div", { className: "field-head" }, el("span", {}, label), copyButton(() => text, label)),
    el("pre", { tabIndex: 0 }, el("code", {}, text)));
}

/** Arrow keys move between tabs, as tab lists do. @param {KeyboardEvent} event */
function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const ids = [...tabs.children].map((t) => t.id.slice("tab-".length));
  choose(ids[(ids.indexOf(chosen) + step + ids.length) % ids.length]);
}

/** Takes what the gateway says about itself; the page's own origin does without. */
async function settings() {
  try {
    const told = await get("/api/v1/settings");
    if (typeof told.whip === "string" && typeof told.whep === "string") base = { whip: told.whip, whep: told.whep };
    byID("version", HTMLElement).textContent = typeof told.version === "string" ? told.version : "";
    const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
    byID("open", HTMLElement).hidden = told.open !== true || local;
    byID("token-row", HTMLElement).hidden = told.open === true;
  } catch {
    // The recipes then show this page's own address.
  }
  showRecipes();
}

async function poll() {
  if (!document.hidden) await refresh();
  setTimeout(poll, POLL);
}

tokenField.value = tokenOf(location.hash);
nameField.addEventListener("input", showRecipes);
tokenField.addEventListener("input", showRecipes);
tabs.addEventListener("keydown", moveTab);
byID("settings", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("hashchange", () => void refresh());
document.addEventListener("visibilitychange", () => document.hidden || void refresh());
Object.assign(window, { headgate: { refresh } });
showRecipes();
void settings();
void poll();
