package call

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Ban shuts a participant out of a channel until a time.
type Ban struct {
	Participant string    `json:"participant"`
	Until       time.Time `json:"until"`
	Reason      string    `json:"reason,omitempty"`
}

// maxBans bounds those of a channel. When there are more the one that ends first is
// forgotten.
const maxBans = 10_000

// Kick puts a participant out: streams and sessions of every login end with
// ErrKicked, and nobody comes in by its invitations any more. With a ban it cannot
// come again for that time. detail is told to them.
// Error: ErrParticipantUnknown where there is none and no ban is asked for.
func (s *Service) Kick(channel, participant, detail string, ban time.Duration) error {
	known := s.kick(channel, participant, detail, ban)
	s.mu.Lock()
	sessions := s.sessions
	s.mu.Unlock()
	if sessions != nil && sessions.EndSessions(Match{Channel: channel, Participant: participant}, kicked(detail)) > 0 {
		known = true
	}
	if !known && ban <= 0 {
		return ErrParticipantUnknown
	}
	return nil
}

// kicked is ErrKicked with what the administrator said.
func kicked(detail string) *fault.Error {
	if detail == "" {
		return ErrKicked
	}
	return ErrKicked.Because("An administrator ended this session: %s", detail)
}

// kick ends the streams and tells whether there was such a participant.
func (s *Service) kick(channel, participant, detail string, ban time.Duration) bool {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if ban > 0 {
		s.channel(channel).ban(Ban{Participant: participant, Until: stamp(now.Add(ban)), Reason: detail})
	}
	s.withdraw(now, channel, participant)
	c := s.channels[channel]
	if c == nil || c.people[participant] == nil {
		return false
	}
	p := c.people[participant]
	s.endAll(now, p, every, kicked(detail), EventKicked, ended{Reason: ErrKicked.Code, Detail: detail, At: stamp(now)})
	if !p.joined.IsZero() {
		p.reason = ErrKicked.Code
	}
	s.settle(now, p)
	return true
}

// ban notes a ban. s.mu is held, as in what follows.
func (c *channel) ban(b Ban) {
	if _, known := c.bans[b.Participant]; !known && len(c.bans) >= maxBans {
		first := slices.MinFunc(slices.Collect(maps.Values(c.bans)), func(a, b Ban) int { return a.Until.Compare(b.Until) })
		delete(c.bans, first.Participant)
	}
	c.bans[b.Participant] = b
}

// banned returns the refusal for a participant, and whether it is banned.
func (c *channel) banned(now time.Time, participant string) (*fault.Error, bool) {
	b, ok := c.bans[participant]
	if !ok || participant == "" || !now.Before(b.Until) {
		return nil, false
	}
	return ErrBanned.After(b.Until.Sub(now)), true
}

// Bans lists those of a channel, by participant.
func (s *Service) Bans(channel string) []Ban {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	list := slices.Collect(maps.Values(c.bans))
	list = slices.DeleteFunc(list, func(b Ban) bool { return !now.Before(b.Until) })
	slices.SortFunc(list, func(a, b Ban) int { return strings.Compare(a.Participant, b.Participant) })
	return list
}

// Unban lets a participant in again.
func (s *Service) Unban(channel, participant string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.channels[channel]; c != nil {
		delete(c.bans, participant)
		s.forget(c)
	}
}

// Disband puts everybody out with ErrDisbanded, viewers included, and cancels the
// invitations into the channel.
func (s *Service) Disband(channel string) {
	s.disband(channel)
	s.Pin(channel, router.Cast{})
	s.endSessions([]ending{{Match{Channel: channel}, ErrDisbanded}})
}

func (s *Service) disband(channel string) {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.withdraw(now, channel, "")
	c := s.channels[channel]
	if c == nil {
		return
	}
	last := encode(ended{Reason: ErrDisbanded.Code, At: stamp(now)})
	for _, p := range slices.Collect(maps.Values(c.people)) {
		s.endAll(now, p, every, ErrDisbanded, EventClosed, last)
		if !p.joined.IsZero() {
			p.reason = ErrDisbanded.Code
		}
		s.settle(now, p)
	}
}
