package router

import (
	"encoding/binary"
	"testing"
	"time"
)

// spoken is an endless stream of sound, with or without an audio level.
func spoken(b *testing.B, level bool) func() {
	cfg := intakeConfig()
	w := opus(0, 0)
	if level {
		w.ext = map[uint8][]byte{intakeLevel: {40}}
	}
	w.payload = append(w.payload, make([]byte, 80)...)
	in, raw, now, n := NewIngest(cfg), w.bytes(), intakeStart, 0
	b.Cleanup(in.Close)
	b.Cleanup(cfg.Sections[1].Track.Subscribe(nobody{}))
	return func() {
		n++
		binary.BigEndian.PutUint16(raw[2:], uint16(n))
		binary.BigEndian.PutUint32(raw[4:], uint32(n)*960)
		now = now.Add(20 * time.Millisecond)
		in.RTP(now, raw)
	}
}

func BenchmarkIngestSound(b *testing.B) {
	for name, level := range map[string]bool{"plain": false, "with level": true} {
		b.Run(name, func(b *testing.B) {
			next := spoken(b, level)
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
		})
	}
}

func BenchmarkLevel(b *testing.B) {
	var l LevelMeter
	var at time.Duration
	b.Run("note", func(b *testing.B) {
		for b.Loop() {
			at += 20 * time.Millisecond
			l.Note(at, 40)
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			l.Level(at)
		}
	})
}
