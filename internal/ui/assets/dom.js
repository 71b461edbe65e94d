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

/** Tells style sheets and tests how the page is doing. @param {string} state */
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
