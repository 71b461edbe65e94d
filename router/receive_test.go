package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every number that a lossy, reordering, duplicating network delivers gets the
// Seq it would have had if only its padding had been left out, and is taken once.
func TestSequencerModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := int64(rapid.Uint16().Draw(t, "start"))
		n := rapid.IntRange(1, 400).Draw(t, "packets")
		padding := rapid.SliceOfN(rapid.Bool(), n, n).Draw(t, "padding")
		delivered := network(t, n)
		q := newSequencer(512, 90000)
		model := compactor{start: start, padding: padding}
		for _, at := range delivered {
			ext, v := q.judge(intakeStart, uint16(start+int64(at)), uint32(at)*intakeFrame)
			want := model.judge(at)
			if v != want {
				t.Fatalf("packet %d is judged %d, want %d", at, v, want)
			}
			if v == arrivedTwice {
				continue
			}
			seq, missing := q.take(intakeStart, ext, uint32(at)*intakeFrame, padding[at])
			wantSeq, wantMissing := model.take(at)
			if seq != wantSeq || missing != wantMissing {
				t.Fatalf("packet %d gets %d with %d missing, want %d with %d", at, seq, missing, wantSeq, wantMissing)
			}
		}
	})
}

// network drops, swaps and repeats the numbers below n.
func network(t *rapid.T, n int) (delivered []int) {
	for at := range n {
		switch rapid.IntRange(0, 9).Draw(t, "fate") {
		case 0: // lost
		case 1:
			delivered = append(delivered, at, at)
		default:
			delivered = append(delivered, at)
		}
	}
	for range n / 4 {
		if len(delivered) < 2 {
			break
		}
		a := rapid.IntRange(0, len(delivered)-2).Draw(t, "swap")
		b := min(a+rapid.IntRange(1, 30).Draw(t, "by"), len(delivered)-1)
		delivered[a], delivered[b] = delivered[b], delivered[a]
	}
	return delivered
}

// compactor is the model: it remembers everything.
type compactor struct {
	start   int64
	padding []bool
	first   int
	highest int
	begun   bool
	taken   map[int]bool
	away    []int // numbered away, by order of arrival
}

func (c *compactor) judge(at int) verdict {
	switch {
	case !c.begun || at > c.highest:
		return arrivedNext
	case c.taken[at] || at < c.first-earlyNumbers:
		return arrivedTwice
	}
	return arrivedLate
}

func (c *compactor) take(at int) (seq int64, missing int) {
	if !c.begun {
		c.begun, c.first, c.highest, c.taken = true, at, at-1, map[int]bool{}
	}
	seq = firstCycle + int64(at)
	if c.start+int64(c.first) >= 1<<16 {
		seq -= 1 << 16 // the first number that came is extended from its 16 bits
	}
	seq += c.start
	for _, e := range c.away {
		if e < at {
			seq--
		}
	}
	c.taken[at] = true
	if at > c.highest {
		missing = at - c.highest - 1
		c.highest = at
		if c.padding[at] {
			c.away = append(c.away, at)
		}
	}
	return seq, missing
}

