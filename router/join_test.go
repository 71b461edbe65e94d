package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// tenSeconds is a stream with its key frames ten seconds apart.
func tenSeconds() camera { return camera{fps: 30, gop: 300, bits: 2_500_000, keySize: 60_000} }

// joined is a theatre in which somebody watches from the beginning and somebody
// joins when the key frame is age old.
type joined struct {
	c           *camera
	first, late *watcher
}

func joinAt(t *testing.T, c camera, age time.Duration, s seat, watch time.Duration, seed uint64) joined {
	w := newTheatre(t, seed)
	j := joined{c: w.film(c)}
	j.first = w.join(j.c.video, j.c.audio, seat{down: lane{delay: s.down.delay}, firstReport: 200 * time.Millisecond})
	w.run(time.Second + age)
	j.late = w.join(j.c.video, j.c.audio, s)
	w.run(watch)
	return j
}

// firstKey is when the late one had its first key frame, since it joined.
func (j *joined) firstKey(t *testing.T) time.Duration {
	t.Helper()
	for _, f := range j.late.frames {
		if f.key {
			return f.at.Sub(j.late.joined)
		}
	}
	t.Fatal("no key frame")
	return 0
}

// live is when the late one had caught up for good with the first: from then on it
// had every picture at most bound later, but for the share that was repaired.
func (j *joined) live(bound time.Duration, repaired float64) (since time.Duration, from int) {
	had := map[int64]time.Time{}
	for _, f := range j.first.frames {
		had[f.shot] = f.at
	}
	since, from = time.Hour, len(j.late.frames)
	for i, behind := len(j.late.frames)-1, 0; i >= 0; i-- {
		f := j.late.frames[i]
		if at, ok := had[f.shot]; ok && f.at.Sub(at) > bound {
			behind++
		} else if float64(behind) <= repaired*float64(len(j.late.frames)-i) {
			since, from = f.at.Sub(j.late.joined), i
		}
	}
	return since, from
}

func TestJoinLandsOnTheLiveEdgeAndStays(t *testing.T) {
	for _, fps := range []int{5, 30} {
		for _, reorder := range []int{0, 2} {
			for _, age := range []time.Duration{40, 1000, 2000, 5000, 9900} {
				c := tenSeconds()
				c.fps, c.gop, c.reorder = fps, 10*fps, reorder
				t.Run(fmt.Sprintf("%d fps, %d reordered, key frame %v old", fps, reorder, age*time.Millisecond), func(t *testing.T) {
					j := joinAt(t, c, age*time.Millisecond, seat{down: lane{delay: 20 * time.Millisecond}, firstReport: 700 * time.Millisecond}, 4*time.Second, 1)
					if got := j.firstKey(t); got > 80*time.Millisecond {
						t.Errorf("first key frame after %v", got)
					}
					since, from := j.live(20*time.Millisecond, 0)
					if since > 3*time.Second {
						t.Errorf("live after %v", since)
					}
					if j.late.frames[len(j.late.frames)-1].shot < j.first.frames[len(j.first.frames)-1].shot-1 {
						t.Error("fell back")
					}
					j.checkLine(t, from)
				})
			}
		}
	}
}

// checkLine checks that pictures come when their timestamps say so, and that the
// sender reports place them, and sounds, where they belong.
func (j *joined) checkLine(t *testing.T, live int) {
	const bound = 20 * time.Millisecond
	const transit = 20 * time.Millisecond
	frame := time.Second / time.Duration(j.c.fps)
	shift := time.Duration(0)
	if j.c.reorder > 0 { // frames that are shown earlier come later
		shift = time.Duration(j.c.reorder+3) * frame
		live += 2 * (j.c.reorder + 1)
	}
	for i, f := range j.late.frames {
		if i == 0 {
			continue
		}
		if f.captured.IsZero() {
			t.Fatalf("picture %d came before a sender report", f.shot)
		}
		if d := f.at.Sub(f.captured); d < transit-bound || d > transit+bound+shift {
			t.Errorf("picture %d (%d after the first) is %v old by its timestamp, live is %d", f.shot, i, d, live)
		}
		if d := f.captured.Sub(j.c.seen(f.shot)); i >= live && (d < -bound || d > shift+bound) {
			t.Errorf("live picture %d is placed %v from where it was", f.shot, d)
		}
	}
	for _, s := range j.late.sounds {
		if d := s.captured.Sub(j.c.begun.Add(time.Duration(s.shot) * 20 * time.Millisecond)); !s.captured.IsZero() && (d < -bound || d > bound) {
			t.Errorf("sound %d is placed %v from where it was", s.shot, d)
		}
	}
}

