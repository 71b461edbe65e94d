#!/usr/bin/env python3
"""Publishes a test picture and a tone to a WHIP address (RFC 9725) with GStreamer's webrtcbin.

    publish.py http://localhost:8080/whip/live [--token TOKEN] [--video-only] [--seconds N]

Needs GStreamer 1.22 or newer with its base, good, bad, ugly and nice plugins, and for Python on Debian: python3-gi gir1.2-gst-plugins-bad-1.0.
Ctrl-C ends the session with DELETE.
"""

import argparse
import signal
import sys
import urllib.error
import urllib.parse
import urllib.request

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstSdp", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    from gi.repository import GLib, Gst, GstSdp, GstWebRTC
except (ImportError, ValueError) as missing:
    sys.exit(f"publish.py: {missing}; it needs GStreamer for Python, on Debian: python3-gi gir1.2-gst-plugins-bad-1.0")

# config-interval=-1 repeats the stream's parameters with each key frame, so that viewers can join at any of them.
VIDEO = (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 ! videoconvert"
    " ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=1000 key-int-max=60 bframes=0 ! video/x-h264,profile=constrained-baseline"
    " ! rtph264pay config-interval=-1 aggregate-mode=zero-latency ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! rtc."
)
AUDIO = (
    " audiotestsrc is-live=true freq=440 ! audio/x-raw,rate=48000,channels=2 ! audioconvert ! opusenc"
    " ! rtpopuspay ! application/x-rtp,media=audio,encoding-name=OPUS,payload=111 ! rtc."
)


def say(line):
    """Prints a line by one write: GStreamer's threads call this too, and print() would write the line's parts one by one."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Publisher:
    """One WHIP session: offer with all candidates, answer, DELETE at the end."""

    def __init__(self, url, token, with_audio):
        self.url = url
        self.headers = {"Authorization": "Bearer " + token} if token else {}
        self.session = None
        self.failure = None
        self.loop = GLib.MainLoop()
        description = "webrtcbin name=rtc bundle-policy=max-bundle " + VIDEO + (AUDIO if with_audio else "")
        self.pipeline = Gst.parse_launch(description)
        self.rtc = self.pipeline.get_by_name("rtc")
        self.rtc.connect("on-negotiation-needed", self.on_negotiation_needed)
        self.rtc.connect("notify::ice-gathering-state", self.on_gathering)
        self.rtc.connect("notify::connection-state", self.on_connection)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def run(self, seconds):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.loop.quit())
        if seconds:
            GLib.timeout_add_seconds(seconds, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        failure = self.failure  # what comes after DELETE is no failure
        self.delete()
        self.pipeline.set_state(Gst.State.NULL)
        if failure:
            sys.exit("publish.py: " + failure)

    def on_negotiation_needed(self, rtc):
        index = 0
        while (transceiver := rtc.emit("get-transceiver", index)) is not None:
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
            index += 1
        rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        reply = promise.get_reply()  # owns the offer, so it must live as long
        self.rtc.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathering(self, rtc, _):
        # The answer of a WHIP server is final and so is this offer: it is sent when it has every candidate.
        if rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.post)

    def post(self):
        offer = self.rtc.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self.url, offer.encode(), {"Content-Type": "application/sdp", **self.headers}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                self.session = urllib.parse.urljoin(response.url, response.headers["Location"])
                answer = response.read().decode()
        except urllib.error.HTTPError as error:
            self.fail(f"{error.code} {error.read().decode(errors='replace')}")
            return
        except OSError as error:
            self.fail(str(error))
            return
        say("publishing")
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.rtc.emit("set-remote-description", description, Gst.Promise.new())

    def delete(self):
        if self.session is None:
            return
        request = urllib.request.Request(self.session, headers=self.headers, method="DELETE")
        with urllib.request.urlopen(request, timeout=10) as response:
            say(f"ended: {response.status}")

    def on_connection(self, rtc, _):
        state = rtc.get_property("connection-state")
        say(f"connection: {state.value_nick}")
        if state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            self.fail("the connection failed")

    def on_error(self, _, message):
        self.fail(message.parse_error()[0].message)

    def fail(self, reason):
        self.failure = reason
        self.loop.quit()


def main():
    parser = argparse.ArgumentParser(description="Publish a test picture and a tone by WHIP.")
    parser.add_argument("url", help="for example http://localhost:8080/whip/live")
    parser.add_argument("--token", help="bearer token, when the gateway wants one")
    parser.add_argument("--video-only", action="store_true")
    parser.add_argument("--seconds", type=int, help="stop by itself after this time")
    arguments = parser.parse_args()
    Gst.init(None)
    Publisher(arguments.url, arguments.token, not arguments.video_only).run(arguments.seconds)


if __name__ == "__main__":
    main()
