package call

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/headgate/headgate/internal/fault"
)

// ChatLabel is the label of the data channels of the chat.
const ChatLabel = "chat"

// The pace of a login's messages, and of a session's on all its data channels: how
// many a second, and how many at once.
const (
	messageRate  = 5
	messageBurst = 5
)

// Talker is a data channel that a client opened.
type Talker struct {
	Channel, Participant, Login, Session, Label string
	// Anonymous is who the client is while its Participant is there under another
	// login: whoever only says who they are neither speaks for that one nor hears what
	// is said to it alone. It is empty where the token says who it is.
	Anonymous string
	// Pace is what the messages of the session are counted by; nil is one for this
	// channel alone.
	Pace *Pace
	// Send sends text, or binary, to the client, or gives it up and returns false. It
	// must not block, and may use data only until it returns.
	Send func(data []byte, text bool) bool
}

// Pace bounds what a session says on all its data channels together.
type Pace struct{ messages, complaints *rate.Limiter }

// NewPace makes a Pace of five messages a second.
func NewPace() *Pace {
	return &Pace{rate.NewLimiter(messageRate, messageBurst), rate.NewLimiter(1, 1)}
}

// talks are the data channels of a Service. It is safe for concurrent use. mu is taken
// before a room's lock, and neither with Service.mu held.
type talks struct {
	mu    sync.Mutex
	rooms map[roomKey]*room

	passed, dropped, missed atomic.Uint64
}

// roomKey is what channels have in common that hear each other.
type roomKey struct{ channel, label string }

// room is the data channels of one label in a channel. Its lock is held while a
// message is sent, so that all get messages in the same order.
type room struct {
	mu      sync.Mutex
	talkers []*Talker
}

// DataStats counts data channels and their messages.
type DataStats struct {
	// Open are the data channels there are.
	Open int
	// Passed are messages that were passed on, those of REST too; Dropped those of data
	// channels that were not:
	// too many, too long or of the wrong kind. Missed are those that one receiver
	// each did not get because too much waited for it.
	Passed, Dropped, Missed uint64
}

// Data counts the data channels of all channels.
func (s *Service) Data() DataStats {
	d := &s.data
	stats := DataStats{Passed: d.passed.Load(), Dropped: d.dropped.Load(), Missed: d.missed.Load()}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.rooms {
		stats.Open += len(r.list())
	}
	return stats
}

// Talk adds a data channel to a channel. heard is to be called with what the client
// sends, by one goroutine at a time, nil for a message that was too long; leave when
// it has closed. false where the label is not taken here.
func (s *Service) Talk(t Talker) (heard func(data []byte, text bool), leave func(), ok bool) {
	if t.Label != ChatLabel && !slices.Contains(s.cfg.DataLabels, t.Label) {
		return nil, nil, false
	}
	if t.Pace == nil {
		t.Pace = NewPace()
	}
	s.data.enter(&t)
	return func(data []byte, text bool) { s.heard(&t, data, text) }, func() { s.data.leave(&t) }, true
}

// heard takes a message of a client.
func (s *Service) heard(t *Talker, data []byte, text bool) {
	now := s.parts.Now()
	switch {
	case !t.Pace.messages.AllowN(now, 1):
		s.refuse(now, t, ErrTooManyMessages)
	case data == nil || len(data) > maxText:
		s.refuse(now, t, ErrBadMessage)
	case t.Label != ChatLabel:
		s.data.passed.Add(1)
		s.data.send(t.Channel, t.Label, data, text, func(to *Talker) bool { return to.Session != t.Session })
	case !text:
		s.refuse(now, t, ErrBadMessage)
	default:
		if _, err := s.Say(t.Channel, "", Message{From: s.speaker(t), Text: string(data)}); err != nil {
			s.refuse(now, t, fault.Of(err))
		}
	}
}

// refuse drops a message of a client, which is told so, about too many of them once a
// second.
func (s *Service) refuse(now time.Time, t *Talker, reason *fault.Error) {
	s.data.dropped.Add(1)
	if reason.Code == ErrTooManyMessages.Code && !t.Pace.complaints.AllowN(now, 1) {
		return
	}
	t.Send(dataJSON(struct {
		Type string `json:"type"`
		Code string `json:"code"`
	}{"error", reason.Code}), true)
}

// tellData passes a message on to the data channels of a channel's chat: to all, or
// to those of the sender and the addressee. Service.mu is not held.
func (s *Service) tellData(channel string, m Message) {
	text := dataJSON(struct {
		Type string `json:"type"`
		Message
	}{"message", m})
	s.data.send(channel, ChatLabel, text, true, func(to *Talker) bool { return m.To == "" || m.isFor(to.Participant) && s.stands(to) })
}

// dataJSON is what a client gets. Letters that only HTML minds stay what they are.
func dataJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // strings and a time
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// has tells whether a participant has a data channel of the chat.
func (d *talks) has(channel, participant string) bool {
	d.mu.Lock()
	r := d.rooms[roomKey{channel, ChatLabel}]
	d.mu.Unlock()
	return r != nil && slices.ContainsFunc(r.list(), func(t *Talker) bool { return t.Participant == participant })
}

func (d *talks) enter(t *Talker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := roomKey{t.Channel, t.Label}
	r := d.rooms[key]
	if r == nil {
		if d.rooms == nil {
			d.rooms = make(map[roomKey]*room)
		}
		r = new(room)
		d.rooms[key] = r
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.talkers = append(r.talkers, t)
}

func (d *talks) leave(t *Talker) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := roomKey{t.Channel, t.Label}
	r := d.rooms[key]
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.talkers = slices.DeleteFunc(r.talkers, func(other *Talker) bool { return other == t })
	if len(r.talkers) == 0 {
		delete(d.rooms, key)
	}
}

func (r *room) list() []*Talker {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.talkers)
}

// send sends to those of a room that are meant.
func (d *talks) send(channel, label string, data []byte, text bool, meant func(*Talker) bool) {
	d.mu.Lock()
	r := d.rooms[roomKey{channel, label}]
	d.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, to := range r.talkers {
		if meant(to) && !to.Send(data, text) {
			d.missed.Add(1)
		}
	}
}