// Lost packets are repaired, and not taken for a path that is too narrow.
func TestJoinOverALossyLink(t *testing.T) {
	for _, loss := range []float64{0.01, 0.05} {
		for _, age := range []time.Duration{400, 2000, 6000} {
			t.Run(fmt.Sprintf("%v lost, key frame %v old", loss, age*time.Millisecond), func(t *testing.T) {
				var keys []time.Duration
				for seed := range uint64(4) {
					s := seat{down: lane{delay: 20 * time.Millisecond, loss: loss}, firstReport: time.Duration(200+200*seed) * time.Millisecond}
					j := joinAt(t, tenSeconds(), age*time.Millisecond, s, 5*time.Second, seed)
					keys = append(keys, j.firstKey(t))
					if since, _ := j.live(150*time.Millisecond, 0.02); since > 3*time.Second {
						t.Errorf("seed %d: live after %v", seed, since)
					}
				}
				slices.Sort(keys)
				if keys[1] > 200*time.Millisecond || keys[3] > 500*time.Millisecond {
					t.Errorf("first key frames after %v", keys)
				}
			})
		}
	}
}

// The figure of the issue: 4 Mbit/s for a stream of 2.5, and the queue of a home
// router. The key frame comes within 500 ms and nothing is lost. Who can't catch
// up in time sees what there is until the next key frame.
func TestJoinOverASlowLink(t *testing.T) {
	const bits = 4_000_000
	for _, queue := range []time.Duration{150, 200} {
		for _, age := range []time.Duration{100, 1000, 1300, 2000, 5000} {
			for _, report := range []time.Duration{300, 1400} {
				t.Run(fmt.Sprintf("queue %v, key frame %v old, report after %v", queue*time.Millisecond, age*time.Millisecond, report*time.Millisecond), func(t *testing.T) {
					next := 10*time.Second - age*time.Millisecond
					l := lane{delay: 20 * time.Millisecond, bits: bits, queue: int(queue) * bits / 8000}
					j := joinAt(t, tenSeconds(), age*time.Millisecond, seat{down: l, firstReport: report * time.Millisecond}, max(next, 4*time.Second)+2*time.Second, 1)
					if got := j.firstKey(t); got > 200*time.Millisecond {
						t.Errorf("first key frame after %v", got)
					}
					if j.late.down.dropped > 0 {
						t.Errorf("%d packets dropped", j.late.down.dropped)
					}
					since, from := j.live(200*time.Millisecond, 0)
					if age < 1400 && since > 4*time.Second || since > next+200*time.Millisecond {
						t.Errorf("live after %v, the next key frame came after %v", since, next)
					}
					if age > 1400 && !j.late.frames[from].key {
						t.Errorf("live from picture %d on, which is no key frame", j.late.frames[from].shot)
					}
				})
			}
		}
	}
}

// A path with half as much room again as the stream takes loses nothing, however
// wide and long it is.
func TestJoinLosesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := camera{fps: rapid.SampledFrom([]int{15, 25, 30}).Draw(rt, "fps"), bits: rapid.IntRange(500, 2500).Draw(rt, "kbit/s") * 1000}
		c.gop = c.fps * rapid.IntRange(2, 10).Draw(rt, "seconds")
		c.keySize = c.bits / 8 / rapid.IntRange(6, 12).Draw(rt, "key frame")
		age := time.Duration(rapid.IntRange(0, 1000*(c.gop/c.fps)-400).Draw(rt, "age")) * time.Millisecond
		l := lane{delay: time.Duration(rapid.IntRange(1, 100).Draw(rt, "delay")) * time.Millisecond}
		l.bits = int(float64(c.bits) * rapid.Float64Range(1.6, 20).Draw(rt, "room"))
		l.queue = max(l.bits/8*rapid.IntRange(150, 300).Draw(rt, "queue")/1000, 2*leastProbe)
		s := seat{down: l, firstReport: time.Duration(rapid.IntRange(100, 1500).Draw(rt, "report")) * time.Millisecond, blind: rapid.Bool().Draw(rt, "blind")}
		j := joinAt(t, c, age, s, 3*time.Second, 1)
		if j.late.down.dropped > 0 {
			rt.Errorf("%d packets dropped; believed %d of %d", j.late.down.dropped, j.late.v.path.bits, l.bits)
		}
		if got := j.firstKey(t); got > 2*l.delay+450*time.Millisecond {
			rt.Errorf("first key frame after %v", got)
		}
	})
}

