package router

import (
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// said is a packet of sound with the bytes of the audio-level extension.
func said(n int, value ...byte) wire {
	w := opus(uint16(n), uint32(n)*960)
	w.ext = map[uint8][]byte{intakeLevel: value}
	return w
}

// TestLevel: the median of the last 100 ms.
func TestLevel(t *testing.T) {
	run := func(level byte, n int) (values []byte) {
		for range n {
			values = append(values, level)
		}
		return values
	}
	for name, c := range map[string]struct {
		every  time.Duration
		values []byte
		later  time.Duration
		want   uint8
		known  bool
	}{
		"nothing yet":                      {20 * ms, nil, 0, 127, false},
		"speech":                           {20 * ms, run(30, 10), 0, 30, true},
		"the bit of voice activity":        {20 * ms, run(0x80|30, 10), 0, 30, true},
		"a click":                          {20 * ms, append(run(100, 10), 10), 20 * ms, 100, true},
		"the stroke of a key":              {20 * ms, append(run(100, 10), 10, 10), 20 * ms, 100, true},
		"speech after 60 ms":               {20 * ms, append(run(100, 10), 30, 30, 30), 20 * ms, 30, true},
		"the first packet":                 {20 * ms, run(30, 1), 0, 30, true},
		"two packets: the quieter":         {20 * ms, []byte{30, 90}, 20 * ms, 90, true},
		"packets of 10 ms":                 {10 * ms, append(run(100, 10), run(30, 6)...), 10 * ms, 30, true},
		"packets of 60 ms":                 {60 * ms, append(run(100, 10), run(30, 2)...), 20 * ms, 30, true},
		"packets of 120 ms":                {120 * ms, append(run(100, 10), 30), 119 * ms, 30, true},
		"packets of 2.5 ms":                {2500 * time.Microsecond, run(30, 100), 0, 30, true},
		"silence that sends little":        {400 * ms, run(30, 5), 200 * ms, 127, true},
		"nothing for almost a second":      {20 * ms, run(30, 10), 999 * ms, 127, true},
		"nothing for a second":             {20 * ms, run(30, 10), time.Second, 127, false},
		"longer than numbers are kept for": {20 * ms, run(30, 1), 1000 * time.Hour, 127, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, nil)
			for n, v := range c.values {
				if n > 0 {
					i.now = i.now.Add(c.every)
				}
				i.send(said(n, v))
			}
			if got, known := i.audio.Level(i.now.Add(c.later)); got != c.want || known != c.known {
				t.Errorf("%d, %v; want %d, %v", got, known, c.want, c.known)
			}
		})
	}
}

// What is no level is none, and video has none.
func TestLevelOfGarbage(t *testing.T) {
	i := newIntake(t, nil)
	picture := vp8(1, 0, true)
	picture.ext = map[uint8][]byte{intakeLevel: {30}}
	i.send(opus(1, 0), said(2, 1, 2), said(3, 1, 2, 3, 4), picture)
	if level, known := i.audio.Level(i.now); level != quietest || known {
		t.Errorf("%d, %v", level, known)
	}
	if level, known := i.video.Level(i.now); level != quietest || known {
		t.Errorf("video: %d, %v", level, known)
	}
	i.send(said(4, 30))
	if level, known := i.audio.Level(i.now.Add(-time.Minute)); level != 30 || !known {
		t.Errorf("asked for an earlier time: %d, %v", level, known)
	}
}

// A new SSRC begins anew.
func TestLevelFollowsTheLayer(t *testing.T) {
	i := newIntake(t, nil)
	i.send(said(1, 30))
	i.in.Close()
	if level, known := i.audio.Level(i.now); level != quietest || known {
		t.Errorf("%d, %v after the publisher has gone", level, known)
	}
}

// TestLevelIsOneOfThose: whatever comes in whatever order, the level is one of those
// sent in the last 100 ms, and at least half of them are not louder.
func TestLevelIsOneOfThose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var l LevelMeter
		now := time.Duration(0)
		recent := map[time.Duration]uint8{}
		for range rapid.IntRange(1, 40).Draw(rt, "packets") {
			now += time.Duration(rapid.IntRange(10, 150).Draw(rt, "pause")) * ms
			v := rapid.Byte().Draw(rt, "value")
			l.Note(now, v)
			recent[now] = min(v, quietest)
			got, known := l.Level(now)
			louder, quieter := 0, 0
			for at, v := range recent {
				switch {
				case now-at >= levelWindow:
					delete(recent, at)
				case v < got:
					louder++
				default:
					quieter++
				}
			}
			if !known || quieter == 0 || louder > quieter {
				rt.Fatalf("%d: %d louder, %d not, of %v", got, louder, quieter, recent)
			}
		}
	})
}

// Any number of readers beside the writer; for the race detector.
func TestLevelIsReadWhileItIsWritten(t *testing.T) {
	i := newIntake(t, nil)
	i.send(said(0, 30))
	var readers sync.WaitGroup
	start := i.now
	for range 4 {
		readers.Go(func() {
			for n := range 200 {
				if level, known := i.audio.Level(start.Add(time.Duration(n) * ms)); known && level != 30 && level != quietest {
					t.Errorf("level %d", level)
				}
			}
		})
	}
	for n := range 200 {
		i.now = i.now.Add(ms)
		i.in.RTP(i.now, said(n+1, 30).bytes())
	}
	readers.Wait()
}

func TestLevelAllocatesNothing(t *testing.T) {
	i := newIntake(t, nil)
	for n := range 20 {
		i.send(said(n, 30))
	}
	if n := testing.AllocsPerRun(100, func() { i.audio.Level(i.now) }); n > 0 {
		t.Errorf("%.1f allocations", n)
	}
}
