package call

import "time"

// Ban shuts a participant out of a channel until a time.
type Ban struct {
	Participant string    `json:"participant"`
	Until       time.Time `json:"until"`
	Reason      string    `json:"reason,omitempty"`
}

// Kick puts a participant out: streams and sessions of every login end with
// ErrKicked. With a ban it cannot come again for that time. detail is told to them.
// Error: ErrParticipantUnknown where there is none and no ban is asked for.
func (s *Service) Kick(channel, participant, detail string, ban time.Duration) error {
	return ErrParticipantUnknown
}

// Bans lists those of a channel, by participant.
func (s *Service) Bans(channel string) []Ban { return nil }

// Unban lets a participant in again.
func (s *Service) Unban(channel, participant string) {}

// Disband puts everybody out with ErrDisbanded, viewers included.
func (s *Service) Disband(channel string) {}
