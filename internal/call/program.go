package call

import (
	"slices"
	"time"

	"github.com/headgate/headgate/router"
)

// ProgramState is what a channel shows to those who did not ask for somebody.
type ProgramState struct {
	// Pinned is the zero Cast for nobody, Video and Audio are who is shown now.
	Pinned, Video, Audio router.Cast
	// Speaker is the participant who speaks, or spoke last; "" for nobody yet.
	Speaker string
}

// Program tells the program of a channel.
func (s *Service) Program(channel string) ProgramState {
	st := s.lockStage(channel)
	defer s.unlockStage(st)
	if st.refreshed.IsZero() {
		st.refresh(s.parts.Now())
	}
	return st.state()
}

// Pin makes a publication the program, whether it is there or not; the zero Cast
// leaves it to the rules.
func (s *Service) Pin(channel string, c router.Cast) {
	now := s.parts.Now()
	st := s.lockStage(channel)
	defer s.unlockStage(st)
	if st.pinned == c {
		return
	}
	st.pinned = c
	st.refresh(now)
	st.direct(now)
}

// The data of the events that tell who speaks.
type (
	speakingData struct {
		Participant string    `json:"participant"`
		Speaking    bool      `json:"speaking"`
		Level       *uint8    `json:"level,omitempty"`
		At          time.Time `json:"at"`
	}
	speakerData struct {
		Participant *string   `json:"participant"`
		At          time.Time `json:"at"`
	}
)

// announce tells the members of a channel who speaks, where that is news, and
// remembers the program for those who come.
func (s *Service) announce(now time.Time, channel string, state ProgramState, speaking []string, samples []sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil && state.Pinned == (router.Cast{}) {
		return
	}
	c = s.channel(channel)
	before := c.program.Speaker
	c.program = state
	for _, p := range c.people {
		speaks := slices.Contains(speaking, p.id) && !p.joined.IsZero()
		if speaks != p.speaking {
			p.speaking = speaks
			c.tell(EventSpeaking, speakingData{Participant: p.id, Speaking: speaks, Level: levelOfSpeaker(samples, p.id, speaks), At: stamp(now)})
		}
	}
	if state.Speaker != before {
		data := speakerData{At: stamp(now)}
		if state.Speaker != "" {
			data.Participant = &state.Speaker
		}
		c.tell(EventSpeaker, data)
	}
	s.forget(c)
}

// levelOfSpeaker is the loudest of a participant's levels, nil for somebody who is
// silent.
func levelOfSpeaker(samples []sample, participant string, speaking bool) *uint8 {
	if !speaking {
		return nil
	}
	level := uint8(silentLevel)
	for _, m := range samples {
		if m.Participant == participant && m.known {
			level = min(level, m.level)
		}
	}
	return &level
}
