// A participant of a call made of fetch, EventSource and RTCPeerConnection alone, as anybody could write one. It runs in a page of the gateway's
// origin, because REST is for that only. Its picture is one colour, its sound a tone whose loudness the test sets.
(() => {
  if (window.caller) return;
  const caller = { who: "", events: [], slots: [], streams: 0, stream: null, source: null, session: "", viewer: "" };
  window.caller = caller;
  // Wall-clock time, so that pages can be compared.
  const now = () => performance.timeOrigin + performance.now();
  const names = ["snapshot", "joined", "left", "published", "unpublished", "interrupted", "resumed", "muted", "speaking", "speaker", "quality", "slots", "layers", "message",
    "invited", "invitation", "kicked", "token-expiring", "closed"];

  const json = async (method, path, body) => {
    const response = await fetch(path, { method, headers: body ? { "Content-Type": "application/json" } : {}, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, location: response.headers.get("location"), body: text ? JSON.parse(text) : {} };
  };
  caller.json = json;

  // offer gathers everything, POSTs and takes the answer; it returns the session's address.
  const offer = async (pc, path) => {
    await pc.setLocalDescription();
    if (pc.iceGatheringState !== "complete") {
      await new Promise((done) => { pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && done(); setTimeout(done, 2000); });
    }
    const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: pc.localDescription.sdp });
    const answer = await response.text();
    if (response.status !== 201) throw new Error(`${path}: ${response.status} ${answer}`);
    await pc.setRemoteDescription({ type: "answer", sdp: answer });
    return new URL(response.headers.get("location"), response.url).href;
  };

  caller.join = async (channel, who) => {
    caller.channel = channel;
    caller.who = who;
    const made = await json("POST", `/api/v1/channels/${channel}/events`, { participant: who, name: who.toUpperCase(), kind: "call" });
    if (made.status !== 201) throw new Error(`join: ${made.status} ${JSON.stringify(made.body)}`);
    caller.stream = made.location;
    const source = caller.source = new EventSource(made.location);
    for (const name of names) {
      source.addEventListener(name, (event) => {
        const data = JSON.parse(event.data);
        caller.events.push({ name, at: now(), data });
        if (name === "slots") caller.slots = data.slots;
        if (name === "kicked" || name === "closed") source.close();
      });
    }
    await new Promise((done, failed) => {
      source.addEventListener("snapshot", done, { once: true });
      source.addEventListener("error", () => source.readyState === EventSource.CLOSED && failed(new Error("the stream of events was refused")));
    });
    return true;
  };

  // told is when an event with these members first came, 0 for never.
  caller.told = (name, members = {}) => {
    const found = caller.events.find((event) => event.name === name && Object.entries(members).every(([key, value]) => event.data[key] === value));
    return found ? found.at : 0;
  };

  caller.publish = async (colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const context = canvas.getContext("2d");
    let n = 0;
    setInterval(() => {
      context.fillStyle = colour;
      context.fillRect(0, 0, 320, 180);
      context.fillStyle = "white";
      context.fillRect((n = (n + 3) % 320), 170, 8, 8);
    }, 50);
    const audio = new AudioContext();
    await audio.resume();
    const tone = audio.createOscillator(), out = audio.createMediaStreamDestination();
    caller.volume = audio.createGain();
    caller.volume.gain.value = 0;
    tone.connect(caller.volume).connect(out);
    tone.start();
    const pc = caller.sender = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const picture = pc.addTransceiver(canvas.captureStream(20).getVideoTracks()[0], { direction: "sendonly" });
    const capabilities = RTCRtpSender.getCapabilities("video").codecs;
    picture.setCodecPreferences(capabilities.filter((codec) => /\/(H264|rtx)$/.test(codec.mimeType)));
    pc.addTransceiver(out.stream.getAudioTracks()[0], { direction: "sendonly" });
    caller.session = await offer(pc, `/whip/${caller.channel}/${caller.who}`);
    return true;
  };

  // speaks sets how loud the tone is, 0 to 1.
  caller.speaks = (loud) => { caller.volume.gain.value = loud; return now(); };

  // watch plays the call in slots.
  caller.watch = async (slots) => {
    const pc = caller.receiver = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    caller.pictures = [];
    for (let i = 0; i < slots; i++) {
      pc.addTransceiver("audio", { direction: "recvonly" });
      const transceiver = pc.addTransceiver("video", { direction: "recvonly" });
      const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, width: 160, height: 90 });
      video.srcObject = new MediaStream([transceiver.receiver.track]);
      document.body.append(video);
      caller.pictures.push(transceiver);
    }
    caller.ids = [];
    pc.ontrack = ({ streams }) => caller.ids.push(streams[0] && streams[0].id);
    caller.viewer = await offer(pc, `/whep/${caller.channel}?participant=${caller.who}`);
    return true;
  };

  // speaker is who speaks now, as far as the events tell.
  caller.speaker = () => caller.events.findLast(({ name }) => name === "speaker")?.data.participant ?? "";

  // shown is how many pictures were decoded in which slot, by who is in it now.
  caller.shown = async () => {
    const shown = {};
    for (const slot of caller.slots) {
      if (!slot.participant || !caller.pictures[slot.slot]) continue;
      for (const report of (await caller.pictures[slot.slot].receiver.getStats()).values()) {
        if (report.type === "inbound-rtp") shown[slot.participant] = { slot: slot.slot, frames: report.framesDecoded || 0 };
      }
    }
    return shown;
  };

  // follow plays the program in one section and notes when its colour changes, and when the gateway changes who is shown.
  caller.follow = async (channel) => {
    const pc = caller.follower = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true, playsInline: true, width: 160, height: 90 });
    const transceiver = pc.addTransceiver("video", { direction: "recvonly" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    video.srcObject = new MediaStream([transceiver.receiver.track]);
    document.body.append(video);
    const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    caller.colours = [];
    caller.decisions = [];
    const look = () => {
      context.drawImage(video, 0, 0, 8, 8);
      const [red, green, blue] = context.getImageData(4, 2, 1, 1).data;
      const colour = red > 128 ? "red" : blue > 128 ? "blue" : green > 64 ? "green" : "dark";
      if (!caller.colours.length || caller.colours.at(-1).is !== colour) caller.colours.push({ is: colour, at: now() });
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    // One question after the other: answers that overtake each other would tell of changes that there were not.
    const ask = async () => {
      const asked = now();
      const { body } = await json("GET", `/api/v1/channels/${channel}/program`);
      const is = body.video ? body.video.participant : "";
      if (!caller.decisions.length || caller.decisions.at(-1).is !== is) caller.decisions.push({ is, at: asked });
      setTimeout(ask, 20);
    };
    ask();
    await offer(pc, `/whep/${channel}`);
    return true;
  };

  // decoder is what the follower's decoder had to put up with.
  caller.decoder = async () => {
    for (const report of (await caller.follower.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        return { frames: report.framesDecoded, freezes: report.freezeCount, frozen: report.totalFreezesDuration, plis: report.pliCount, dropped: report.framesDropped, lost: report.packetsLost };
      }
    }
    return {};
  };

  // leave ends everything in order and returns when the first request went out.
  caller.leave = async () => {
    const at = now();
    await Promise.all([caller.session, caller.viewer, caller.stream].filter(Boolean).map((address) => fetch(address, { method: "DELETE", keepalive: true })));
    caller.source.close();
    return at;
  };

  // why asks for something that has ended and returns the code of the refusal.
  caller.why = async (address) => (await json("GET", address)).body.code || "";
})();
