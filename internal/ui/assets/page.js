// Headgate, MIT licence. What the publish and the watch page share: where they
// are, and the question for a channel when the address has none.
// @ts-check

import { byID, pageState } from "./dom.js";
import { fragmentOf, nameFault, pathOf, placeOf, tokenFault, tokenOf } from "./names.js";
import { Problem } from "./problem.js";

/**
 * Where a page is: the names of its path and the token of its fragment.
 * @param {string} page "/watch" or "/publish"
 * @returns {{ names: string[], token: string, problem: Problem | null }} no names and no problem: ask
 */
export function whereAmI(page) {
  const { names, fault } = placeOf(location.pathname, page);
  const token = tokenOf(location.hash);
  const words = fault || tokenFault(token);
  return { names, token, problem: words ? new Problem({ code: fault ? "bad-name" : "bad-token", detail: words }) : null };
}

/** Asks for a channel and goes there. @param {string} page */
export function askForChannel(page) {
  const form = byID("ask", HTMLFormElement);
  const field = byID("ask-name", HTMLInputElement);
  form.hidden = false;
  field.focus();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fault = nameFault(field.value);
    byID("ask-trouble", HTMLElement).textContent = fault;
    if (!fault) location.assign(`${page}/${pathOf(field.value)}${fragmentOf(tokenOf(location.hash))}`);
  });
  pageState("idle");
}

/** @param {string[]} names @returns {string} for people: "live / anna" */
export const titleOf = (names) => names.join(" / ");

/**
 * Whether a person could cure a problem with another link.
 * @param {Problem} problem
 */
export const wantsToken = (problem) => problem.status === 401 || problem.status === 403;
