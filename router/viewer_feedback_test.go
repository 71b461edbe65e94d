package router

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestPLIGoesToTheLayerShown(t *testing.T) {
	// M-025: the layer the viewer is on, or the one it waits for.
	w, low, v, _ := liveVideo(t)
	high := w.feedOf(2, low.layer.track, testVP8)
	low.asked()
	w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
	if !low.asked() {
		t.Error("not asked of the layer shown")
	}
	low.layer.track.show([]*Layer{low.layer, high.layer})
	high.arrive(high.frame(false)...)
	high.asked()
	w.sleep(time.Second)
	w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
	if low.asked() || !high.asked() {
		t.Error("not asked of the layer waited for")
	}
	if s := v.Stats(); s.PLIs != 2 {
		t.Errorf("%d PLIs", s.PLIs)
	}
}

func TestPLIDuringReplay(t *testing.T) {
	// A key frame of now would help a decoder that lost the one of the group; the replay does not start over.
	w, f, v, _ := joinAfter(t, time.Second, 0, DefaultViewerSettings(), false)
	w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
	if !f.asked() || v.Stats().Replays != 1 {
		t.Errorf("not asked for, or %d replays", v.Stats().Replays)
	}
}

func TestPLIThrottle(t *testing.T) {
	// M-026: a broken viewer cannot force key frames for everyone.
	w, f, v, _ := liveVideo(t)
	f.asked()
	asked := 0
	for range 600 { // a minute of PLI every 100 ms
		w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
		if f.asked() {
			asked++
		}
		w.sleep(100 * time.Millisecond)
	}
	if asked < 25 || asked > 36 {
		t.Errorf("%d requests in a minute", asked)
	}
	if s := v.Stats(); s.PLIs != 600 {
		t.Errorf("%d PLIs counted", s.PLIs)
	}
}

func TestFIRCommandNumbers(t *testing.T) {
	// M-024, T-123: the same number is the same command.
	w, f, v, _ := liveVideo(t)
	fir := func(sender uint32, number uint8) bool {
		w.sleep(3 * time.Second)
		f.asked()
		w.rtcp(v, &rtcp.FullIntraRequest{SenderSSRC: sender, FIR: []rtcp.FIREntry{{SSRC: 999, SequenceNumber: 1}, {SSRC: 100, SequenceNumber: number}}})
		return f.asked()
	}
	for i, c := range []struct {
		sender uint32
		number uint8
		want   bool
	}{{1, 5, true}, {1, 5, false}, {1, 6, true}, {1, 6, false}, {2, 6, true}, {1, 7, true}} {
		if got := fir(c.sender, c.number); got != c.want {
			t.Errorf("command %d: asked %v, want %v", i, got, c.want)
		}
	}
}

func TestFeedbackForOtherSections(t *testing.T) {
	w, f, v, _ := liveVideo(t)
	f.asked()
	w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 12345})
	w.rtcp(v, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1e6, SSRCs: []uint32{100}})
	w.rtcp(v, &rtcp.Goodbye{Sources: []uint32{100}})
	if f.asked() || v.Stats().PLIs != 0 {
		t.Error("somebody else's feedback counted")
	}
}

func TestFeedbackInCompounds(t *testing.T) {
	// RFC 3550 section 6.1 and RFC 5506: compound, reduced-size, behind a sender report, with padding.
	w, f, v, p := liveVideo(t)
	f.asked()
	w.rtcp(v,
		&rtcp.SenderReport{SSRC: 9, Reports: []rtcp.ReceptionReport{{SSRC: 100, FractionLost: 64}}},
		rtcp.NewCNAMESourceDescription(9, "x"),
		&rtcp.PictureLossIndication{MediaSSRC: 100},
		nackOf(100, p.highest))
	if s := v.Stats(); !f.asked() || s.Retransmitted != 1 || s.FractionLost != 0.25 {
		t.Errorf("stats %+v", v.Stats())
	}
	padded := []byte{0xA1, 205, 0, 4, 0, 0, 0, 7, 0, 0, 0, 100, byte((p.highest - 3) >> 8), byte(p.highest - 3), 0, 0, 0, 0, 0, 4}
	w.shard.RTCP(w.now, v, padded, &w.out)
	w.take()
	if s := v.Stats(); s.NACKs != 2 || s.Retransmitted != 2 {
		t.Errorf("padding was read as an entry: %+v", s)
	}
}

func TestReceiverReport(t *testing.T) {
	w, _, v, _ := liveVideo(t)
	sr := w.reports[len(w.reports)-1]
	w.sleep(300 * time.Millisecond)
	rr := rtcp.ReceptionReport{SSRC: 100, FractionLost: 128, Jitter: 900,
		LastSenderReport: uint32(sr.sr.NTPTime >> 16), Delay: uint32(w.now.Sub(sr.at)*65536/time.Second) - 65536/20}
	w.rtcp(v, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 5, FractionLost: 255}, rr}})
	s := v.Stats()
	if s.FractionLost != 0.5 || s.Jitter != 10*time.Millisecond || s.RTT < 49*time.Millisecond || s.RTT > 51*time.Millisecond {
		t.Errorf("loss %v, jitter %v, round trip %v", s.FractionLost, s.Jitter, s.RTT)
	}
	rr.Delay = 0x01000000 // nonsense keeps the last value
	w.rtcp(v, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{rr}})
	rr.LastSenderReport = 0 // no report received yet
	w.rtcp(v, &rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{rr}})
	if v.Stats().RTT != s.RTT {
		t.Errorf("round trip %v out of nonsense", v.Stats().RTT)
	}
}

func TestReceiverReportWorstSection(t *testing.T) {
	w := newWay(t)
	v := w.view(testVideo(100), testAudio(200))
	w.rtcp(v, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 100, FractionLost: 64}, {SSRC: 200, FractionLost: 32}}})
	if got := v.Stats().FractionLost; got != 0.25 {
		t.Errorf("loss %v", got)
	}
	w.rtcp(v, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 100}}})
	if got := v.Stats().FractionLost; got != 0.125 {
		t.Errorf("loss %v", got)
	}
}

func FuzzViewerRTCP(f *testing.F) {
	for _, pkts := range [][]rtcp.Packet{
		{nackOf(100, 1, 2, 3)},
		{&rtcp.PictureLossIndication{MediaSSRC: 100}},
		{&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 100, SequenceNumber: 3}}}},
		{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: 100, LastSenderReport: 1, Jitter: 0xFFFFFFFF}}}, rtcp.NewCNAMESourceDescription(1, "a")},
		{&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 101}}}},
	} {
		b, err := rtcp.Marshal(pkts)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xA1, 205, 0, 3, 0, 0, 0, 7, 0, 0, 0, 100, 0, 1, 0, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		w, feed, v, p := liveVideo(t)
		before := v.Stats().Packets
		for range 3 {
			w.shard.RTCP(w.now, v, b, &w.out)
			w.take()
		}
		if again := v.Stats().Packets - before; again > 3*128 {
			t.Errorf("%d bytes made %d packets", len(b), again)
		}
		feed.run(100*time.Millisecond, false)
		if got := idOf(p.newest.Payload).seq; got != feed.seq-1 {
			t.Errorf("at %d, live is %d", got, feed.seq-1)
		}
	})
}
