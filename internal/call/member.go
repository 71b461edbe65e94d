package call

import (
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
)

// JoinRequest asks for a member stream.
type JoinRequest struct {
	Channel string
	// Participant is made up (guest-...) where it is empty. Login and Expires are as
	// in auth.Grant.
	Participant, Login string
	Expires            time.Time
	Name               string
	Tags               map[string]string
	// Call makes a channel that nobody provisioned a call.
	Call bool
}

// Membership is what joining made.
type Membership struct {
	// Secret is the id in the stream's URL: 128 bits.
	Secret                     string
	Channel, Participant, Name string
	Kind                       Kind
}

// Join makes a member stream.
func (s *Service) Join(r JoinRequest) (Membership, error) { return Membership{}, ErrChannelUnknown }

// Listen begins to read a stream, after lastID where that can still be done and else
// with a snapshot. Whoever read it before is cut off. left must be called when the
// reader has gone. The data of events are json.RawMessage.
func (s *Service) Listen(secret, lastID string) (reader *events.Reader, left func(), err error) {
	return nil, nil, ErrChannelUnknown
}

// Leave ends a stream.
func (s *Service) Leave(secret string) error { return nil }

// Tell sends an event to the member streams of a login, for what only it is told:
// slots, layers, active and inactive of its sessions. data is encoded as JSON once.
func (s *Service) Tell(channel, login, event string, data any) {}

// Enter notes a session of a participant, for names, tags and logins; leave is called
// with the reason when it has ended, which may be nil.
func (s *Service) Enter(e Entry) (leave func(reason *fault.Error)) { return func(*fault.Error) {} }

// Entry is a WHIP or WHEP session of somebody.
type Entry struct {
	Channel, Participant, Source, Login string
	// ID is the public id of the session. Publisher tells that it is one.
	ID        string
	Publisher bool
	Name      string
	Tags      map[string]string
	// Expires is when the token ends the session; zero for never.
	Expires time.Time
}

// Participant is one of the roster.
type Participant struct {
	ID       string            `json:"participant"`
	Name     string            `json:"name,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Joined   time.Time         `json:"joined"`
	Speaking bool              `json:"speaking"`
	Quality  *Quality          `json:"quality,omitempty"`
	Sources  []string          `json:"sources"`
}

// Participants lists those of a channel by id; nil where nobody is.
func (s *Service) Participants(channel string) []Participant { return nil }

// Members is how many participants a channel has.
func (s *Service) Members(channel string) int { return 0 }
