// Headgate, MIT licence. What WHIP and WHEP need to do with SDP as text.
// Part of the modules that may be copied; pure functions, imports nothing.
// @ts-check

/**
 * @typedef {object} IceView what a fragment repeats of an offer
 * @property {string} ufrag
 * @property {string} pwd
 * @property {string} options value of ice-options, empty without
 * @property {string} group the a=group:BUNDLE line, empty without
 * @property {string} media the m= line of the section that carries the transport
 * @property {string} mid its mid
 */

/** @param {string} sdp @returns {string[]} */
const lines = (sdp) => sdp.split(/\r\n|\r|\n/).filter((line) => line !== "");

/** @param {string[]} all @param {string} prefix @returns {string} */
const valueOf = (all, prefix) => (all.find((line) => line.startsWith(prefix)) ?? "").slice(prefix.length);

/**
 * Reads the ICE side of a local description.
 * @param {string} sdp
 * @returns {IceView}
 */
export function iceView(sdp) {
  const all = lines(sdp);
  const group = all.find((line) => line.startsWith("a=group:BUNDLE")) ?? "";
  const mid = group.split(" ")[1] ?? valueOf(all, "a=mid:");
  const section = sections(all).find((s) => s.includes(`a=mid:${mid}`)) ?? sections(all)[0] ?? [];
  const find = (/** @type {string} */ prefix) => valueOf(section, prefix) || valueOf(all, prefix);
  return {
    ufrag: find("a=ice-ufrag:"), pwd: find("a=ice-pwd:"), options: find("a=ice-options:"),
    group, media: section[0] ?? "m=audio 9 RTP/AVP 0", mid,
  };
}

/** @param {string[]} all @returns {string[][]} the media sections, each with its m= line first */
function sections(all) {
  /** @type {string[][]} */
  const found = [];
  for (const line of all) {
    if (line.startsWith("m=")) found.push([]);
    found.at(-1)?.push(line);
  }
  return found;
}

/**
 * Writes the body of a PATCH (RFC 8840 section 9): candidates, or with none of
 * them a request for an ICE restart.
 * @param {IceView} ice
 * @param {string[]} candidates "candidate:…" as RTCIceCandidate has them
 * @param {boolean} complete no more will follow
 * @returns {string} application/trickle-ice-sdpfrag
 */
export function fragment(ice, candidates, complete) {
  const out = [];
  if (ice.options) out.push(`a=ice-options:${ice.options}`);
  if (ice.group) out.push(ice.group);
  out.push(ice.media, `a=mid:${ice.mid}`, `a=ice-ufrag:${ice.ufrag}`, `a=ice-pwd:${ice.pwd}`);
  for (const candidate of candidates) out.push(`a=${candidate.replace(/^a=/, "")}`);
  if (complete) out.push("a=end-of-candidates");
  return out.join("\r\n") + "\r\n";
}

/**
 * The remote description after an ICE restart: the old answer with the
 * credentials and candidates of the fragment; nothing else changes
 * (RFC 9725 section 4.3.3).
 * @param {string} answer
 * @param {string} restarted the body of the 200
 * @returns {string}
 */
export function withFragment(answer, restarted) {
  const news = lines(restarted);
  const ufrag = valueOf(news, "a=ice-ufrag:");
  const pwd = valueOf(news, "a=ice-pwd:");
  if (!ufrag || !pwd) throw new SyntaxError("the answer to the ICE restart has no credentials");
  const fresh = news.filter((line) => line.startsWith("a=candidate:") || line === "a=end-of-candidates");
  const out = [];
  let placed = false;
  let rejected = false;
  for (const line of lines(answer)) {
    if (line.startsWith("a=candidate:") || line === "a=end-of-candidates") continue;
    if (line.startsWith("m=")) rejected = line.split(" ")[1] === "0";
    if (line.startsWith("a=ice-ufrag:")) out.push(`a=ice-ufrag:${ufrag}`);
    else if (line.startsWith("a=ice-pwd:")) out.push(`a=ice-pwd:${pwd}`);
    else out.push(line);
    if (!placed && !rejected && line.startsWith("a=mid:")) {
      out.push(...fresh);
      placed = true;
    }
  }
  return out.join("\r\n") + "\r\n";
}

/** Whether a section brings anything. @param {string[]} section */
const used = (section) => section[0].split(" ")[1] !== "0" && !section.includes("a=inactive");

/**
 * Rejects the sections of an answer that are not wanted: browsers can only make them
 * inactive, which WHEP forbids.
 * @param {string} answer
 * @returns {string}
 */
