package call

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
)

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

const (
	// maxInvitations bounds those of a channel, maxOpen those of an inviter there that
	// nobody has answered yet, and allInvitations those of all channels.
	maxInvitations = 1000
	maxOpen        = 20
	allInvitations = 100_000
	// settledFor is how long it can be asked what became of one.
	settledFor = 10 * time.Minute
)

var (
	// ErrInvitationUnknown refuses an invitation nobody knows.
	ErrInvitationUnknown = fault.New(fault.NotFound, "invitation-unknown",
		"There is no such invitation; it may have been settled a while ago.")
	// ErrInvitationSettled refuses to change what has become of an invitation.
	ErrInvitationSettled = fault.New(fault.Conflict, "invitation-settled",
		"The invitation has been accepted, declined or cancelled, or its time is over; ask for a new one.")
	// ErrInvitations refuses more invitations.
	ErrInvitations = fault.New(fault.RateLimited, "too-many-invitations",
		"As many invitations are open as there may be; wait until they are answered, or cancel some.")
)

// invitations are those of all channels. Service.mu guards them.
type invitations struct {
	byID      map[string]*invitation
	byChannel map[string]map[string]*invitation
}

// invitation is one until it is forgotten.
type invitation struct {
	Invitation
	forget time.Time
}

// invited is the data of the events.
type invited struct {
	Invitation
	At time.Time `json:"at"`
}

// Invite makes an invitation and tells the addressee in the channel i.In, where they
// must have a member stream.
//
// Errors: ErrBanned, ErrParticipantUnknown, ErrInvitations.
func (s *Service) Invite(i Invitation, valid time.Duration) (Invitation, error) {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{i.Channel, i.In} {
		if c := s.channels[name]; c != nil {
			if reason, banned := c.banned(now, i.From); banned {
				return Invitation{}, reason
			}
		}
	}
	to := s.personIn(i.In, i.To)
	if to == nil || len(to.streams) == 0 {
		return Invitation{}, ErrParticipantUnknown.Because("%q reads no events in %q and cannot be told; the roster lists those who are there.", i.To, i.In)
	}
	if err := s.invitations.admit(now, i); err != nil {
		return Invitation{}, err
	}
	i.ID, i.State = newSecret(), InvitationPending
	i.Created, i.Expires = stamp(now), stamp(now.Add(valid))
	s.invitations.add(&invitation{Invitation: i, forget: i.Expires.Add(settledFor)})
	to.tell(EventInvited, invited{i, i.Created})
	return i, nil
}

// personIn finds a participant, nil for nobody. s.mu is held.
func (s *Service) personIn(channel, participant string) *person {
	if c := s.channels[channel]; c != nil {
		return c.people[participant]
	}
	return nil
}

// admit makes room for one more, or refuses.
func (l *invitations) admit(now time.Time, i Invitation) error {
	open, oldest := 0, (*invitation)(nil)
	for _, other := range l.byChannel[i.Channel] {
		switch {
		case other.State != InvitationPending:
			if oldest == nil || other.forget.Before(oldest.forget) {
				oldest = other
			}
		case other.From == i.From:
			open++
		}
	}
	switch {
	case open >= maxOpen, len(l.byID) >= allInvitations:
		return ErrInvitations.After(l.wait(now, i))
	case len(l.byChannel[i.Channel]) < maxInvitations:
		return nil
	case oldest == nil:
		return ErrInvitations.After(l.wait(now, i))
	}
	l.remove(oldest)
	return nil
}

// wait is when the first of the open ones of a channel expires.
func (l *invitations) wait(now time.Time, i Invitation) time.Duration {
	wait := time.Minute
	for _, other := range l.byChannel[i.Channel] {
		if other.State == InvitationPending {
			wait = min(wait, max(other.Expires.Sub(now), time.Second))
		}
	}
	return wait
}

func (l *invitations) add(i *invitation) {
	if l.byID == nil {
		l.byID, l.byChannel = make(map[string]*invitation), make(map[string]map[string]*invitation)
	}
	if l.byChannel[i.Channel] == nil {
		l.byChannel[i.Channel] = make(map[string]*invitation)
	}
	l.byID[i.ID], l.byChannel[i.Channel][i.ID] = i, i
}

func (l *invitations) remove(i *invitation) {
	delete(l.byID, i.ID)
	delete(l.byChannel[i.Channel], i.ID)
	if len(l.byChannel[i.Channel]) == 0 {
		delete(l.byChannel, i.Channel)
	}
}

// Invitation finds one. Error: ErrInvitationUnknown.
func (s *Service) Invitation(id string) (Invitation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.invitations.byID[id]
	if i == nil {
		return Invitation{}, ErrInvitationUnknown
	}
	s.expire(s.parts.Now(), i)
	return i.Invitation, nil
}

// Settle changes the state of an invitation, if it is pending or is in that state
// already, and tells both. Errors: ErrInvitationSettled, ErrInvitationUnknown.
func (s *Service) Settle(id, state string) (Invitation, error) {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.invitations.byID[id]
	if i == nil {
		return Invitation{}, ErrInvitationUnknown
	}
	switch s.expire(now, i); i.State {
	case state:
	case InvitationPending:
		s.settleInvitation(now, i, state)
	default:
		return i.Invitation, ErrInvitationSettled
	}
	return i.Invitation, nil
}

// expire settles an invitation whose time is over. s.mu is held, as in what follows.
func (s *Service) expire(now time.Time, i *invitation) {
	if i.State == InvitationPending && !now.Before(i.Expires) {
		s.settleInvitation(now, i, InvitationExpired)
	}
}

func (s *Service) settleInvitation(now time.Time, i *invitation, state string) {
	i.State, i.forget = state, now.Add(settledFor)
	data := encode(invited{i.Invitation, stamp(now)})
	heard := make(map[*person]bool)
	for _, p := range []*person{s.personIn(i.Channel, i.From), s.personIn(i.In, i.From), s.personIn(i.In, i.To)} {
		if p != nil && !heard[p] {
			heard[p] = true
			p.tell(EventInvitation, data)
		}
	}
}

// withdraw cancels what is pending of the invitations into a channel: those of one
// inviter, or all where from is empty. Who was put out lets nobody in.
func (s *Service) withdraw(now time.Time, channel, from string) {
	for _, i := range s.invitations.byChannel[channel] {
		if s.expire(now, i); i.State == InvitationPending && (from == "" || i.From == from) {
			s.settleInvitation(now, i, InvitationCancelled)
		}
	}
}

// sweepInvitations expires and forgets.
func (s *Service) sweepInvitations(now time.Time) {
	for _, i := range s.invitations.byID {
		s.expire(now, i)
		if !now.Before(i.forget) {
			s.invitations.remove(i)
		}
	}
}
