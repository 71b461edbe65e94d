// Headgate, MIT licence. Names in addresses: the one place where a page turns a
// path into names and names into a path. The gateway applies the same rule.
// @ts-check

/** The characters a name may have: letters, digits, space and these marks. */
const LEGAL = /^[A-Za-z0-9 !#$%&()+\-:;<=.,>?@[\]^_{|}~"]*$/;

/** The longest name in bytes; every legal character is one byte. */
export const MAX_NAME = 64;

/**
 * Says what is wrong with a name.
 * @param {string} name
 * @returns {string} a sentence, empty when the name is fine
 */
export function nameFault(name) {
  if (name === "") return "A name must not be empty.";
  if (!LEGAL.test(name)) return "A name may have letters, digits, spaces and ! # $ % & ( ) + - : ; < = . , > ? @ [ ] ^ _ { | } ~ \" and nothing else.";
  if (name.length > MAX_NAME) return `A name may have at most ${MAX_NAME} characters.`;
  if (name !== name.trim()) return "A name must not begin or end with a space.";
  if (/^\.+$/.test(name)) return "A name must not be dots only.";
  return "";
}

/**
 * @typedef {object} Place
 * @property {string[]} names channel, then perhaps participant, then perhaps source
 * @property {string} fault a sentence when the path names no place, else empty
 */

/**
 * Reads the names from a page's path, each segment unescaped once.
 * @param {string} pathname escaped, as in location.pathname
 * @param {string} page "/watch" or "/publish"
 * @returns {Place} names is empty, without a fault, when the path has none
 */
export function placeOf(pathname, page) {
  const rest = pathname.slice(page.length).replace(/^\//, "");
  if (rest === "") return { names: [], fault: "" };
  const segments = rest.split("/");
  if (segments.length > 3) return { names: [], fault: "This address has too many parts: channel, participant and source are all." };
  const names = segments.map(unescapeSegment);
  const fault = names.map((name) => (name === null ? "This address is not escaped correctly." : nameFault(name))).find((f) => f !== "");
  return fault ? { names: [], fault } : { names: names.map(String), fault: "" };
}

/** @param {string} segment @returns {string | null} */
function unescapeSegment(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

/**
 * Prints names for an address.
 * @param {...string} names
 * @returns {string} "live/anna", escaped
 */
export function pathOf(...names) {
  return names.map(encodeURIComponent).join("/");
}

/**
 * The token of a link. It stands in the fragment, which browsers send to nobody.
 * @param {string} hash as in location.hash
 * @returns {string} empty when there is none
 */
export function tokenOf(hash) {
  for (const pair of hash.replace(/^#/, "").split("&")) {
    if (pair.startsWith("token=")) return unescapeSegment(pair.slice("token=".length)) ?? "";
  }
  return "";
}

/**
 * The fragment that carries a token to another page.
 * @param {string} token
 * @returns {string} empty without a token
 */
export function fragmentOf(token) {
  return token ? `#token=${encodeURIComponent(token)}` : "";
}

/**
 * Whether a token can be sent at all (RFC 6750 section 2.1).
 * @param {string} token
 */
export function tokenFault(token) {
  return token === "" || /^[A-Za-z0-9\-._~+/]+=*$/.test(token) ? "" : "The token in this link is damaged: it has characters no token has. Copy the whole link again.";
}

/** Invents a participant for somebody without a token: "guest-" and 8 characters. */
export function guestName() {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return "guest-" + Array.from(bytes, (b) => alphabet[b % alphabet.length]).join("");
}
