package router

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// encoder feeds a layer frames of some size.
type encoder struct {
	layer *Layer
	at    time.Duration
	fps   int
	frame int
	every int     // frames between key frames
	bits  int     // per second, of the frames that are no key frames, on the wire
	times int     // how much larger key frames are
	ids   []uint8 // temporal, frame by frame
	sids  []uint8 // spatial, packet by packet
}

func newEncoder(fps, bits int) *encoder {
	return &encoder{layer: &Layer{born: intakeStart}, fps: fps, bits: bits, every: 2 * fps, times: 8}
}

// next sends one frame.
func (e *encoder) next() {
	bytes, key := e.bits/8/e.fps, e.frame%e.every == 0
	if key {
		bytes *= e.times
	}
	for i := 0; bytes > 0; i++ {
		n := min(bytes, 1160)
		p := &Packet{Arrival: intakeStart.Add(e.at), Payload: make([]byte, max(n-wireOverhead, 1)), Frame: Frame{Key: key}}
		if len(e.ids) > 0 && !key {
			p.Frame.Descriptor.TID = e.ids[e.frame%len(e.ids)]
		}
		if len(e.sids) > 0 {
			p.Frame.Descriptor.SID = e.sids[i%len(e.sids)]
		}
		e.layer.measure(p)
		bytes -= n
	}
	e.frame++
	e.at += time.Second / time.Duration(e.fps)
}

func (e *encoder) run(d time.Duration, each func(rate int)) {
	for end := e.at + d; e.at < end; {
		e.next()
		if each != nil {
			each(e.rate())
		}
	}
}

func (e *encoder) rate() int { return e.layer.WireRate(intakeStart.Add(e.at)) }

// truth is the mean over whole groups.
func (e *encoder) truth() float64 {
	return float64(e.bits) * float64(e.every-1+e.times) / float64(e.every)
}

func about(got int, want, share float64) bool { return math.Abs(float64(got)-want) <= want*share }

func TestWireRateIsThereWithinASecond(t *testing.T) {
	for _, fps := range []int{15, 25, 30, 60} {
		t.Run(fmt.Sprint(fps), func(t *testing.T) {
			e := newEncoder(fps, 600_000)
			e.run(200*time.Millisecond, nil)
			if got := e.rate(); got != 0 {
				t.Errorf("%d after 200 ms", got)
			}
			e.run(400*time.Millisecond, nil)
			if got := e.rate(); !about(got, e.truth(), 0.25) {
				t.Errorf("%d after 600 ms, want about %.0f", got, e.truth())
			}
			e.run(4*time.Second, nil)
			if got := e.rate(); !about(got, e.truth(), 0.1) {
				t.Errorf("%d after 5 s, want about %.0f", got, e.truth())
			}
		})
	}
}

// Whatever the interval between key frames and however large they are, the rate
// neither jumps nor strays.
func TestWireRateDoesNotFlapByKeyFrames(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := newEncoder(rapid.SampledFrom([]int{15, 24, 25, 30, 50, 60}).Draw(r, "fps"), rapid.IntRange(100_000, 4_000_000).Draw(r, "bits"))
		e.every = e.fps * rapid.IntRange(1, 10).Draw(r, "seconds")
		e.times = rapid.IntRange(1, 12).Draw(r, "times")
		e.run(6*time.Second, nil)
		before := e.rate()
		e.run(12*time.Second, func(rate int) {
			if !about(rate, float64(before), 0.2) {
				r.Fatalf("from %d to %d", before, rate)
			}
			if !about(rate, e.truth(), 0.25) {
				r.Fatalf("%d, want about %.0f", rate, e.truth())
			}
			before = rate
		})
	})
}

func TestWireRateGrowsAtOnceAndShrinksWithPatience(t *testing.T) {
	e := newEncoder(30, 300_000)
	e.run(6*time.Second, nil)
	low := e.truth()
	e.bits *= 4
	e.run(1100*time.Millisecond, nil)
	if got := e.rate(); !about(got, e.truth(), 0.25) {
		t.Errorf("%d a second after growing, want about %.0f", got, e.truth())
	}
	e.run(4*time.Second, nil)
	e.bits /= 4
	e.run(time.Second, nil)
	if got := e.rate(); float64(got) < 1.5*low {
		t.Errorf("%d a second after shrinking to %.0f", got, low)
	}
	e.run(4*time.Second, nil)
	if got := e.rate(); !about(got, low, 0.15) {
		t.Errorf("%d, want about %.0f", got, low)
	}
}

func TestWireRateOfASilentLayer(t *testing.T) {
	e := newEncoder(30, 300_000)
	if e.rate() != 0 {
		t.Error("a rate before the first packet")
	}
	e.run(5*time.Second, nil)
	e.at += 900 * time.Millisecond
	if e.rate() == 0 {
		t.Error("no rate after 900 ms")
	}
	e.at += 300 * time.Millisecond
	if got := e.rate(); got != 0 {
		t.Errorf("M-050: %d after 1.2 s", got)
	}
	e.at, e.bits, e.frame = e.at+20*time.Second, 900_000, 0
	e.run(time.Second, nil)
	if got := e.rate(); !about(got, e.truth(), 0.25) {
		t.Errorf("%d after going on, want about %.0f", got, e.truth())
	}
}

// A few frames a second leave most slots empty.
func TestWireRateOfASlideShow(t *testing.T) {
	e := newEncoder(3, 200_000)
	e.every = 1000
	e.run(12*time.Second, nil)
	if got := e.rate(); !about(got, 200_000, 0.1) {
		t.Errorf("%d, want about 200000", got)
	}
}

func TestWireRateUpToATemporalLayer(t *testing.T) {
	e := newEncoder(30, 400_000)
	e.every, e.ids = 10_000, []uint8{0, 2, 1, 2}
	e.run(6*time.Second, nil)
	now := intakeStart.Add(e.at)
	if got := e.layer.Temporal(); got != 2 {
		t.Errorf("temporal ids up to %d, want 2", got)
	}
	for tid, want := range []float64{100_000, 200_000, 400_000, 400_000} {
		if got := e.layer.WireRateUpTo(now, 0, tid); !about(got, want, 0.1) {
			t.Errorf("up to %d: %d, want about %.0f", tid, got, want)
		}
	}
	if e.layer.WireRateUpTo(now, 99, 99) != e.layer.WireRate(now) || e.layer.WireRateUpTo(now, -1, -1) != e.layer.WireRateUpTo(now, 0, 0) {
		t.Error("ids beyond those there are")
	}
}

func TestWireRateUpToASpatialLayer(t *testing.T) {
	e := scalable(2, 1)
	e.bits, e.every = 2_000_000, 60
	e.run(6*time.Second, nil)
	now := intakeStart.Add(e.at)
	if s, d := e.layer.Spatial(), e.layer.Temporal(); s != 2 || d != 1 {
		t.Fatalf("layers up to %d.%d, want 2.1", s, d)
	}
	whole := float64(e.layer.WireRate(now))
	if !about(int(whole), e.truth(), 0.1) {
		t.Errorf("%.0f, want about %.0f", whole, e.truth())
	}
	for sid, share := range []float64{0.41, 0.8, 1} { // dealt out packet by packet
		if got := e.layer.WireRateUpTo(now, sid, 1); !about(got, whole*share, 0.15) {
			t.Errorf("up to %d: %d of %.0f", sid, got, whole)
		}
	}
	e.layer.codec = testVP8
	if e.layer.Spatial() != 0 {
		t.Error("VP8 has spatial layers")
	}
}
