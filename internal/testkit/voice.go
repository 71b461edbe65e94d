package testkit

import (
	"slices"
	"time"

	"github.com/headgate/headgate/router"
)

// Say sends these packets of Opus from now on, over and over; none is the usual
// silence.
func (p *Publisher) Say(packets ...[]byte) { p.voice.Store(&packets) }

// said is the next packet of sound.
func (p *Publisher) said() []byte {
	packets := p.voice.Load()
	if packets == nil || len(*packets) == 0 {
		return p.opt.Quirks.sound()
	}
	p.spoken++
	return (*packets)[p.spoken%len(*packets)]
}

// Hearing is a packet of sound that a Player got.
type Hearing struct {
	At time.Time
	// Seq is the extended sequence number.
	Seq       int64
	Timestamp uint32
	Payload   []byte
}

// Heard are the packets of sound in the order of their arrival, the first hundred
// thousand.
func (s *Slot) Heard() []Hearing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

// Heard is Slot.Heard of a player with one section.
func (p *Player) Heard() []Hearing { return p.receiver.slots[0].Heard() }

// hear takes a burst of sound.
func (s *Slot) hear(now time.Time, packets []*router.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sounds += len(packets)
	for _, p := range packets {
		if len(s.heard) < maxHeaders {
			s.heard = append(s.heard, Hearing{now, p.Seq, p.Timestamp, p.Payload})
		}
	}
}