// Without receiver reports, or with an encoder's word on the path, a replay does
// what can be known.
func TestJoinByWhatIsKnown(t *testing.T) {
	const never = time.Hour
	for name, c := range map[string]struct {
		age       time.Duration
		remb      int
		blind     bool
		wantLive  time.Duration // at the latest
		wantFirst time.Duration // not before
	}{
		"nobody reports, young":           {age: time.Second, wantLive: 4 * time.Second},
		"nobody reports, not so young":    {age: 1800 * time.Millisecond, wantLive: 5 * time.Second},
		"nobody reports, old":             {age: 5 * time.Second, wantFirst: 5 * time.Second, wantLive: 5100 * time.Millisecond},
		"REMB says enough":                {age: 5 * time.Second, remb: 30_000_000, wantLive: time.Second},
		"REMB says it never will":         {age: 5 * time.Second, remb: 3_000_000, wantFirst: 5 * time.Second, wantLive: 5200 * time.Millisecond},
		"REMB says it will, if patiently": {age: time.Second, remb: 3_000_000, blind: true, wantFirst: 2 * time.Second, wantLive: 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTheatre(t, 1)
			j := joined{c: w.film(tenSeconds())}
			j.first = w.join(j.c.video, j.c.audio, seat{down: lane{delay: 20 * time.Millisecond}, firstReport: never})
			w.run(time.Second + c.age)
			j.late = w.join(j.c.video, j.c.audio, seat{down: lane{delay: 20 * time.Millisecond}, firstReport: never, blind: c.blind})
			if c.remb > 0 {
				w.run(50 * time.Millisecond)
				j.late.say(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: float32(c.remb), SSRCs: []uint32{watcherVideo}})
			}
			w.run(8 * time.Second)
			if got := j.firstKey(t); got > 80*time.Millisecond {
				t.Errorf("first key frame after %v", got)
			}
			if since, _ := j.live(20*time.Millisecond, 0); since > c.wantLive || since < c.wantFirst {
				t.Errorf("live after %v, want %v to %v", since, c.wantFirst, c.wantLive)
			}
		})
	}
}

// A path that turns out to carry less than was believed is not drowned for long.
func TestJoinThatDrownsItsPathStops(t *testing.T) {
	w := newTheatre(t, 1)
	j := joined{c: w.film(tenSeconds())}
	j.first = w.join(j.c.video, j.c.audio, seat{firstReport: time.Second})
	w.run(6 * time.Second)
	j.late = w.join(j.c.video, j.c.audio, seat{down: lane{delay: 20 * time.Millisecond, bits: 4_000_000, queue: 75_000}, firstReport: 2 * time.Second})
	j.late.say(&rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 100_000_000, SSRCs: []uint32{watcherVideo}})
	w.run(time.Second)
	if got := j.late.v.path.believed(w.now, j.late.v.sections[0].settings()); got > 11_000_000 {
		t.Errorf("still believed to carry %d", got)
	}
	w.run(7 * time.Second)
	if got := j.late.down.dropped; got > 800 || got == 0 {
		t.Errorf("%d packets dropped", got)
	}
	if since, _ := j.live(250*time.Millisecond, 0.05); since > 5500*time.Millisecond {
		t.Errorf("live after %v, the next key frame came after 5 s", since)
	}
}

// What a path carries is learnt from live key frames too, before anybody needs it:
// a publisher's successor is replayed at full pace at once.
func TestPathIsLearntFromLiveKeyFrames(t *testing.T) {
	for _, bits := range []int{4_000_000, 40_000_000} {
		w := newTheatre(t, 1)
		c := w.film(tenSeconds())
		l := w.join(c.video, c.audio, seat{down: lane{delay: 20 * time.Millisecond, bits: bits, queue: bits / 40}, firstReport: time.Second})
		w.run(13 * time.Second) // the second key frame came after eleven
		if got := l.v.path.believed(w.now, l.v.sections[0].settings()); got < bits*6/10 || got > bits {
			t.Errorf("%d believed of %d", got, bits)
		}
	}
}
