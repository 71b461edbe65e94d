// Headgate, MIT licence. What the states of a connection mean, and waiting for them.
// Part of the modules that may be copied, with problem.js beside it.
// @ts-check

import { Problem } from "./problem.js";

/**
 * Waits; a network that comes back ends the wait early.
 * @param {number} ms
 * @param {AbortSignal} signal ends it too
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, signal.aborted ? 0 : ms);
    addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}

/**
 * Waits until a connection is in the wanted state.
 * @param {RTCPeerConnection} pc
 * @param {() => boolean} wanted
 * @param {AbortSignal} signal
 * @param {number} [ms] no limit without
 * @param {EventTarget | null} [resource] watched too
 * @returns {Promise<boolean>} false when the time is up
 */
export function until(pc, wanted, signal, ms = 0, resource = null) {
  return new Promise((resolve, reject) => {
    const watched = [pc, signal, ...transportsOf(pc), ...(resource ? [resource] : [])];
    const names = ["connectionstatechange", "iceconnectionstatechange", "statechange", "abort"];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const settle = (/** @type {() => void} */ tell) => {
      clearTimeout(timer);
      for (const target of watched) for (const name of names) target.removeEventListener(name, look);
      tell();
    };
    const look = () => {
      if (signal.aborted) settle(() => reject(new DOMException("stopped", "AbortError")));
      else if (wanted()) settle(() => resolve(true));
    };
    for (const target of watched) for (const name of names) target.addEventListener(name, look);
    if (ms) timer = setTimeout(() => settle(() => resolve(wanted())), ms);
    look();
  });
}

/** @param {RTCPeerConnection} pc @returns {RTCDtlsTransport[]} */
function transportsOf(pc) {
  const all = pc.getTransceivers().map((t) => t.receiver.transport ?? t.sender.transport);
  return [...new Set(all.filter((t) => t !== null && t !== undefined))];
}

/** Whether the other side said goodbye (DTLS close_notify). @param {RTCPeerConnection} pc */
export function hungUp(pc) {
  return pc.connectionState === "closed" || transportsOf(pc).some((t) => t.state === "closed");
}

/**
 * HTTP works and media does not: the most frequent trouble there is.
 * @param {RTCPeerConnection} pc
 * @returns {Problem}
 */
export function noPath(pc) {
  const found = [...(pc.remoteDescription?.sdp ?? "").matchAll(/^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+)/gm)];
  const tried = [...new Set(found.map(([, protocol, address, port]) => `${protocol.toLowerCase()} ${address} port ${port}`))];
  const where = tried.length ? ` Tried ${tried.slice(0, 4).join(", ")}.` : "";
  return new Problem({
    code: "media-unreachable",
    detail: `The gateway answered, but no media can pass between it and this browser.${where} A firewall may block these ports, or the gateway does not know its public address.`,
  });
}
