package call

import (
	"crypto/rand"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/headgate/headgate/internal/fault"
)

// maxText is the longest text of a message, in bytes.
const maxText = 16 << 10

// The refusals of messages.
var (
	ErrBadMessage = fault.New(fault.Invalid, "bad-message",
		"A message is text: 1 to 16384 bytes of UTF-8.")
	ErrTooManyMessages = fault.New(fault.RateLimited, "too-many-messages",
		"That are more messages than one may send: five a second; wait a moment.").After(time.Second)
)

// errCrowd refuses what nobody could read any more, and what would cost everybody.
var errCrowd = ErrTooManyMessages.Because("More is said in this channel than it may pass on: fifty messages a second; wait a moment.")

// The pace of all messages of a channel together: each goes to everybody there, so many
// sessions could cost more than their number says.
const (
	crowdRate  = 50
	crowdBurst = 100
)

// Message is something somebody says in a channel.
type Message struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name,omitempty"`
	Text string    `json:"text"`
	To   string    `json:"to,omitempty"`
	At   time.Time `json:"at"`
}

// Say passes a message on to all members, or to one and the sender, and to the data
// channels of the sessions there. login is what the rate is counted by; empty counts
// it by nothing, for senders that are bounded elsewhere. From must be set; ID and At
// are made here, and so is Name for those in the channel.
//
// Errors: ErrBadMessage, ErrTooManyMessages, ErrBanned, ErrParticipantUnknown where the
// addressee is not there.
func (s *Service) Say(name, login string, m Message) (Message, error) {
	m.ID, m.At = strings.ToLower(rand.Text()), stamp(s.parts.Now())
	if len(m.Text) == 0 || len(m.Text) > maxText || !utf8.ValidString(m.Text) {
		return Message{}, ErrBadMessage
	}
	heard := m.To != "" && s.data.has(name, m.To)
	if err := s.tellMessage(name, login, &m, heard); err != nil {
		return Message{}, err
	}
	s.data.passed.Add(1)
	s.tellData(name, m)
	return m, nil
}

// tellMessage tells the member streams. heard tells that the addressee has a data
// channel.
func (s *Service) tellMessage(name, login string, m *Message, heard bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if login != "" && !s.mayTalk("login "+login, messageRate, messageBurst) {
		return ErrTooManyMessages
	}
	if !s.mayTalk("channel "+name, crowdRate, crowdBurst) {
		return errCrowd
	}
	c := s.channels[name]
	if c == nil {
		c = &channel{}
	}
	if reason, banned := c.banned(s.parts.Now(), m.From); banned {
		return reason
	}
	if m.To != "" && c.people[m.To] == nil && !heard {
		return ErrParticipantUnknown
	}
	if p := c.people[m.From]; p != nil && p.name != "" {
		m.Name = p.name
	}
	raw := encode(m)
	for st := range c.streams {
		if m.isFor(st.person.id) {
			st.tell(EventMessage, raw)
		}
	}
	return nil
}

// isFor tells whether a participant is to get the message.
func (m *Message) isFor(participant string) bool {
	return m.To == "" || participant == m.To || participant == m.From
}

// mayTalk counts a message of whom or where. s.mu is held, as in what follows.
func (s *Service) mayTalk(whose string, every rate.Limit, burst int) bool {
	pace := s.paces[whose]
	if pace == nil {
		pace = rate.NewLimiter(every, burst)
		s.paces[whose] = pace
	}
	return pace.AllowN(s.parts.Now(), 1)
}

// forgetPaces drops those of whom nothing was heard lately.
func (s *Service) forgetPaces(now time.Time) {
	for whose, pace := range s.paces {
		if pace.TokensAt(now) >= float64(pace.Burst()) {
			delete(s.paces, whose)
		}
	}
}
