package router

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

const ms = time.Millisecond

func newNackList() nackList {
	s := DefaultIngestSettings()
	return nackList{settings: &s}
}

// timesAsked runs a list at 5 ms steps and returns when number 10 was asked for.
func timesAsked(l *nackList, from, to time.Duration, highest int64) (at []time.Duration) {
	for d := from; d <= to; d += 5 * ms {
		if slices.Contains(l.due(intakeStart.Add(d), highest, nil), 10) {
			at = append(at, d)
		}
	}
	return at
}

// M-002: a short wait for reordering, then at round-trip spacing, ten times.
func TestNACKTiming(t *testing.T) {
	for name, c := range map[string]struct {
		highest int64
		rtt     time.Duration
		first   time.Duration
		spacing time.Duration
	}{
		"three packets behind":  {13, 0, 0, 40 * ms},
		"fewer behind":          {12, 0, 15 * ms, 40 * ms},
		"measured round trip":   {12, 80 * ms, 15 * ms, 90 * ms},
		"very short round trip": {12, 10 * ms, 15 * ms, 15 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			l := newNackList()
			l.rtt = c.rtt
			l.lose(intakeStart, 11, 1)
			got := timesAsked(&l, 0, 3*time.Second, c.highest)
			var want []time.Duration
			for n := range time.Duration(10) {
				want = append(want, c.first+n*c.spacing)
			}
			if !slices.Equal(got, want) {
				t.Errorf("asked at %v\nwant     %v", got, want)
			}
			if len(l.missing) != 0 {
				t.Error("still waited for")
			}
		})
	}
}

func TestNACKEnds(t *testing.T) {
	t.Run("when the packet comes", func(t *testing.T) {
		l := newNackList()
		l.lose(intakeStart, 11, 1)
		if l.find(intakeStart, 10, true) {
			t.Error("was not asked for")
		}
		l.lose(intakeStart, 11, 1)
		l.due(intakeStart.Add(20*ms), 11, nil)
		if !l.find(intakeStart.Add(80*ms), 10, true) || l.find(intakeStart, 10, true) || l.rtt != 60*ms {
			t.Errorf("round trip %v", l.rtt)
		}
	})
	t.Run("but only an answer tells the round trip", func(t *testing.T) {
		l := newNackList()
		l.lose(intakeStart, 11, 1)
		l.due(intakeStart.Add(20*ms), 11, nil)
		if !l.find(intakeStart.Add(25*ms), 10, false) || l.rtt != 0 {
			t.Errorf("round trip %v", l.rtt)
		}
	})
	t.Run("and the smallest of eight answers is the round trip", func(t *testing.T) {
		l := newNackList()
		for _, d := range []time.Duration{200, 60, 150, 1, 900} {
			l.measure(d * ms)
		}
		if l.rtt != minNACKSpacing {
			t.Errorf("%v", l.rtt)
		}
		for range 8 {
			l.measure(80 * ms)
		}
		if l.rtt != 80*ms {
			t.Errorf("%v after eight of 80 ms", l.rtt)
		}
	})
	t.Run("at a key frame", func(t *testing.T) {
		l := newNackList()
		l.lose(intakeStart, 11, 4)
		l.lose(intakeStart, 20, 2)
		l.supersede(12)
		if got := l.due(intakeStart.Add(20*ms), 30, nil); !slices.Equal(got, []uint16{18, 19}) {
			t.Errorf("%v", got)
		}
	})
	t.Run("with age", func(t *testing.T) {
		l := newNackList()
		l.rtt = 500 * ms
		l.lose(intakeStart, 11, 1)
		if got := timesAsked(&l, 0, 10*time.Second, 30); len(got) != 4 || got[0] != 0 || got[3] != 1695*ms {
			t.Errorf("%v", got)
		}
	})
	t.Run("at a hole too large", func(t *testing.T) {
		l := newNackList()
		l.lose(intakeStart, 11, 2)
		if l.lose(intakeStart, 1000, 511) || len(l.missing) != 0 {
			t.Errorf("%d waited for", len(l.missing))
		}
		if !l.lose(intakeStart, 2000, 512) {
			t.Error("512 are few enough")
		}
	})
}

