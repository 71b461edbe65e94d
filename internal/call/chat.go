package call

import "time"

// Message is something somebody says in a channel.
type Message struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name,omitempty"`
	Text string    `json:"text"`
	To   string    `json:"to,omitempty"`
	At   time.Time `json:"at"`
}

// Say passes a message on to all members, or to one, and to the data channels of
// the sessions there. login is what the rate is counted by. From must be set; ID, Name
// and At are made here. Errors: faults bad-message, too-many-messages.
func (s *Service) Say(channel, login string, m Message) (Message, error) { return m, nil }

// Talker is a data channel that a client opened.
type Talker struct {
	Channel, Participant, Login, Session, Label string
	// Send sends text, or binary, to the client or gives it up. It must not block.
	Send func(data []byte, text bool)
}

// Talk adds a data channel to a channel. heard is to be called with what the client
// sends, by one goroutine at a time; leave when it has closed. false where the label
// is not taken here.
func (s *Service) Talk(t Talker) (heard func(data []byte, text bool), leave func(), ok bool) {
	return nil, nil, false
}