func TestSequencerVerdicts(t *testing.T) {
	begin := func() sequencer {
		q := newSequencer(128, 90000)
		for n := range uint16(200) {
			ext, _ := q.judge(intakeStart, 65500+n, 1<<31-50000+uint32(n)*intakeFrame)
			q.take(intakeStart, ext, 1<<31-50000+uint32(n)*intakeFrame, false)
		}
		return q
	}
	newest, stamp := uint16(65500+199-65536), uint32(1<<31-50000+199*intakeFrame)
	for name, c := range map[string]struct {
		seq   uint16
		stamp uint32
		after time.Duration
		want  verdict
	}{
		"next":                              {newest + 1, stamp + intakeFrame, 0, arrivedNext},
		"same frame":                        {newest + 1, stamp, 0, arrivedNext},
		"reordered picture":                 {newest + 1, stamp - 4*intakeFrame, 0, arrivedNext},
		"after a loss":                      {newest + 3000, stamp + 3000, 0, arrivedNext},
		"too far":                           {newest + 3001, stamp + 3000, 0, arrivedStrange},
		"time jumps":                        {newest + 1, stamp + 11*90000, 0, arrivedStrange},
		"time jumps back":                   {newest + 1, stamp - 6*90000, 0, arrivedStrange},
		"after a pause":                     {newest + 1, stamp + 60*90000, 55 * time.Second, arrivedNext},
		"after a night":                     {newest + 1, stamp + 1<<31 + 5, 9 * time.Hour, arrivedNext},
		"time stands still in a pause":      {newest + 1, stamp + intakeFrame, time.Minute, arrivedNext},
		"known":                             {newest - 5, stamp - 5*intakeFrame, 0, arrivedTwice},
		"known number, other time":          {newest - 5, stamp - 4*intakeFrame, 0, arrivedStrange},
		"older than the window":             {newest - 140, stamp - 140*intakeFrame, 0, arrivedTwice},
		"older than the window, other time": {newest - 140, stamp + 1<<30, 0, arrivedStrange},
	} {
		t.Run(name, func(t *testing.T) {
			q := begin()
			if _, v := q.judge(intakeStart.Add(c.after), c.seq, c.stamp); v != c.want {
				t.Errorf("%d, want %d", v, c.want)
			}
		})
	}
}

func TestSequencerLongHole(t *testing.T) {
	q := newSequencer(128, 90000)
	q.take(intakeStart, 1000, 0, false)
	seq, missing := q.take(intakeStart, 3000, 0, false)
	if seq != 3000 || missing != 1999 {
		t.Errorf("Seq %d, %d missing", seq, missing)
	}
	if _, v := q.judge(intakeStart, 2999, 0); v != arrivedLate {
		t.Errorf("2999 is %d", v)
	}
	if _, v := q.judge(intakeStart, 2500, 0); v != arrivedTwice {
		t.Errorf("2500 is %d: outside the window", v)
	}
}

// RFC 3550 A.3: loss as the report block counts it.
func TestReceptionLoss(t *testing.T) {
	var r reception
	arrive := func(from, to int64) {
		for e := from; e <= to; e++ {
			r.arrive(0, e, 0, 90000)
		}
	}
	check := func(what string, fraction uint8, total uint32) {
		t.Helper()
		if f, n := r.lost(); f != fraction || n != total {
			t.Errorf("%s: fraction %d, total %d; want %d, %d", what, f, n, fraction, total)
		}
	}
	arrive(101, 150)
	check("nothing lost", 0, 0)
	arrive(176, 200)
	check("half lost", 128, 25)
	arrive(201, 300)
	check("nothing lost since", 0, 25)
	for range 3 {
		arrive(151, 175)
	}
	check("duplicates make up", 0, 0xffffff&uint32(1<<32-50))
	arrive(400, 400)
	check("99 of 100 lost", 253, 49)
	check("nothing came", 0, 49)
	arrive(9_000_000, 9_000_000)
	check("clamped", 255, 0x7fffff)
	r = reception{}
	arrive(10, 10)
	arrive(9, 9)
	check("swapped at the start", 0, 0)
}

// RFC 3550 A.8: the jitter of a constant variation of 10 ms settles there.
func TestReceptionJitter(t *testing.T) {
	var r reception
	for n := range int64(400) {
		at := time.Duration(n) * 20 * time.Millisecond
		if n%2 == 1 {
			at += 10 * time.Millisecond
		}
		r.arrive(at, n, uint32(n*960)+0xffff0000, 48000)
	}
	if r.jitter < 479 || r.jitter > 481 {
		t.Errorf("jitter %v units, want 480", r.jitter)
	}
	before := r.jitter
	r.arrive(9*time.Second, 401, 0x12345678, 48000) // the clock jumped
	if r.jitter != before {
		t.Error("a jump of the timestamps is no jitter")
	}
}

func TestTicksAndDurations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]uint32{8000, 48000, 90000, 1}).Draw(t, "rate")
		ticks := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "ticks")
		if rate == 1 {
			ticks >>= 10
		}
		if got := ticksOf(durationOf(ticks, rate), rate); got < ticks-1 || got > ticks+1 {
			t.Errorf("%d becomes %d", ticks, got)
		}
	})
}
