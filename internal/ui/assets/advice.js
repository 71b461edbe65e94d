// Headgate, MIT licence. What the gateway says is wrong with a page's session, and
// what to do about it.
// @ts-check

import { el } from "./dom.js";

/** Shows what is wrong. */
export class Advice {
  #shown = "";

  /**
   * @param {HTMLElement[]} places where it is shown
   * @param {import("./report.js").Report} report
   */
  constructor(places, report) {
    this.places = places;
    report.addEventListener("report", () => {
      const diagnosis = report.answer?.diagnosis;
      // While it tries again, what was wrong the last time stays.
      if (diagnosis || !report.answer || report.client()?.state !== "connecting") this.#show(text(diagnosis?.sentence), text(diagnosis?.remedy));
    });
  }

  /** @param {string} sentence @param {string} remedy */
  #show(sentence, remedy) {
    if (this.#shown === sentence + remedy) return;
    this.#shown = sentence + remedy;
    for (const place of this.places) {
      place.hidden = sentence === "";
      place.replaceChildren(el("p", { className: "sentence" }, sentence), el("p", { className: "remedy" }, remedy));
    }
  }
}

/** @param {unknown} value @returns {string} at most one short paragraph */
const text = (value) => (typeof value === "string" ? value.slice(0, 500) : "");
