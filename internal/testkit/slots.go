package testkit

import (
	"strconv"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/headgate/headgate/router"
)

// Slot is what a Player gets in one of its slots: the i-th audio and the i-th video
// section of its offer. It is safe for concurrent use.
type Slot struct {
	Eye *Eye
	// stream is the msid stream of its sections in the answer.
	stream string

	mu     sync.Mutex
	sounds int
	heard  []Hearing
	codecs []string
	ssrcs  map[router.Kind]uint32
	asked  time.Time
}

func newSlot() *Slot { return &Slot{Eye: NewEye(), ssrcs: make(map[router.Kind]uint32)} }

// Slot returns slot i of a player with PlayerOptions.Slots.
func (p *Player) Slot(i int) *Slot { return p.receiver.slots[i] }

// Stream is the msid stream that the answer gives the slot.
func (s *Slot) Stream() string { return s.stream }

// Sounds counts audio packets.
func (s *Slot) Sounds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sounds
}

// Codecs are those of the video that came over the wire, in order, without
// repetitions.
func (s *Slot) Codecs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.codecs...)
}

// note takes a header as it came over the wire.
func (s *Slot) note(h *rtp.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h.SSRC != s.ssrcs[router.Video] {
		return
	}
	codec := strconv.Itoa(int(h.PayloadType))
	switch h.PayloadType {
	case h264Type:
		codec = router.H264
	case vp8Type:
		codec = router.VP8
	}
	if n := len(s.codecs); n == 0 || s.codecs[n-1] != codec {
		s.codecs = append(s.codecs, codec)
	}
}

// deliver takes a burst of one of its sections.
func (s *Slot) deliver(now time.Time, b router.Burst) {
	if b.Layer.Track().Kind() == router.Audio {
		s.hear(now, b.Packets)
		return
	}
	for _, p := range b.Packets {
		s.Eye.Packet(now, p.Seq, p.Timestamp, p.Payload)
	}
}

// stuck tells whether to ask for a key frame, and for what SSRC.
func (s *Slot) stuck(now time.Time, patience time.Duration) (ssrc uint32, ask bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Eye.stuckSince(now) < patience || now.Sub(s.asked) < patience {
		return 0, false
	}
	s.asked = now
	return s.ssrcs[router.Video], true
}
