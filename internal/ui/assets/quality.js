// Headgate, MIT licence. The menu of layers on the watch page.
// @ts-check

import { byID, el } from "./dom.js";
import { asProblem } from "./problem.js";
import { show } from "./stats.js";

/** @typedef {import("./layers.js").PlayLayer} PlayLayer */

/** A button and its menu; hidden where there is nothing to choose. */
export class Quality {
  #button = byID("quality", HTMLButtonElement);
  #menu = byID("qualities", HTMLElement);
  /** Which layers the menu has, so that it is not rebuilt under somebody's finger. */
  #shown = "";

  /**
   * @param {() => import("./whep.js").WHEPClient | null} client
   * @param {(text: string) => void} announce tells who cannot see
   */
  constructor(client, announce) {
    this.client = client;
    this.announce = announce;
    this.#button.addEventListener("click", () => this.toggle());
    this.#menu.addEventListener("keydown", (event) => this.#key(event));
    this.#menu.addEventListener("click", (event) => event.target instanceof Element && void this.#choose(event.target.closest("button")));
    document.addEventListener("pointerdown", (event) => event.target instanceof Node && !this.#menu.contains(event.target) && !this.#button.contains(event.target) && this.#close(false));
    this.#menu.addEventListener("focusout", ({ relatedTarget }) => relatedTarget instanceof Node && !this.#menu.contains(relatedTarget) && relatedTarget !== this.#button && this.#close(false));
  }

  /** Opens the menu, or closes it. */
  toggle() {
    if (!this.#menu.hidden) return this.#close(true);
    if (this.#button.hidden) return;
    this.#menu.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    const items = this.#items();
    (items.find((item) => item.ariaChecked === "true") ?? items[0])?.focus();
  }

  /** Shows what there is to choose now. */
  update() {
    const client = this.client();
    const layers = client?.layers ?? [];
    const possible = Boolean(client?.selectable) && layers.length > 1;
    this.#button.hidden = !possible;
    if (!possible) return this.#close(false);
    const names = layers.map((l) => `${l.rid}/${l.spatial ?? ""}`).join();
    if (names !== this.#shown) this.#build(layers);
    this.#shown = names;
    this.#refresh(layers, client?.selection ?? {});
  }

  /** @param {PlayLayer[]} layers */
  #build(layers) {
    const at = this.#items().findIndex((item) => item === document.activeElement);
    this.#menu.replaceChildren(...layers.map((_, i) => item(String(i))).reverse(), item(""));
    if (at >= 0) this.#items()[at]?.focus();
  }

  /** @param {PlayLayer[]} layers @param {import("./layers.js").Selection} selection */
  #refresh(layers, selection) {
    const chosen = layers.findIndex((l) => l.rid === (selection.rid ?? "") && l.spatial === selection.spatialLayerId);
    for (const item of this.#items()) {
      const layer = item.value === "" ? null : layers[Number(item.value)];
      const [label, note] = item.children;
      put(label, layer ? labelOf(layer) : "Automatic");
      put(note, layer ? noteOf(layer) : "as your network allows");
      item.ariaChecked = String(item.value === (chosen < 0 ? "" : String(chosen)));
      item.ariaDisabled = String(layer?.bitrate === 0);
    }
  }

  #items() {
    return [...this.#menu.querySelectorAll("button")];
  }

  /** @param {HTMLButtonElement | null} chosen */
  async #choose(chosen) {
    const client = this.client();
    if (!chosen || !client || chosen.ariaDisabled === "true") return;
    const layer = chosen.value === "" ? undefined : client.layers[Number(chosen.value)];
    this.#close(true);
    try {
      await client.selectLayer(layer);
      this.announce(layer ? `Picture size ${labelOf(layer)}.` : "Picture size automatic.");
    } catch (refusal) {
      this.announce(asProblem(refusal).message);
    }
    this.update();
  }

  /** @param {boolean} back whether the button gets the focus */
  #close(back) {
    if (this.#menu.hidden) return;
    this.#menu.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (back) this.#button.focus();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items();
    const at = items.findIndex((item) => item === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === "Escape") this.#close(true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {string} value index of a layer; empty for automatic */
const item = (value) => el("button", { type: "button", value, role: "menuitemradio", tabIndex: -1 }, el("span"), " ", el("small"));

/** @param {Element} place @param {string} text */
const put = (place, text) => place.textContent !== text && (place.textContent = text);

/** @param {PlayLayer} layer */
export const labelOf = (layer) => (layer.height ? show.size(layer) : layer.rid || `layer ${layer.spatial ?? "?"}`);

/** @param {PlayLayer} layer */
const noteOf = (layer) => (layer.bitrate ? show.rate(layer.bitrate) : "not sent now");
