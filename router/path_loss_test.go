package router

import (
	"encoding/binary"
	"testing"
	"time"
)

// A hole that the publisher left is no loss of the viewer's path.
func TestPathLossLeavesOutHoles(t *testing.T) {
	report := func(v *Viewer, fraction byte, highest int64) float64 {
		s := v.sections[0]
		b := make([]byte, reportBlock)
		binary.BigEndian.PutUint32(b, s.cfg.SSRC)
		b[4] = fraction
		binary.BigEndian.PutUint32(b[8:], uint32(highest))
		v.readReports(time.Now(), 1, b, nil)
		return v.Stats().PathLoss
	}
	for name, c := range map[string]struct {
		hole     func(n int64) bool
		fraction byte
		least    float64
		most     float64
		late     bool // holes are filled
	}{
		"nothing lost":           {func(int64) bool { return false }, 0, 0, 0, false},
		"a tenth lost on path":   {func(int64) bool { return false }, 26, .09, .11, false},
		"a tenth never came":     {func(n int64) bool { return n%10 == 0 }, 26, 0, .01, false},
		"a tenth came late":      {func(n int64) bool { return n%10 == 0 }, 26, 0, .01, true},
		"both":                   {func(n int64) bool { return n%10 == 0 }, 51, .1, .12, false},
		"nothing came at all":    {func(int64) bool { return true }, 255, 0, 0, false},
		"more than can be":       {func(n int64) bool { return n%2 == 0 }, 255, .98, 1, false},
		"holes that came by now": {func(n int64) bool { return n%10 == 0 }, 0, 0, 0, false},
	} {
		v := NewViewer(ViewerConfig{Sections: []SectionConfig{{Kind: Audio, SSRC: 7}}})
		w := &v.sections[0].window
		first := w.highest + 1
		w.advance(first)
		report(v, 0, first)
		for n := first + 1; n < first+200; n++ {
			if !c.hole(n) {
				w.advance(n)
			}
		}
		for n := first + 1; c.late && n < first+200; n++ {
			if c.hole(n) {
				w.mark(n)
			}
		}
		if got := report(v, c.fraction, first+199); got < c.least || got > c.most {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What a report says of numbers that nobody sent changes nothing but itself.
func FuzzPathLoss(f *testing.F) {
	f.Add(uint32(1), uint32(2), byte(3))
	f.Fuzz(func(t *testing.T, a, b uint32, fraction byte) {
		v := NewViewer(ViewerConfig{Sections: []SectionConfig{{Kind: Audio, SSRC: 7}}})
		block := make([]byte, reportBlock)
		binary.BigEndian.PutUint32(block, 7)
		block[4] = fraction
		for _, highest := range []uint32{a, b, a} {
			binary.BigEndian.PutUint32(block[8:], highest)
			v.readReports(time.Now(), 1, block, nil)
			if loss := v.Stats().PathLoss; !(loss >= 0 && loss <= 1) {
				t.Fatalf("loss %v", loss)
			}
		}
	})
}
