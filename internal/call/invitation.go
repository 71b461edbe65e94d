package call

import "time"

// Invitation asks somebody into a channel.
type Invitation struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	In      string    `json:"in"`
	Message string    `json:"message,omitempty"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Publish and Play are what the inviter may do in Channel, and Until is when that
	// ends, zero for never: nobody gives away more than they have.
	Publish bool      `json:"-"`
	Play    bool      `json:"-"`
	Until   time.Time `json:"-"`
}

// The states of an invitation.
const (
	InvitationPending   = "pending"
	InvitationAccepted  = "accepted"
	InvitationDeclined  = "declined"
	InvitationCancelled = "cancelled"
	InvitationExpired   = "expired"
)

// Invite makes an invitation and tells the addressee in the channel i.In.
func (s *Service) Invite(i Invitation, valid time.Duration) (Invitation, error) {
	return i, ErrParticipantUnknown
}

// Invitation finds one.
func (s *Service) Invitation(id string) (Invitation, error) {
	return Invitation{}, ErrParticipantUnknown
}

// Settle changes the state of an invitation, if it is pending or is in that state
// already. Error: a fault invitation-settled, invitation-unknown.
func (s *Service) Settle(id, state string) (Invitation, error) {
	return Invitation{}, ErrParticipantUnknown
}
