package router

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

func newPolicy() keyFramePolicy {
	s := DefaultIngestSettings()
	return newKeyFramePolicy(&s, feedbackPLI)
}

// T-121: a publisher that never answers is asked ever less often.
func TestKeyFrameBackoff(t *testing.T) {
	k := newPolicy()
	k.request()
	var at []time.Duration
	for d := time.Duration(0); d <= 40*time.Second; d += 10 * ms {
		if k.due(intakeStart.Add(d)) {
			at = append(at, d)
		}
	}
	want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 15500 * ms, 23500 * ms, 31500 * ms, 39500 * ms}
	if !slices.Equal(at, want) {
		t.Errorf("asked at %v\nwant     %v", at, want)
	}
	if !k.deaf {
		t.Error("not deaf")
	}
}

// M-020, M-021: merged, at least 500 ms apart, cleared by any key frame.
func TestKeyFrameRequestsAreMerged(t *testing.T) {
	k := newPolicy()
	sent := 0
	for d := time.Duration(0); d < time.Second; d += 10 * ms {
		now := intakeStart.Add(d)
		k.request()
		if k.due(now) {
			sent++
			k.keyFrame(now.Add(50 * ms))
		}
	}
	if sent != 2 || k.deaf {
		t.Errorf("%d requests in a second, deaf %v", sent, k.deaf)
	}
	k.request()
	k.keyFrame(intakeStart)
	if k.due(intakeStart.Add(time.Hour)) {
		t.Error("asked although a key frame came")
	}
}

// TestSilenceIsNotDeafness N-217: a layer that is withheld answers nothing, and begins with
// a key frame when it goes on; one that goes on sending and does not answer is deaf.
func TestSilenceIsNotDeafness(t *testing.T) {
	for _, moving := range []bool{false, true} {
		k := newPolicy()
		k.request()
		asked := 0
		for d := time.Duration(0); d < 10*time.Second; d += 10 * ms {
			now, newest := intakeStart.Add(d), intakeStart.Add(-time.Second)
			if moving {
				newest = now.Add(-30 * ms)
			}
			k.excuse(now, newest)
			if k.due(now) {
				asked++
			}
		}
		if k.deaf != moving || asked != 5 {
			t.Errorf("moving %v: deaf %v, asked %d times; silence is asked ever less often too", moving, k.deaf, asked)
		}
		k.keyFrame(intakeStart.Add(10 * time.Second))
		if !moving && (k.steps != 0 || k.deaf) {
			t.Errorf("goes on: %d steps, deaf %v", k.steps, k.deaf)
		}
	}
}

func TestDeafness(t *testing.T) {
	k := newPolicy()
	answer := func(at, delay time.Duration) {
		k.request()
		now := intakeStart.Add(at)
		if !k.due(now) {
			t.Fatalf("nothing due at %v", at)
		}
		k.due(now.Add(min(delay, 490*ms)))
		k.keyFrame(now.Add(delay))
	}
	answer(0, 300*ms)
	if k.deaf {
		t.Fatal("answered in time")
	}
	answer(10*time.Second, 900*ms)
	if !k.deaf {
		t.Fatal("no answer for 900 ms")
	}
	answer(30*time.Second, 100*ms)
	if !k.deaf {
		t.Fatal("one prompt key frame may be the regular one")
	}
	answer(50*time.Second, 100*ms)
	if k.deaf || k.steps != 0 {
		t.Fatal("two prompt answers and still deaf")
	}
	none := newKeyFramePolicy(k.settings, noKeyFeedback)
	none.request()
	if !none.deaf || none.due(intakeStart) {
		t.Error("without feedback there is nobody to ask")
	}
}

// However requests and key frames fall, the pace is kept and a request that
// matters leaves in the end.
func TestKeyFramePace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := newPolicy()
		var last time.Time
		now := intakeStart
		for range 200 {
			now = now.Add(time.Duration(rapid.IntRange(1, 700).Draw(t, "ms")) * ms)
			switch rapid.IntRange(0, 3).Draw(t, "event") {
			case 0:
				k.request()
			case 1:
				k.keyFrame(now)
			}
			if k.due(now) {
				if !last.IsZero() && now.Sub(last) < 500*ms {
					t.Fatalf("two requests within %v", now.Sub(last))
				}
				last = now
			}
		}
		k.request()
		if k.due(now.Add(8 * time.Second)); k.sent.Before(last) || !k.asked {
			t.Fatal("a request never left")
		}
	})
}

func TestKeyFrameFeedbackOnTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		feedback Feedback
		pli, fir int
		deaf     bool
	}{
		"PLI":          {Feedback{PLI: true}, 1, 0, false},
		"PLI and FIR":  {Feedback{PLI: true, FIR: true}, 1, 0, false},
		"FIR":          {Feedback{FIR: true}, 0, 1, false},
		"neither":      {Feedback{NACK: true}, 0, 0, true},
		"T-122 merged": {Feedback{PLI: true}, 1, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, func(cfg *IngestConfig) { cfg.Sections[0].PayloadTypes[0].Feedback = c.feedback })
			i.send(vp8(1, 0, true), opus(1, 0))
			l := i.theLayer(i.video)
			if l.Deaf() != c.deaf {
				t.Errorf("deaf %v at first", l.Deaf())
			}
			for range 50 {
				l.RequestKeyFrame(i.now)
				i.theLayer(i.audio).RequestKeyFrame(i.now)
				i.pass(2 * ms)
			}
			pli, fir := rtcpOf[*rtcp.PictureLossIndication](i.sent), rtcpOf[*rtcp.FullIntraRequest](i.sent)
			if len(pli) != c.pli || len(fir) != c.fir {
				t.Fatalf("%d PLI, %d FIR", len(pli), len(fir))
			}
			if c.pli > 0 && (pli[0].MediaSSRC != intakeVideo || pli[0].SenderSSRC != intakeOwn) {
				t.Errorf("%+v", pli[0])
			}
			if c.fir > 0 && (fir[0].MediaSSRC != 0 || fir[0].FIR[0] != rtcp.FIREntry{SSRC: intakeVideo, SequenceNumber: 1}) {
				t.Errorf("%+v", fir[0])
			}
		})
	}
}

// RFC 5104 4.3.1.1: a repetition keeps its number, a new command has a new one.
func TestFIRNumbers(t *testing.T) {
	i := newIntake(t, func(cfg *IngestConfig) { cfg.Sections[0].PayloadTypes[0].Feedback = Feedback{FIR: true} })
	i.send(vp8(1, 0, true))
	l := i.theLayer(i.video)
	l.RequestKeyFrame(i.now)
	i.pass(700 * ms)
	i.send(vp8(2, intakeFrame, true))
	l.RequestKeyFrame(i.now)
	i.pass(3 * time.Second)
	var numbers []uint8
	for _, f := range rtcpOf[*rtcp.FullIntraRequest](i.sent) {
		numbers = append(numbers, f.FIR[0].SequenceNumber)
	}
	// Nothing came in between, so nobody knows whether it listens: the second command is
	// repeated as if it were the first.
	if !slices.Equal(numbers, []uint8{1, 1, 2, 2, 2}) {
		t.Errorf("%v", numbers)
	}
}

// Whoever waits for a key frame still waits when the numbering begins anew.
func TestRequestOutlivesALayer(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true))
	before := i.theLayer(i.video)
	before.RequestKeyFrame(i.now)
	i.pass(20 * ms)
	i.send(vp8(40000, 1<<30, false), vp8(40001, 1<<30, false))
	if i.theLayer(i.video) == before {
		t.Fatal("still the old layer")
	}
	i.takeSent()
	i.pass(600 * ms)
	if pli := rtcpOf[*rtcp.PictureLossIndication](i.sent); len(pli) == 0 {
		t.Error("the request was forgotten")
	}
}

func TestDeafLayer(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true))
	l := i.theLayer(i.video)
	l.RequestKeyFrame(i.now)
	for n := range uint16(49) {
		i.pass(10 * ms)
		i.send(vp8(n+2, uint32(n+1)*intakeFrame, false))
	}
	if l.Deaf() {
		t.Error("deaf before its time was over")
	}
	i.pass(40 * ms)
	if !l.Deaf() {
		t.Error("not deaf after 500 ms without an answer")
	}
}

// Whether a publisher listens is known before anybody joins, for the price of one
// key frame.
func TestDeafnessIsKnownInTime(t *testing.T) {
	for _, listens := range []bool{true, false} {
		i := newIntake(t, nil)
		for n := range uint16(30) {
			asked := len(rtcpOf[*rtcp.PictureLossIndication](i.sent)) > 0
			i.send(vp8(n, uint32(n)*3*intakeFrame, n == 0 || asked && listens && n == 11))
			i.pass(100 * ms)
		}
		pli := rtcpOf[*rtcp.PictureLossIndication](i.sent)
		if l := i.theLayer(i.video); l.Deaf() == listens || len(pli) == 0 || listens && len(pli) > 1 {
			t.Errorf("listens %v: deaf %v, asked %d times", listens, l.Deaf(), len(pli))
		}
	}
}

// M-021: a key frame clears the request of its own layer only.
func TestKeyFrameClearsItsLayer(t *testing.T) {
	i := newIntake(t, simulcast)
	for n, rid := range []string{"0", "1"} {
		i.send(on(vp8(0, 0, true), uint32(n+10), midRID("v", rid)))
	}
	for _, l := range i.video.Layers() {
		l.RequestKeyFrame(i.now)
	}
	i.send(on(vp8(1, intakeFrame, true), 10, nil))
	i.pass(20 * ms)
	if pli := rtcpOf[*rtcp.PictureLossIndication](i.sent); len(pli) != 1 || pli[0].MediaSSRC != 11 {
		t.Errorf("%v", pli)
	}
}