// The bounds hold whatever is lost and found.
func TestNACKBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newNackList()
		tries := map[uint16]int{}
		last := map[uint16]time.Time{}
		now, highest := intakeStart, int64(0)
		for range 40 {
			now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "ms")) * ms)
			if n := rapid.IntRange(0, 20).Draw(t, "lost"); n > 0 {
				highest += int64(n) + 1
				l.lose(now, highest, n)
			}
			if len(l.missing) > 0 && rapid.Bool().Draw(t, "found") {
				l.find(now, l.missing[rapid.IntRange(0, len(l.missing)-1).Draw(t, "which")].ext, true)
			}
			spacing := l.spacing()
			got := l.due(now, highest, nil)
			if len(got) > nackDatagram || !slices.IsSorted(got) {
				t.Fatalf("%d numbers in one NACK, %v", len(got), got)
			}
			for _, seq := range got {
				tries[seq]++
				if tries[seq] > 10 || !last[seq].IsZero() && now.Sub(last[seq]) < spacing {
					t.Fatalf("%d asked for %d times, after %v", seq, tries[seq], now.Sub(last[seq]))
				}
				last[seq] = now
			}
			if len(l.missing) > 512 {
				t.Fatalf("%d waited for", len(l.missing))
			}
		}
	})
}

// M-001: only what was negotiated; T-126, Q-FF-6: alone in its datagram.
func TestNACKOnTheWire(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*IngestConfig)
		want   []uint16
	}{
		"negotiated": {nil, []uint16{65534, 65535, 2}},
		"not negotiated": {func(c *IngestConfig) {
			c.Sections[0].PayloadTypes[0].Feedback.NACK = false
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, c.change)
			i.send(vp8(65533, 0, true), vp8(0, 3*intakeFrame, false), vp8(1, 4*intakeFrame, false), vp8(3, 6*intakeFrame, false))
			i.theLayer(i.video).RequestKeyFrame(i.now)
			i.pass(30 * ms)
			if got := asked(i.sent); !slices.Equal(got, c.want) {
				t.Errorf("asked for %v", got)
			}
			for _, d := range i.sent {
				if n := rtcpOf[*rtcp.TransportLayerNack]([][]rtcp.Packet{d}); len(n) > 0 {
					if len(d) != 1 || n[0].SenderSSRC != intakeOwn || n[0].MediaSSRC != intakeVideo {
						t.Errorf("datagram %v", d)
					}
				}
			}
		})
	}
}

// Audio is asked for only where it was offered.
func TestNACKForAudio(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) { c.Sections[1].PayloadTypes[0].Feedback.NACK = true })
	i.send(opus(1, 0), opus(3, 1920))
	i.pass(30 * ms)
	if got := asked(i.sent); !slices.Equal(got, []uint16{2}) {
		t.Errorf("asked for %v", got)
	}
}

// Reordering by a packet or two within 15 ms is not loss.
func TestReorderingIsNotAskedFor(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true), vp8(3, 2*intakeFrame, false))
	i.pass(10 * ms)
	i.send(vp8(2, intakeFrame, false))
	i.pass(200 * ms)
	if got := asked(i.sent); got != nil {
		t.Errorf("asked for %v", got)
	}
}

// M-002: a key frame makes what is missing before it useless.
func TestKeyFrameEndsNACK(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true), vp8(3, 2*intakeFrame, false), vp8(4, 3*intakeFrame, true), vp8(6, 5*intakeFrame, false))
	i.pass(500 * ms)
	if got := asked(i.sent); len(got) == 0 || slices.Contains(got, 2) {
		t.Errorf("asked for %v", got)
	}
}

// A hole too large to be repaired: a key frame is asked for instead.
func TestLargeHoleAsksForKeyFrame(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true), vp8(1000, 90000, false))
	i.pass(30 * ms)
	if got := asked(i.sent); got != nil {
		t.Errorf("asked for %v", got)
	}
	if got := rtcpOf[*rtcp.PictureLossIndication](i.sent); len(got) != 1 {
		t.Errorf("%d PLIs", len(got))
	}
}
