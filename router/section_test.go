package router

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// liveVideo is a track with one VP8 publisher and a viewer who has seen a second.
func liveVideo(t testing.TB) (*way, *feed, *Viewer, *testPlayer) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	f.run(time.Second, true)
	return w, f, v, w.player(v, 0)
}

func continuous(t testing.TB, p *testPlayer) {
	t.Helper()
	for i := 1; i < len(p.order); i++ {
		if p.order[i] != p.order[i-1]+1 {
			t.Errorf("number %d follows %d", p.order[i], p.order[i-1])
		}
	}
}

func TestSectionStartsAtKeyFrame(t *testing.T) {
	// M-030: nothing of video before a key frame; audio at once.
	w := newWay(t)
	video, audio := NewTrack(Video, nil), NewTrack(Audio, nil)
	fv, fa := w.feedOf(1, video, testVP8), w.feedOf(2, audio, testOpus)
	show(video, fv)
	show(audio, fa)
	v := w.view(testVideo(100), testAudio(200))
	w.source(v, 0, video)
	w.source(v, 1, audio)
	if !fv.asked() {
		t.Error("no key frame asked for at the join")
	}
	fv.send(false)
	fa.send(true)
	if n := len(w.player(v, 0).order); n != 0 {
		t.Errorf("%d packets of video before a key frame", n)
	}
	if n := len(w.player(v, 1).order); n != 1 {
		t.Errorf("%d packets of audio, want 1", n)
	}
	key := fv.send(true)
	if got := w.player(v, 0).ids(); len(got) != fv.size || got[0].seq != key[0].Seq {
		t.Errorf("got %v, want the key frame from %d", got, key[0].Seq)
	}
}

