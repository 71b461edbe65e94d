// One bundle of WHIP and WHEP clients from other projects, for pages under test. Each entry takes the same arguments and does what that project's
// documentation shows, with no ICE servers: thirdparty.medooze.publish(url, stream), thirdparty.eyevinn.play(url, video). Each returns a way to stop.
import { WHIPClient as MedoozePublisher } from "whip-whep/whip.js";
import { WHEPClient as MedoozePlayer } from "whip-whep/whep.js";
import { WHIPClient as EyevinnPublisher } from "@eyevinn/whip-web-client";
import { WebRTCPlayer as EyevinnPlayer } from "@eyevinn/webrtc-player";

export const medooze = {
  async publish(url, stream, token) {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    for (const track of stream.getTracks()) pc.addTransceiver(track, { direction: "sendonly", streams: [stream] });
    const client = new MedoozePublisher();
    await client.publish(pc, url, token);
    return () => client.stop();
  },

  async play(url, video, token) {
    const pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    pc.addTransceiver("audio", { direction: "recvonly" });
    pc.addTransceiver("video", { direction: "recvonly" });
    video.srcObject = new MediaStream();
    pc.ontrack = (event) => video.srcObject.addTrack(event.track);
    const client = new MedoozePlayer();
    await client.view(pc, url, token);
    return () => client.stop();
  },
};

export const eyevinn = {
  async publish(url, stream, token) {
    const client = new EyevinnPublisher({ endpoint: url, opts: { authkey: token, iceServers: [] } });
    await client.setIceServersFromEndpoint();
    await client.ingest(stream);
    return () => client.destroy();
  },

  async play(url, video, token) {
    const player = new EyevinnPlayer({ video, type: "whep", iceServers: [] });
    await player.load(new URL(url), token);
    return () => player.destroy();
  },
};
