// Headgate, MIT licence. The little of the DOM the pages need. Text goes in as
// text only: names and sentences from outside are hostile.
// @ts-check

/**
 * An element of the page that must be there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byID(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} #${id}`);
  return found;
}

/**
 * Makes an element. Properties are set as properties, "data-" and "aria-" ones
 * and role as attributes; strings among the children become text.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/^(data-|aria-)|^(role|for)$/.test(name)) made.setAttribute(name, String(value));
    else Reflect.set(made, name, value);
  }
  made.append(...children);
  return made;
}

/** Drawings on 24 by 24, of strokes. */
const ICONS = {
  silent: "M15 9.500V6a3 3 0 0 0-6-.6M9 10v1a3 3 0 0 0 4.800 2.400M5.500 11.500a6.500 6.500 0 0 0 10.800 4.900M18 13.800q.5-1.100.5-2.300M12 18v3M4 3.500l16 17",
  sound: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.500 11.500a6.500 6.500 0 0 0 13 0M12 18v3",
  large: "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5",
  remove: "M10 8.500a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM1.500 19a5.500 5.500 0 0 1 11 0M15.500 9l5.500 5.500M21 9l-5.500 5.500",
};

/** @param {keyof ICONS} name @returns {SVGElement} hidden from readers: what it is on has a name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Tells style sheets and tests how the page is doing; "loading" until its script has run, when no button does anything yet. @param {string} state */
export function pageState(state) {
  document.documentElement.dataset.state = state;
}

/**
 * A button that copies.
 * @param {() => string} text asked when pressed
 * @param {string} label what is copied, for people who do not see it
 * @param {string} [caption] what stands on it
 * @returns {HTMLButtonElement}
 */
export function copyButton(text, label, caption = "Copy") {
  const button = el("button", { type: "button", className: "copy", "aria-label": `Copy ${label}` }, caption);
  button.addEventListener("click", async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => (button.textContent = caption), 2000);
  });
  return button;
}

/** @param {string} text @returns {Promise<boolean>} whether it is on the clipboard */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text); // pages without HTTPS have no clipboard
  }
}

/** @param {string} text @returns {boolean} */
function copyOldWay(text) {
  const area = el("textarea", { value: text, className: "offscreen", readOnly: true });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
