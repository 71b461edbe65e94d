package router

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func nackOf(ssrc uint32, numbers ...int64) rtcp.Packet {
	var pairs []rtcp.NackPair
	for _, n := range numbers {
		pairs = append(pairs, rtcp.NackPair{PacketID: uint16(n)})
	}
	return &rtcp.TransportLayerNack{SenderSSRC: 7, MediaSSRC: ssrc, Nacks: pairs}
}

func TestNACKAnsweredByRTX(t *testing.T) {
	// M-007, M-008: own SSRC, payload type and numbers; the original number first. The player compares the rest.
	w, _, v, p := liveVideo(t)
	a := p.order[10]
	w.rtcp(v, &rtcp.TransportLayerNack{MediaSSRC: 100, Nacks: []rtcp.NackPair{{PacketID: uint16(a), LostPackets: 0b10001}}})
	want := []int64{a, a + 1, a + 5}
	if len(p.rtxFor) != 3 || p.rtxFor[0] != want[0] || p.rtxFor[1] != want[1] || p.rtxFor[2] != want[2] {
		t.Fatalf("got %v, want %v", p.rtxFor, want)
	}
	if r := p.rtx[0]; r.SSRC != 101 || r.PayloadType != 97 {
		t.Errorf("SSRC %d, payload type %d", r.SSRC, r.PayloadType)
	}
	if s := v.Stats(); s.NACKs != 3 || s.Retransmitted != 3 || s.NotFound != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestNACKAfterSwitches(t *testing.T) {
	// A packet is found by its own segment: layer, offsets, timestamps, payload type, picture ids.
	w, f, v, p := liveVideo(t)
	track := f.layer.track
	for i, codec := range []Codec{testH264, testVP8, testVP8} {
		next := w.feedOf(byte(2+i), track, codec)
		show(track, next)
		next.run(400*time.Millisecond, true)
	}
	for _, n := range p.order {
		w.rtcp(v, nackOf(100, n))
	}
	if len(p.rtx) != len(p.order) {
		t.Errorf("%d of %d: %+v", len(p.rtx), len(p.order), v.Stats())
	}
	if p.rtx[80].PayloadType != 103 || p.rtx[0].PayloadType != 97 {
		t.Error("payload type is not the segment's")
	}
}

func TestNACKNotFound(t *testing.T) {
	w, _, v, p := liveVideo(t)
	w.rtcp(v, nackOf(100, p.highest+1, p.highest+2000, p.order[0]-1, p.order[0]-30000))
	if s := v.Stats(); s.NotFound != 4 || len(p.rtx) != 0 {
		t.Errorf("stats %+v", s)
	}
	w.rtcp(v, nackOf(101, p.highest), nackOf(999, p.highest))
	if s := v.Stats(); s.NACKs != 4 {
		t.Error("a NACK for another SSRC was counted")
	}
}

func TestNACKForgottenSegments(t *testing.T) {
	w, f, v, p := liveVideo(t)
	old := p.order[0]
	next := w.feedOf(2, f.layer.track, testVP8)
	show(f.layer.track, next)
	next.run(8*time.Second, true)
	if n := v.sections[0].segments.n; n != 1 {
		t.Errorf("%d segments are kept for ever", n)
	}
	w.rtcp(v, nackOf(100, old))
	if s := v.Stats(); s.NotFound != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestNACKPending(t *testing.T) {
	// M-010: what the gateway lacks too is waited for, then given up.
	for _, c := range []struct {
		after time.Duration
		rtx   int
	}{{60 * time.Millisecond, 1}, {150 * time.Millisecond, 0}} {
		w, f, v, p := liveVideo(t)
		frame := f.frame(false)
		f.arrive(frame[0], frame[2])
		hole := p.highest - 1
		w.sleep(20 * time.Millisecond)
		for range 3 {
			w.rtcp(v, nackOf(100, hole))
		}
		if len(p.rtx) != 0 {
			t.Fatal("sent what nobody has")
		}
		w.sleep(c.after)
		f.arrive(frame[1])
		if len(p.rtx) != c.rtx || p.got[hole] == nil {
			t.Errorf("after %v: %d retransmissions, want %d; filled: %v", c.after, len(p.rtx), c.rtx, p.got[hole] != nil)
		}
	}
}

func TestNACKGivenUp(t *testing.T) {
	w, f, v, p := liveVideo(t)
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	w.rtcp(v, nackOf(100, p.highest-1))
	f.run(3*time.Second, false)
	if s := v.Stats(); s.NotFound != 1 || v.sections[0].resend.pending.n != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestNACKPendingIsBounded(t *testing.T) {
	w, f, v, p := liveVideo(t)
	frame := f.frame(false)
	f.arrive(frame[0])
	f.seq += 100
	f.send(false)
	for n := p.highest - 60; n < p.highest-2; n++ {
		w.rtcp(v, nackOf(100, n))
	}
	if n := v.sections[0].resend.pending.n; n != pendingSlots {
		t.Errorf("%d pending", n)
	}
	if s := v.Stats(); s.NotFound != 58-pendingSlots {
		t.Errorf("%d not found", s.NotFound)
	}
}

func TestNACKBeforeTheBurst(t *testing.T) {
	// The packet is in the history, its burst still in the inbox: sent once.
	w, f, v, p := liveVideo(t)
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	f.keep(frame[1])
	w.rtcp(v, nackOf(100, p.highest-1))
	if len(p.rtx) != 1 {
		t.Fatal("not served")
	}
	f.layer.track.deliver(Burst{f.layer, frame[1:2]})
	w.deliver()
	if len(p.order) != 77 {
		t.Errorf("%d media packets, want 77", len(p.order))
	}
}

func TestNACKBoundsPerPacket(t *testing.T) {
	// M-011: five times, and not more often than a round trip allows.
	w, f, v, p := liveVideo(t)
	n := p.highest
	for range 3 {
		w.rtcp(v, nackOf(100, n))
	}
	if len(p.rtx) != 1 {
		t.Fatalf("%d at once", len(p.rtx))
	}
	for range 10 {
		w.sleep(12 * time.Millisecond)
		w.rtcp(v, nackOf(100, n))
	}
	if len(p.rtx) != 5 {
		t.Errorf("%d times", len(p.rtx))
	}
	v.rtt = 200 * time.Millisecond
	f.send(false)
	n = p.highest
	w.rtcp(v, nackOf(100, n))
	w.sleep(100 * time.Millisecond)
	w.rtcp(v, nackOf(100, n))
	w.sleep(100 * time.Millisecond)
	w.rtcp(v, nackOf(100, n))
	if len(p.rtx) != 7 {
		t.Errorf("%d with a round trip of 200ms, want 7", len(p.rtx))
	}
}

func TestNACKBoundsPerSecond(t *testing.T) {
	// M-011: a share of the section's rate with a floor.
	set := DefaultViewerSettings()
	set.RetransmitFloor = 8 * 1000 // bytes per second: 1000
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	v := w.viewWith(set, testVideo(100))
	w.source(v, 0, track)
	f.run(3*time.Second, true)
	p := w.player(v, 0)
	f.size = 1
	sent := 0
	for _, n := range p.order {
		sent += 67
		w.rtcp(v, nackOf(100, n))
	}
	rate := 67 * 75 // bytes per second without extensions
	got := 0
	for _, r := range p.rtx {
		got += len(r.Payload) - 2 + rtpHeader
	}
	if got < rate/2*8/10 || got > rate/2*13/10 {
		t.Errorf("%d bytes of %d sent again at once; half a second's worth is %d", got, sent, rate/2)
	}
	if s := v.Stats(); s.Suppressed == 0 {
		t.Error("nothing suppressed")
	}
}

func TestNACKFloodCostsLittle(t *testing.T) {
	w, _, v, p := liveVideo(t)
	var numbers []int64
	for n := p.highest - 127; n <= p.highest; n++ {
		numbers = append(numbers, n)
	}
	pkt := nackOf(100, append(numbers, numbers[:120]...)...).(*rtcp.TransportLayerNack)
	for i := range pkt.Nacks {
		pkt.Nacks[i].LostPackets = 0xFFFF
	}
	for range 100 {
		w.rtcp(v, pkt)
	}
	if s := v.Stats(); s.NACKs != 100*maxNACKEntries*17 || s.NACKs-s.Suppressed > 2100 || s.Retransmitted > 128 {
		t.Errorf("stats %+v", s)
	}
}

func TestNACKWithoutRTXAsksForKeyFrame(t *testing.T) {
	// M-008 as decided: no nonce may be used twice.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	section := testVideo(100)
	section.RTXSSRC = 0
	v := w.view(section)
	w.source(v, 0, track)
	f.run(time.Second, true)
	p := w.player(v, 0)
	f.asked()
	w.rtcp(v, nackOf(100, p.highest))
	if !f.asked() {
		t.Error("no key frame asked for")
	}
	w.rtcp(v, nackOf(100, p.highest-1))
	if f.asked() {
		t.Error("asked again at once")
	}
	if len(p.order) != 75 || v.Stats().Retransmitted != 0 {
		t.Error("sent again without RTX")
	}
}

func TestNACKWithoutRTXLatePacketsStillCome(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	section := testVideo(100)
	section.PayloadTypes[0].RTX = 0
	v := w.view(section)
	w.source(v, 0, track)
	f.run(time.Second, true)
	p := w.player(v, 0)
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	hole := p.highest - 1
	w.rtcp(v, nackOf(100, hole))
	w.sleep(50 * time.Millisecond)
	f.arrive(frame[1])
	if p.got[hole] == nil || p.got[hole].SSRC != 100 {
		t.Error("the late packet did not come")
	}
}

func TestNACKNeverGoesUpstream(t *testing.T) {
	w, f, v, p := liveVideo(t)
	f.asked()
	for range 50 {
		w.rtcp(v, nackOf(100, p.highest, p.highest-1, p.highest+5))
	}
	if f.asked() {
		t.Error("a key frame was asked for because of a NACK with RTX")
	}
}
