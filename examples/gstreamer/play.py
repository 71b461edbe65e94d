#!/usr/bin/env python3
"""Plays a WHEP address with GStreamer's webrtcbin.

    play.py http://localhost:8080/whep/live [--token TOKEN] [--no-display] [--seconds N]

Needs GStreamer 1.22 or newer with its base, good, bad, libav and nice plugins, and for Python on Debian: python3-gi gir1.2-gst-plugins-bad-1.0.
The server may answer the offer, or make one itself (406, for example at …?offer=server), which is answered.
Ctrl-C ends the session with DELETE. It prints once a second what was decoded and ends with 1 when no picture came.
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
    sys.exit(f"play.py: {missing}; it needs GStreamer for Python, on Debian: python3-gi gir1.2-gst-plugins-bad-1.0")

VIDEO = (
    "application/x-rtp,media=video,encoding-name=H264,payload=102,clock-rate=90000,packetization-mode=(string)1,profile-level-id=(string)42e01f;"
    "application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000"
)
AUDIO = "application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,encoding-params=(string)2"


def say(line):
    """Prints a line by one write: GStreamer's threads call this too, and print() would write the line's parts one by one."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Player:
    """One WHEP session: offer with all candidates, answer (or a counter-offer, and our answer), DELETE at the end."""

    def __init__(self, url, token, display):
        self.url = url
        self.headers = {"Authorization": "Bearer " + token} if token else {}
        self.display = display
        self.session = None
        self.failure = None
        self.decoded = {"video": 0, "audio": 0}
        self.size = "no picture"
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.Pipeline.new(None)
        self.send = self.post  # what to do with our description once it is complete
        self.rtc = self.new_connection()
        for caps in (VIDEO, AUDIO):
            self.rtc.emit("add-transceiver", GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, Gst.Caps.from_string(caps))
        self.rtc.connect("on-negotiation-needed", self.on_negotiation_needed)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def new_connection(self):
        rtc = Gst.ElementFactory.make("webrtcbin")
        rtc.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        rtc.set_property("latency", 100)
        self.pipeline.add(rtc)
        rtc.connect("notify::ice-gathering-state", self.on_gathering)
        rtc.connect("notify::connection-state", self.on_connection)
        rtc.connect("pad-added", self.on_stream)
        return rtc

    def run(self, seconds):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.loop.quit())
        GLib.timeout_add_seconds(1, self.tell)
        if seconds:
            GLib.timeout_add_seconds(seconds, self.loop.quit)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        failure = self.failure  # what comes after DELETE is no failure
        self.delete()
        self.pipeline.set_state(Gst.State.NULL)
        if failure:
            sys.exit("play.py: " + failure)
        if not self.decoded["video"]:
            sys.exit("play.py: no picture")

    def on_negotiation_needed(self, rtc):
        rtc.emit("create-offer", None, Gst.Promise.new_with_change_func(self.on_offer))

    def on_offer(self, promise):
        reply = promise.get_reply()  # owns the offer, so it must live as long
        self.rtc.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def on_gathering(self, rtc, _):
        if rtc == self.rtc and rtc.get_property("ice-gathering-state") == GstWebRTC.WebRTCICEGatheringState.COMPLETE:
            GLib.idle_add(self.send)

    def post(self):
        offer = self.rtc.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self.url, offer.encode(), {"Content-Type": "application/sdp", **self.headers}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                self.session = urllib.parse.urljoin(response.url, response.headers["Location"])
                answer = response.read().decode()
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code == 406 and error.headers.get_content_type() == "application/sdp":
                self.session = urllib.parse.urljoin(error.url, error.headers["Location"])
                self.take(text)
            else:
                self.fail(f"{error.code} {text}")
            return
        except OSError as error:
            self.fail(str(error))
            return
        say("playing")
        _, message = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, message)
        self.rtc.emit("set-remote-description", description, Gst.Promise.new())

    def take(self, offer):
        """Answers a counter-offer, with a new connection: the old one has made an offer of its own."""
        say("answering a counter-offer")
        old, self.rtc, self.send = self.rtc, self.new_connection(), self.patch
        old.set_state(Gst.State.NULL)
        self.pipeline.remove(old)
        self.rtc.sync_state_with_parent()
        _, message = GstSdp.SDPMessage.new_from_text(offer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.OFFER, message)
        self.rtc.emit("set-remote-description", description, Gst.Promise.new_with_change_func(self.on_counter_offer))

    def on_counter_offer(self, _):
        self.rtc.emit("create-answer", None, Gst.Promise.new_with_change_func(self.on_answer))

    def on_answer(self, promise):
        reply = promise.get_reply()  # owns the answer, so it must live as long
        self.rtc.emit("set-local-description", reply.get_value("answer"), Gst.Promise.new())

    def patch(self):
        answer = self.rtc.get_property("local-description").sdp.as_text()
        request = urllib.request.Request(self.session, answer.encode(), {"Content-Type": "application/sdp", **self.headers}, method="PATCH")
        try:
            with urllib.request.urlopen(request, timeout=10):
                say("playing")
        except urllib.error.HTTPError as error:
            self.fail(f"{error.code} {error.read().decode(errors='replace')}")
        except OSError as error:
            self.fail(str(error))

    def on_stream(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        decoder = Gst.ElementFactory.make("decodebin")
        decoder.connect("pad-added", self.on_decoded)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))

    def on_decoded(self, _, pad):
        kind = "video" if pad.get_current_caps().get_structure(0).get_name().startswith("video") else "audio"
        sink = f"auto{kind}sink" if self.display else "fakesink sync=true"
        end = Gst.parse_bin_from_description(f"queue ! {kind}convert ! {sink}", True)
        self.pipeline.add(end)
        end.sync_state_with_parent()
        pad.add_probe(Gst.PadProbeType.BUFFER, self.on_buffer, kind)
        pad.link(end.get_static_pad("sink"))

    def on_buffer(self, pad, _, kind):
        self.decoded[kind] += 1
        if kind == "video":
            structure = pad.get_current_caps().get_structure(0)
            self.size = f"{structure.get_value('width')}x{structure.get_value('height')}"
        return Gst.PadProbeReturn.OK

    def tell(self):
        say(f"{self.size}, {self.decoded['video']} pictures, {self.decoded['audio']} sounds")
        return True

    def delete(self):
        if self.session is None:
            return
        request = urllib.request.Request(self.session, headers=self.headers, method="DELETE")
        with urllib.request.urlopen(request, timeout=10) as response:
            say(f"ended: {response.status}")

    def on_connection(self, rtc, _):
        if rtc != self.rtc:
            return
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
    parser = argparse.ArgumentParser(description="Play a WHEP address.")
    parser.add_argument("url", help="for example http://localhost:8080/whep/live")
    parser.add_argument("--token", help="bearer token, when the gateway wants one")
    parser.add_argument("--no-display", action="store_true", help="decode, but show and play nothing")
    parser.add_argument("--seconds", type=int, help="stop by itself after this time")
    arguments = parser.parse_args()
    Gst.init(None)
    Player(arguments.url, arguments.token, not arguments.no_display).run(arguments.seconds)


if __name__ == "__main__":
    main()