export function withoutIdle(answer) {
  const all = lines(answer);
  const idle = sections(all).filter((section) => !used(section));
  const mids = idle.map((section) => valueOf(section, "a=mid:"));
  const out = all.map((line) => {
    if (idle.some(([media]) => media === line)) return line.replace(/^(m=\S+) \d+/, "$1 0");
    if (!line.startsWith("a=group:BUNDLE")) return line;
    return line.split(" ").filter((word) => !mids.includes(word)).join(" ");
  });
  return out.join("\r\n") + "\r\n";
}

/**
 * A server's offer as the answer that would have agreed the same, to repair ICE with.
 * @param {string} offer
 * @param {string} ours our answer to it
 * @returns {string} cut down to what we took, with the other role in DTLS
 */
export function asAnswer(offer, ours) {
  const mine = lines(withoutIdle(ours));
  const setup = valueOf(mine, "a=setup:") === "passive" ? "active" : "passive";
  const answers = sections(mine);
  /** @type {string[] | undefined} */
  let answer;
  const out = [];
  for (const line of lines(offer)) {
    if (line.startsWith("m=")) {
      answer = answers.shift();
      // Our port is 0 where we rejected it, and our formats are those that are left.
      out.push(answer?.[0] ?? line);
    } else if (line.startsWith("a=group:BUNDLE")) out.push(mine.find((l) => l.startsWith("a=group:BUNDLE")) ?? line);
    else if (line.startsWith("a=setup:")) out.push(`a=setup:${setup}`);
    else if (!answer || takes(answer, line)) out.push(line);
  }
  return out.join("\r\n") + "\r\n";
}

/**
 * Whether what a line of an offer names is in the answer too.
 * @param {string[]} section of the answer
 * @param {string} line
 */
function takes(section, line) {
  const [, payload] = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /.exec(line) ?? [];
  if (payload) return section[0].split(" ").slice(3).includes(payload);
  const [, id, uri] = /^a=extmap:(\d+)\S* (\S+)/.exec(line) ?? [];
  return !id || section.some((l) => l.startsWith(`a=extmap:${id}`) && l.split(" ")[1] === uri);
}

/**
 * Asks for stereo Opus: Chromium mixes down to one channel unless the
 * description of the receiving side says stereo=1.
 * @param {string} sdp
 * @param {number} [bitsPerSecond] maxaveragebitrate; 0 leaves it alone
 * @returns {string}
 */
export function withStereo(sdp, bitsPerSecond = 0) {
  const opus = [...sdp.matchAll(/^a=rtpmap:(\d+) opus\/48000\/2\s*$/gim)].map((match) => match[1]);
  let out = sdp;
  for (const payload of opus) {
    const line = new RegExp(`^a=fmtp:${payload} ([^\\r\\n]*)`, "m");
    const extra = ";stereo=1;sprop-stereo=1" + (bitsPerSecond ? `;maxaveragebitrate=${bitsPerSecond}` : "");
    const keep = (/** @type {string} */ parameters) => parameters.split(";").map((p) => p.trim())
      .filter((p) => p && !/^(sprop-)?stereo=/i.test(p) && !(bitsPerSecond && /^maxaveragebitrate=/i.test(p))).join(";");
    out = line.test(out)
      ? out.replace(line, (_, parameters) => `a=fmtp:${payload} ${(keep(parameters) + extra).replace(/^;/, "")}`)
      : out.replace(new RegExp(`^(a=rtpmap:${payload} [^\\r\\n]*)`, "m"), (rtpmap) => `${rtpmap}\r\na=fmtp:${payload} ${extra.slice(1)}`);
  }
  return out;
}

/**
 * The ICE servers of Link header fields (RFC 9725 section 4.6, RFC 8288).
 * @param {string | null} header as Headers.get returns it, lines joined by commas
 * @returns {RTCIceServer[]}
 */
export function iceServersOf(header) {
  /** @type {RTCIceServer[]} */
  const servers = [];
  for (const link of linksOf(header ?? "")) {
    if (link.parameters.get("rel") !== "ice-server" || !/^(stun|turn)s?:/i.test(link.target)) continue;
    const username = link.parameters.get("username");
    const credential = link.parameters.get("credential");
    servers.push(username !== undefined && credential !== undefined ? { urls: link.target, username, credential } : { urls: link.target });
  }
  return servers;
}

/**
 * @param {string} header
 * @returns {{target: string, parameters: Map<string, string>}[]}
 */
export function linksOf(header) {
  const found = [];
  const link = /<([^>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
  const parameter = /;\s*([\w*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?/g;
  for (const [, target, rest] of header.matchAll(link)) {
    /** @type {Map<string, string>} */
    const parameters = new Map();
    for (const [, name, quoted, plain] of rest.matchAll(parameter)) {
      const key = name.toLowerCase();
      if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "");
    }
    found.push({ target, parameters });
  }
  return found;
}
