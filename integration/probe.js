// Runs in every page under test before the page's own scripts, and only watches: it keeps the page's connections, requests and complaints, and
// samples the connections' statistics. Pages know nothing of it, so any page and any client library can be measured.
(() => {
  if (window.headgateProbe) return;
  const probe = { connections: [], requests: [], log: [] };
  window.headgateProbe = probe;
  const sampleEvery = 50; // ms; statistics are cached for about as long
  const note = (...words) => probe.log.push(words.map((word) => (word instanceof Error ? word.stack || String(word) : String(word))).join(" "));

  for (const level of ["error", "warn"]) {
    const native = console[level];
    console[level] = (...words) => { note(level, ...words); native.apply(console, words); };
  }
  addEventListener("error", (event) => note("uncaught", event.message, event.filename, event.lineno));
  addEventListener("unhandledrejection", (event) => note("unhandled", event.reason));
  addEventListener("securitypolicyviolation", (event) => note("policy", event.violatedDirective, event.blockedURI));

  const nativeFetch = window.fetch;
  window.fetch = async function (resource, options) {
    const request = { method: (options && options.method) || (resource && resource.method) || "GET", url: String((resource && resource.url) || resource), start: performance.now(), status: 0 };
    probe.requests.push(request);
    request.session = Boolean(options && /^v=0/.test(String(options.body)));
    try {
      const response = await nativeFetch.apply(window, arguments);
      request.status = response.status;
      request.took = performance.now() - request.start;
      return response;
    } catch (error) {
      request.failed = String(error);
      throw error;
    }
  };

  // headgateCodec = "VP9" makes connections offer that video codec only, whoever makes them.
  const limitCodec = (transceiver, kind) => {
    if (!window.headgateCodec || kind !== "video") return;
    const wanted = ("video/" + window.headgateCodec).toLowerCase();
    const extra = ["video/rtx", "video/red", "video/ulpfec"];
    const codecs = RTCRtpReceiver.getCapabilities("video").codecs.filter((codec) => [wanted, ...extra].includes(codec.mimeType.toLowerCase()));
    transceiver.setCodecPreferences(codecs);
  };

  const Native = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(...args) {
      super(...args);
      const connection = { pc: this, made: performance.now(), video: null, audio: null, sent: [], longestGap: 0, silentFor: 0, firstPicture: 0, lastPicture: 0, tracks: [] };
      probe.connections.push(connection);
      this.addEventListener("track", (event) => connection.tracks.push(event.track));
      this.addEventListener("connectionstatechange", () => { if (this.connectionState === "connected") connection.connected ??= performance.now(); });
      const timer = setInterval(async () => {
        if (this.connectionState === "closed") { clearInterval(timer); return; }
        await sample(connection);
      }, sampleEvery);
    }
    addTransceiver(track, options) {
      const transceiver = super.addTransceiver(track, options);
      limitCodec(transceiver, typeof track === "string" ? track : track.kind);
      return transceiver;
    }
    addTrack(track, ...streams) {
      const sender = super.addTrack(track, ...streams);
      limitCodec(this.getTransceivers().find((transceiver) => transceiver.sender === sender), track.kind);
      return sender;
    }
  };

  const sample = async (connection) => {
    if (connection.busy) return;
    connection.busy = true;
    try {
      const stats = await connection.pc.getStats();
      connection.sent = [];
      for (const report of stats.values()) take(connection, report, stats);
    } finally {
      connection.busy = false;
    }
  };

  const codecName = (report, stats) => {
    const codec = stats.get(report.codecId);
    return codec ? codec.mimeType.split("/")[1] : "";
  };

  const take = (connection, report, stats) => {
    if (report.type === "inbound-rtp" && report.kind === "video") takeVideo(connection, report, codecName(report, stats));
    if (report.type === "inbound-rtp" && report.kind === "audio") {
      connection.audio = { codec: codecName(report, stats), energy: report.totalAudioEnergy || 0, level: report.audioLevel || 0, packets: report.packetsReceived || 0,
        lost: report.packetsLost || 0, concealed: report.concealedSamples || 0, samples: report.totalSamplesReceived || 0 };
    }
    if (report.type === "outbound-rtp") {
      connection.sent.push({ kind: report.kind, rid: report.rid || "", codec: codecName(report, stats), frames: report.framesEncoded || 0, width: report.frameWidth || 0,
        height: report.frameHeight || 0, bytes: report.bytesSent || 0, active: report.active !== false, plis: report.pliCount || 0, nacks: report.nackCount || 0 });
    }
  };

  const takeVideo = (connection, report, codec) => {
    const now = performance.now();
    const before = connection.video ? connection.video.frames : 0;
    const frames = report.framesDecoded || 0;
    connection.video = { codec, frames, width: report.frameWidth || 0, height: report.frameHeight || 0, freezes: report.freezeCount || 0, frozen: report.totalFreezesDuration || 0,
      keyFrames: report.keyFramesDecoded || 0, packets: report.packetsReceived || 0, lost: report.packetsLost || 0, plis: report.pliCount || 0, nacks: report.nackCount || 0,
      dropped: report.framesDropped || 0 };
    if (frames > before) {
      connection.firstPicture ||= now;
      connection.lastPicture = now;
    } else if (connection.firstPicture) {
      // Only what was looked at counts: where this page was late to look, pictures may have come all the time.
      connection.silentFor = now - connection.lastPicture;
      connection.longestGap = Math.max(connection.longestGap, connection.silentFor + sampleEvery);
      return;
    }
    connection.silentFor = 0;
  };

  // report describes the newest connection. Times are in milliseconds; firstPicture counts from the start of the last POST that made a session.
  probe.report = () => {
    const connection = probe.connections[probe.connections.length - 1];
    const posts = probe.requests.filter((request) => request.method === "POST" && request.status === 201 && request.session);
    const post = posts[posts.length - 1];
    const since = (time) => (time && post ? time - post.start : 0);
    const result = { now: performance.now(), connections: probe.connections.length, posts: posts.length, requests: probe.requests, log: probe.log };
    if (!connection) return { ...result, state: "none" };
    return { ...result, state: connection.pc.connectionState, video: connection.video, audio: connection.audio, sent: connection.sent, longestGap: connection.longestGap,
      silentFor: connection.silentFor, firstPicture: since(connection.firstPicture), connected: since(connection.connected) };
  };

  // decoded is how many pictures were decoded, just now: the timer of samples may be late.
  probe.decoded = async () => {
    const connection = probe.connections[probe.connections.length - 1];
    for (const stats of (await connection.pc.getStats()).values()) {
      if (stats.type === "inbound-rtp" && stats.kind === "video") return { frames: stats.framesDecoded, at: stats.timestamp };
    }
    return null;
  };

  // tell is the same for a person, after a failure, the most telling last.
  probe.tell = () => {
    const { now, requests, log, ...rest } = probe.report();
    const lines = [`${location.origin}${location.pathname} is ${document.readyState}, state ${document.documentElement.dataset.state ?? "none"}, ${document.visibilityState}, ${Math.round(now)} ms old`];
    lines.push(`shows: ${JSON.stringify((document.body?.innerText ?? "").slice(0, 600))}`, `newest connection: ${JSON.stringify(rest)}`);
    for (const { pc } of probe.connections) lines.push(`connection: ${pc.connectionState}, ICE ${pc.iceConnectionState}, gathering ${pc.iceGatheringState}, signaling ${pc.signalingState}`);
    if (window.caller) lines.push(`heard: ${caller.events.map(({ name, data }) => [name, data.participant, data.reason].filter(Boolean).join(" ")).filter((name) => name !== "quality").slice(-60).join(", ")}`);
    for (const { method, url, start, status, took, failed } of requests.slice(-20)) lines.push(`${Math.round(start)} ms: ${method} ${url} ${failed ?? (status || "has no answer")}${took ? ` after ${Math.round(took)} ms` : ""}`);
    lines.push(log.length ? `console:\n  ${log.slice(-30).join("\n  ")}` : "the console is empty");
    return lines.join("\n");
  };

  // forget starts a new measurement of the longest gap between pictures.
  probe.forget = () => { for (const connection of probe.connections) connection.longestGap = 0; };

  // channels records what is heard for a while and returns how loud left and right were. Recording works on machines without a sound card too.
  probe.channels = async (milliseconds) => {
    const connection = probe.connections[probe.connections.length - 1];
    const track = connection.tracks.find((candidate) => candidate.kind === "audio");
    const recorder = new MediaRecorder(new MediaStream([track]));
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
    recorder.start();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    recorder.stop();
    await stopped;
    const sound = await new OfflineAudioContext(2, 48000, 48000).decodeAudioData(await new Blob(parts).arrayBuffer());
    const loudness = (samples) => Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    return [0, 1].map((channel) => (channel < sound.numberOfChannels ? loudness(sound.getChannelData(channel)) : loudness(sound.getChannelData(0))));
  };
})();