func TestSectionNumbersPayloadTypeSSRC(t *testing.T) {
	// M-040, M-041, M-090: constant SSRC (checked by the player), continuous numbers, the viewer's payload type.
	_, f, v, p := liveVideo(t)
	continuous(t, p)
	if len(p.order) != 75 {
		t.Errorf("%d packets, want 75", len(p.order))
	}
	for _, n := range p.order {
		if p.got[n].PayloadType != 96 {
			t.Fatalf("payload type %d", p.got[n].PayloadType)
		}
		if last := (n-p.order[0])%3 == 2; p.got[n].Marker != last {
			t.Fatalf("packet %d: marker %v", n-p.order[0], p.got[n].Marker)
		}
	}
	if got := p.ids(); got[0].seq != 1000 || got[74].seq != f.seq-1 {
		t.Errorf("from %d to %d", got[0].seq, got[74].seq)
	}
	if s := v.Stats(); s.Packets != 75 || s.KeyFrames != 1 || s.FirstPacket.IsZero() || s.FirstKeyFrame.IsZero() || s.Switches != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestSectionFirstNumberIsLow(t *testing.T) {
	for range 200 {
		v := NewViewer(ViewerConfig{Sections: []SectionConfig{testVideo(1)}})
		if h := v.sections[0].window.highest; h < 0 || h >= 1<<15 {
			t.Fatalf("first number %d", h+1)
		}
	}
}

func TestSectionUpstreamHole(t *testing.T) {
	// M-013: what was lost upstream is a hole downstream, and what is repaired late gets its place.
	w, f, _, p := liveVideo(t)
	before := p.highest
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	if p.highest != before+3 || p.got[before+2] != nil {
		t.Fatalf("highest %d after %d, hole filled: %v", p.highest, before, p.got[before+2] != nil)
	}
	w.sleep(20 * time.Millisecond)
	f.arrive(frame[1])
	got := p.got[before+2]
	if got == nil || idOf(got.Payload).seq != frame[1].Seq || got.Timestamp != p.got[before+1].Timestamp {
		t.Fatalf("late packet: %v", got)
	}
	if len(p.rtx) != 0 {
		t.Error("nobody asked for a retransmission")
	}
	f.arrive(frame[1]) // delivered twice by mistake: the player complains about a number sent twice
}

func TestSectionFarLatePacketGoesAsRetransmission(t *testing.T) {
	// A receiver's replay protection may refuse numbers that lie far back (RFC 3711 section 3.3.2).
	_, f, _, p := liveVideo(t)
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	f.run(time.Second, false)
	f.arrive(frame[1])
	if len(p.rtx) != 1 || idOf(p.rtx[0].Payload[2:]).seq != frame[1].Seq {
		t.Fatalf("%d retransmissions", len(p.rtx))
	}
}

func TestSectionPaddingIsSent(t *testing.T) {
	// M-053: late padding that could not be numbered away fills its place.
	_, f, _, p := liveVideo(t)
	before := p.highest
	pad := &Packet{Seq: f.seq, Timestamp: f.ts, Capture: f.w.now, Arrival: f.w.now}
	f.seq++
	f.arrive(pad)
	got := p.got[before+1]
	if got == nil || !got.Padding || got.PaddingSize != 1 || len(got.Payload) != 0 {
		t.Fatalf("padding: %v", got)
	}
	f.run(100*time.Millisecond, false)
	continuous(t, p)
}

func TestSectionPublisherReturns(t *testing.T) {
	// M-033, M-043: new layers on the same track; timestamps go on by the time that passed.
	w, f, v, p := liveVideo(t)
	last, lastAt := p.newest.Timestamp, p.at[p.highest]
	w.sleep(7 * time.Second)
	again := w.feedOf(2, f.layer.track, testVP8)
	show(f.layer.track, again)
	again.send(false)
	if idOf(p.newest.Payload).feed != 1 {
		t.Fatal("the new publisher starts without a key frame")
	}
	again.run(200*time.Millisecond, true)
	continuous(t, p)
	first := p.order[slices.IndexFunc(p.ids(), func(id packetID) bool { return id.feed == 2 })]
	want := ticks(p.at[first].Sub(lastAt), 90000)
	if got := p.got[first].Timestamp - last; got != want {
		t.Errorf("timestamp grew by %d in the pause, want %d", got, want)
	}
	f.arrive(f.frame(false)...)
	if idOf(p.newest.Payload).feed != 2 {
		t.Error("a packet of the old publisher went out")
	}
	if s := v.Stats(); s.Switches != 1 {
		t.Errorf("%d switches", s.Switches)
	}
}

func TestSectionLayerSwitchFinishesFrame(t *testing.T) {
	// M-045: the frame of the old layer is finished if the rest comes in time, else cut.
	for _, inTime := range []bool{true, false} {
		w, low, _, p := liveVideo(t)
		high := w.feedOf(2, low.layer.track, testVP8)
		low.layer.track.show([]*Layer{low.layer, high.layer})
		frame := low.frame(false)
		low.arrive(frame[0])
		key := high.frame(true)
		high.arrive(key...)
		if idOf(p.newest.Payload).feed != 1 {
			t.Fatal("a frame of two layers")
		}
		if inTime {
			w.sleep(10 * time.Millisecond)
			low.arrive(frame[1:]...)
		} else {
			w.sleep(40 * time.Millisecond)
			low.arrive(frame[1:]...)
		}
		high.arrive(high.frame(false)...)
		var lows, highs int
		for _, id := range p.ids() {
			if id.feed == 2 {
				highs++
			} else if lows++; highs > 0 {
				t.Error("old layer after the new one")
			}
		}
		want := 76
		if inTime {
			want = 78
		}
		if lows != want || highs != 6 {
			t.Errorf("in time %v: %d packets of the old layer, want %d; %d of the new one, want 6", inTime, lows, want, highs)
		}
		continuous(t, p)
	}
}

func TestSectionLateKeyFrameStart(t *testing.T) {
	// The first packet of the key frame is repaired late: what followed it comes out of the history.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	p := w.player(v, 0)
	key := f.frame(true)
	f.arrive(key[1:]...)
	w.sleep(40 * time.Millisecond)
	f.send(false)
	if len(p.order) != 0 {
		t.Fatal("started without the beginning of the key frame")
	}
	f.arrive(key[0])
	if len(p.order) != 6 || p.ids()[0].seq != key[0].Seq {
		t.Errorf("got %v", p.ids())
	}
	continuous(t, p)
}

func TestSectionOldPacketsAfterSwitch(t *testing.T) {
	// M-041: late packets older than the switch point are dropped.
	w, f, _, p := liveVideo(t)
	lost := f.frame(false)
	w.sleep(f.step)
	f.send(false)
	again := w.feedOf(2, f.layer.track, testVP8)
	f.layer.track.show([]*Layer{f.layer, again.layer})
	again.send(true)
	n := len(p.order)
	f.arrive(lost...)
	if len(p.order) != n || len(p.rtx) != 0 {
		t.Error("a packet from before the switch went out")
	}
}

func TestSectionMIDUntilKnown(t *testing.T) {
	// M-086: MID until the viewer's RTCP names the SSRC.
	w, f, v, p := liveVideo(t)
	if got := p.newest.GetExtension(4); string(got) != "0" {
		t.Errorf("MID %q", got)
	}
	w.rtcp(v, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 101}}})
	f.send(false)
	if p.newest.GetExtension(4) == nil {
		t.Error("a report on another SSRC ended the MID")
	}
	w.rtcp(v, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 100}}})
	f.send(false)
	if p.newest.Extension {
		t.Errorf("extensions after the report: %v", p.newest.Header)
	}
	w.rtcp(v, &rtcp.TransportLayerNack{MediaSSRC: 100, Nacks: []rtcp.NackPair{{PacketID: p.newest.SequenceNumber}}})
	if len(p.rtx) != 1 || string(p.rtx[0].GetExtension(4)) != "0" {
		t.Error("retransmission without MID (M-009)")
	}
}

func TestSectionAsksAgainWhileItWaits(t *testing.T) {
	// The first packet of the key frame that came was lost for good: nobody else would ask.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	f.send(false)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	if !f.asked() {
		t.Fatal("not asked at the join")
	}
	f.arrive(f.frame(true)[1:]...)
	asked := 0
	for range 10 {
		w.sleep(500 * time.Millisecond)
		if f.asked() {
			asked++
		}
	}
	if asked != 5 {
		t.Errorf("asked %d times in 5 s", asked)
	}
	f.send(true)
	f.asked()
	w.sleep(3 * time.Second)
	if f.asked() || len(w.player(v, 0).order) != 3 {
		t.Error("goes on asking")
	}
}
