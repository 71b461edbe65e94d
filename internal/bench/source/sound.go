package source

import (
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

const (
	soundInterval = 20 * time.Millisecond
	soundSamples  = 960 // of 48 kHz
	soundBytes    = 160 // 64 kbit/s
	// opusTOC is CELT, full band, 20 ms, stereo, one frame (RFC 6716 section 3.1).
	opusTOC = 0xfc
)

// sound is a synthetic track of Opus.
type sound struct {
	*stream
	wait   time.Duration
	count  int
	packet []byte
	loud   func(time.Time) uint8 // Config.Level
}

func newSound(out *stream, wait time.Duration, loud func(time.Time) uint8) *sound {
	p := make([]byte, soundBytes)
	for i := range p {
		p[i] = byte('!' + i%90)
	}
	p[0] = opusTOC
	return &sound{stream: out, wait: wait, packet: p, loud: loud}
}

func (s *sound) due() time.Duration { return s.wait + time.Duration(s.count)*soundInterval }

func (s *sound) send(now time.Time) {
	s.count++
	s.timestamp += soundSamples
	if s.loud != nil {
		s.level = s.loud(now)
	}
	stamp.Put(s.packet[1:], now, s.mark(uint32(s.count))) //nolint:gosec // counts packets of a run
	s.write(s.packet, false)
}
