// Headgate, MIT licence. What the check page makes of what it measured: findings
// with a remedy each, one sentence above them, and the report to copy. Pure.
// @ts-check

import { show } from "./stats.js";

/** @typedef {import("./loop.js").Loop} Loop */
/** @typedef {import("./loop.js").Kind} Kind */

/**
 * @typedef {object} Finding
 * @property {string} id
 * @property {string} title
 * @property {"ok" | "note" | "warning" | "fault"} level
 * @property {string} text a sentence
 * @property {string} remedy what to do; empty where all is well
 * @property {[string, string][]} [numbers]
 */

/** @type {Record<Kind, string>} */
const TITLES = { udp: "UDP", tcp: "TCP", turn: "TURN relay" };

/** From here on people notice. */
const MUCH_LOSS = 0.02;
const MUCH_DELAY = 800;

/** Whether media went round. @param {Loop | undefined} loop */
const works = (loop) => Boolean(loop && !loop.problem);

/** Whether the gateway refused over HTTP, so that nothing was learnt of the path. @param {Loop | undefined} loop */
export const refused = (loop) => Boolean(loop?.problem && !["blocked", "no-media", "no-turn", "not-offered"].includes(loop.problem.code));

/**
 * The findings of all loops that were run.
 * @param {Loop[]} loops
 * @returns {Finding[]}
 */
export function findings(loops) {
  return loops.map((loop) => (works(loop) ? good(loop) : bad(loop, loops)));
}

/** @param {Loop} loop @returns {Finding} */
function good(loop) {
  const base = { id: loop.kind, title: TITLES[loop.kind], numbers: rows(loop) };
  if ((loop.loss ?? 0) > MUCH_LOSS) {
    return { ...base, level: "warning", text: `Works, but ${show.share(loop.loss)} of the packets were lost.`, remedy: "Use a cable instead of Wi-Fi, or another network; end other downloads. If it stays, the gateway's own connection is too narrow." };
  }
  if ((loop.delay ?? 0) > MUCH_DELAY) {
    return { ...base, level: "note", text: `Works, with a delay of ${show.time(loop.delay)}.`, remedy: "A computer that is busy, or a far gateway. Close other programs and tabs and check again." };
  }
  return { ...base, level: "ok", text: `Works: media can pass ${show.time(loop.connect)} after the request.`, remedy: "" };
}

/** @param {Loop} loop @returns {[string, string][]} */
const rows = (loop) => [
  ["Connected after", show.time(loop.connect)], ["Round trip", show.time(loop.rtt)], ["Delay of the picture", show.time(loop.delay)],
  ["Loss", show.share(loop.loss)], ["Path", loop.path || "–"],
];

/** @param {Loop} loop @param {Loop[]} loops @returns {Finding} */
function bad(loop, loops) {
  const base = { id: loop.kind, title: TITLES[loop.kind] };
  const another = loops.some(works);
  const { code = "", message = "", status = 0 } = loop.problem ?? {};
  const tried = loop.tried.length ? ` Tried ${loop.tried.slice(0, 4).join(", ")}.` : "";
  if (code === "no-turn") return { ...base, level: "note", text: message, remedy: "Needed only for networks that let neither UDP nor TCP to the media port through. The gateway's configuration names a relay (ice_servers), or is one." };
  if (code === "not-offered") return { ...base, level: "note", text: message, remedy: "The gateway's configuration: media.tcp, and its public addresses." };
  if (code === "no-media") return { ...base, level: "fault", text: `${message}${tried}`, remedy: "A firewall that lets small packets through and large ones not (the MTU of a VPN), or a channel somebody else uses. Try another channel, and without the VPN." };
  if (code === "blocked") return blocked(loop, base, tried, another);
  return { ...base, level: "fault", text: message, remedy: advice(status) };
}

/** @param {Loop} loop @param {{ id: string, title: string }} base @param {string} tried @param {boolean} another @returns {Finding} */
function blocked(loop, base, tried, another) {
  /** @type {Record<Kind, string>} */
  const remedies = {
    udp: "Let UDP to the gateway's media port through in the firewall of this network, and in the one of the gateway (with Docker: publish the port by UDP). The addresses must be the gateway's public ones: --public-ip.",
    tcp: "Let TCP to the gateway's media port through as well: it is what is left where UDP is blocked. With Docker, publish the port by TCP.",
    turn: "Let the relay's port through (443 by TLS passes most firewalls), and see that the relay runs.",
  };
  const level = !another ? "fault" : loop.kind === "udp" ? "warning" : "note";
  return { ...base, level, text: `Blocked: no connection came about.${tried}`, remedy: remedies[loop.kind] };
}

/** @param {number} status */
function advice(status) {
  if (status === 401) return "Paste a token that may publish and play; whoever runs the gateway makes one: headgate token --publish 'check-*' --play 'check-*'.";
  if (status === 403) return "Ask for a token that may publish and play this channel, or name a channel that yours opens and nobody uses: headgate token --publish 'check-*' --play 'check-*'.";
  if (status === 409) return "Somebody uses this channel. Take another name.";
  if (status === 421) return "Open this page by the name the gateway knows, or add this one to its configuration: http.hosts.";
  if (status === 429 || status === 503) return "Wait a minute and check again.";
  if (status === 502 || status === 504) return "Whoever runs the gateway: look at the proxy in front, and that the gateway runs.";
  return "Reload the page and check again; if it stays, send the report to whoever runs the gateway.";
}

/**
 * One sentence about the way to the gateway.
 * @param {Loop[]} loops
 * @returns {{ text: string, level: Finding["level"] }}
 */
export function verdict(loops) {
  const of = (/** @type {Kind} */ kind) => loops.find((l) => l.kind === kind);
  const [udp, tcp, turn] = [works(of("udp")), works(of("tcp")), works(of("turn"))];
  if (!udp && !tcp && !turn && loops.some(refused)) return { level: "fault", text: "The check could not be made: the gateway refused." };
  if (udp) return { level: "ok", text: tcp || turn ? `UDP works, and ${tcp ? "TCP" : "TURN"} too: live video works from here.` : "UDP works: live video works from here." };
  if (tcp) return { level: "warning", text: "UDP blocked, TCP works: live video works from here, but it stutters more when packets are lost." };
  if (turn) return { level: "warning", text: "UDP and TCP blocked, TURN works: live video works from here, by the relay." };
  return { level: "fault", text: "Nothing gets through: the page is reached, and media is not." };
}

/**
 * The report as text, without the token.
 * @param {{ verdict: string, findings: Finding[], page: string, agent: string, time: string }} all
 * @returns {string}
 */
export function report({ verdict: sentence, findings: list, page, agent, time }) {
  const lines = [`Headgate check of ${page}, ${time}`, agent, "", sentence, ""];
  for (const f of list) {
    lines.push(`[${f.level}] ${f.title}: ${f.text}`);
    for (const [name, value] of f.numbers ?? []) lines.push(`    ${name}: ${value}`);
    if (f.remedy) lines.push(`    > ${f.remedy}`);
  }
  return `${lines.join("\n")}\n`;
}
