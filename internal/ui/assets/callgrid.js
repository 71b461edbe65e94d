// Headgate, MIT licence. The grid of a call: who has a tile, how large it is, and what
// the gateway is told of that.
// @ts-check

import { arrangement } from "./callplan.js";
import { Tile } from "./calltile.js";
import { grid, stage } from "./arrange.js";
import { byID } from "./dom.js";

/** @typedef {import("./callplan.js").Seat} Seat */
/** @typedef {import("./slots.js").Slot} Slot */

/** How many new tiles one frame may make: a crowd that joins at once must not stop the page. */
const BATCH = 1;

/** Dispatches "pin" (detail: a Seat, or null) when somebody chooses a tile, "silenced" when the browser wants a gesture. */
export class Grid extends EventTarget {
  #box = byID("grid", HTMLElement);
  /** @type {Map<string, Tile>} */
  #tiles = new Map();
  #rest = new Tile("");
  #due = false;
  #muted = false;
  /** What was shown last, for tests and for who asks. @type {Seat[]} */
  seats = [];

  /** @param {() => import("./callplan.js").Situation | null} situation null outside of a call */
  constructor(situation) {
    super();
    this.situation = situation;
    this.#rest.element.classList.add("rest");
    new ResizeObserver(() => this.update()).observe(this.#box);
    document.addEventListener("visibilitychange", () => this.update());
    setInterval(() => this.#tick(), 1000);
    this.#rest.button.addEventListener("click", () => this.dispatchEvent(new Event("more")));
  }

  /** Shows how things are, soon: many changes are one. */
  update() {
    if (this.#due) return;
    this.#due = true;
    const draw = () => {
      this.#due = false;
      this.#draw();
    };
    if (document.hidden) setTimeout(draw, 50);
    else requestAnimationFrame(draw);
  }

  /** Lets everybody be heard; call it from a gesture. */
  unmute() {
    this.#muted = false;
    for (const tile of this.#tiles.values()) tile.video.muted = tile.key.startsWith("own ");
    for (const tile of this.#tiles.values()) void tile.play();
  }

  /** Where sound is to come out. @param {string} id of a device */
  async speaker(id) {
    this.sink = id;
    for (const tile of this.#tiles.values()) await hear(tile, id);
  }
  sink = "";

  /** Forgets everybody. */
  clear() {
    for (const tile of this.#tiles.values()) tile.remove();
    this.#tiles.clear();
    this.#rest.element.remove();
    this.seats = [];
  }

  #draw() {
    const now = this.situation();
    const { width, height } = this.#box.getBoundingClientRect();
    if (width === 0 || !now) return;
    const plan = arrangement(now, width < 600 ? 8 : 16);
    this.seats = plan.seats;
    const box = { x: 0, y: 0, width, height };
    const waiting = this.#make(plan.large ? [plan.large, ...plan.seats] : plan.seats);
    const shown = plan.seats.filter((seat) => this.#tiles.has(seat.key));
    const extra = plan.more > 0 ? 1 : 0;
    if (plan.large) {
      const others = shown.filter((seat) => seat !== plan.large);
      const { large, small } = stage(others.length + extra, box);
      const fits = Math.min(small.length, others.length + extra);
      const cut = others.length + extra > fits || extra;
      const visible = cut ? Math.max(0, fits - 1) : others.length;
      this.#place(now, [[plan.large, large], ...others.map((seat, i) => /** @type {[Seat, any]} */ ([seat, i < visible ? small[i] : null]))]);
      this.#showRest(cut ? plan.more + others.length - visible : 0, cut ? small[fits - 1] : null);
    } else {
      const boxes = grid(shown.length + extra, box);
      this.#place(now, shown.map((seat, i) => [seat, boxes[i]]));
      this.#showRest(plan.more, extra ? boxes[shown.length] : null);
    }
    if (waiting) this.update();
  }

  /** Makes and removes tiles. @param {Seat[]} seats in the order of making @returns {boolean} whether more are to be made */
  #make(seats) {
    const wanted = new Set(seats.map((seat) => seat.key));
    for (const [key, tile] of this.#tiles) {
      if (wanted.has(key)) continue;
      tile.remove();
      this.#tiles.delete(key);
    }
    const missing = [...wanted].filter((key) => !this.#tiles.has(key));
    for (const key of missing.slice(0, BATCH)) this.#tiles.set(key, this.#tile(key));
    return missing.length > BATCH;
  }

  /** @param {string} key */
  #tile(key) {
    const tile = new Tile(key);
    tile.video.muted = this.#muted || key.startsWith("own ");
    tile.button.addEventListener("click", () => this.dispatchEvent(new CustomEvent("pin", { detail: this.seats.find((seat) => seat.key === key) ?? null })));
    tile.video.addEventListener("pause", () => void this.#hear(tile));
    if (this.sink) void hear(tile, this.sink);
    this.#box.append(tile.element);
    return tile;
  }

  /** @param {import("./callplan.js").Situation} now @param {[Seat, import("./arrange.js").Box | null][]} places */
  #place(now, places) {
    for (const [seat, box] of places) {
      const tile = this.#tiles.get(seat.key);
      if (!tile) continue;
      tile.place(box);
      const { stream } = tile.video.srcObject === seat.look.stream ? { stream: null } : seat.look;
      tile.show(seat.look);
      if (stream) void this.#hear(tile);
      now.fit(seat, document.hidden ? null : box, devicePixelRatio);
    }
  }

  /** @param {Tile} tile */
  async #hear(tile) {
    if (!tile.element.isConnected || !tile.video.srcObject || (await tile.play())) return;
    this.#muted = true;
    for (const one of this.#tiles.values()) one.video.muted = true;
    this.dispatchEvent(new Event("silenced"));
    await tile.play();
  }

  /** Plays what a slot got. @param {Slot} slot */
  took(slot) {
    for (const tile of this.#tiles.values()) if (tile.video.srcObject === slot.stream) void this.#hear(tile);
  }

  /** @param {number} count @param {import("./arrange.js").Box | null} box */
  #showRest(count, box) {
    if (!box || count < 1) return this.#rest.element.remove();
    if (!this.#rest.element.isConnected) this.#box.append(this.#rest.element);
    this.#rest.show({ name: `+${count} more`, note: "", stream: null, picture: false, silent: false, speaking: false, score: undefined, mirrored: false, own: true, whole: false, pinned: false });
    this.#rest.button.setAttribute("aria-label", `${count} more: show the list of people`);
    this.#rest.button.removeAttribute("aria-pressed");
    this.#rest.place(box);
  }

  #tick() {
    if (document.hidden) return;
    const now = performance.now();
    for (const tile of this.#tiles.values()) tile.look(now);
  }
}

/** @param {Tile} tile @param {string} id */
async function hear(tile, id) {
  try {
    await /** @type {any} */ (tile.video).setSinkId?.(id);
  } catch {
    // That loudspeaker has gone; the usual one plays.
  }
}
