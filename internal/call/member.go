package call

import (
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/names"
)

// KeepAlive is how long a member stream is silent at most: a write is how a reader
// whose cable was pulled is noticed.
const KeepAlive = 5 * time.Second

// JoinRequest asks for a member stream.
type JoinRequest struct {
	Channel string
	// Participant is made up (guest-...) where it is empty. Login and Expires are as
	// in auth.Grant: since a login goes with a participant, whoever asks does better
	// to make the name up before the grant.
	Participant, Login string
	Expires            time.Time
	// Name is shown to people. It is cut to 128 bytes.
	Name string
	Tags map[string]string
	// Origin is scheme and authority by which the reader knows the gateway: it goes
	// in front of the addresses in events. Empty leaves them paths.
	Origin string
	// Call makes a channel that nobody provisioned a call.
	Call bool
	// Left is called once when the stream has ended, with the Service's lock held; nil
	// is allowed. It is not called where Join fails.
	Left func()
}

// Membership is what joining made.
type Membership struct {
	// Secret is the id in the stream's URL: 128 bits.
	Secret                     string
	Channel, Participant, Name string
	Kind                       Kind
}

// Join makes a member stream, which must be opened within half a minute.
//
// Errors: those of Admit, ErrStreams, ErrClosed, router.ErrFull where there are as many
// streams as Config.MaxStreams.
func (s *Service) Join(r JoinRequest) (Membership, error) {
	if r.Participant == "" {
		r.Participant = names.GuestID()
	}
	m, others, err := s.join(r)
	if err != nil {
		return Membership{}, err
	}
	s.endSessions(others)
	s.configure(r.Channel)
	return m, nil
}

// join makes the stream and returns the sessions of other logins to be ended.
func (s *Service) join(r JoinRequest) (Membership, []ending, error) {
	rules, now := s.rules(r.Channel), s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	a := Admission{Channel: r.Channel, Participant: r.Participant, Login: r.Login, Member: true}
	if err := s.admit(now, a, rules); err != nil {
		return Membership{}, nil, err
	}
	if len(s.streams) >= s.cfg.MaxStreams {
		return Membership{}, nil, errAllStreams
	}
	c := s.channel(r.Channel)
	p := c.person(r.Participant)
	if err := s.makeRoom(now, p); err != nil {
		return Membership{}, nil, err
	}
	if _, provisioned := s.provisioned[r.Channel]; r.Call && !provisioned {
		c.call = true
	}
	others := s.endDuplicates(now, p, r.Login, rules)
	p.describe(now, cut(r.Name), r.Tags)
	st := &stream{
		secret: newSecret(), login: r.Login, origin: r.Origin, person: p, expires: r.Expires, unread: now, left: r.Left,
	}
	s.add(now, st)
	return Membership{Secret: st.secret, Channel: c.name, Participant: p.id, Name: p.name, Kind: s.kindOf(c.name)}, others, nil
}

// add puts a stream into the channel. Its snapshot is made when the reader comes: that
// of a large channel is megabytes, and anybody may join and never read.
func (s *Service) add(now time.Time, st *stream) {
	p := st.person
	p.reason = "" // of somebody who comes back
	s.streams[st.secret] = st
	p.channel.streams[st] = struct{}{}
	p.streams = append(p.streams, st)
	p.extend(st.login, st.expires)
	s.settle(now, p)
	st.log = events.NewBoundedLog(streamKeeps, streamBytes)
}

// makeRoom ends streams of p that nobody reads when there are as many as there may
// be, for somebody who opens a page again and again.
func (s *Service) makeRoom(now time.Time, p *person) error {
	if len(p.streams) < maxStreams {
		return nil
	}
	i := slices.IndexFunc(p.streams, func(st *stream) bool { return st.reader == nil })
	if i < 0 {
		return ErrStreams
	}
	s.end(now, p.streams[i], ErrLeft, "", nil)
	return nil
}

// extend moves the end of the streams of a login: it showed a newer token.
func (p *person) extend(login string, expires time.Time) {
	for _, st := range p.streams {
		if st.login == login && !st.expires.IsZero() && (expires.IsZero() || expires.After(st.expires)) {
			st.expires = expires
		}
	}
}

// Listen begins to read a stream, after lastID where that can still be done and else
// with a snapshot. Whoever read it before is cut off. left must be called when the
// reader has gone. The data of events are json.RawMessage.
//
// The error is why the stream ended, for a minute, and then ErrNoStream; ErrStreams
// where too many readers that were cut off have not gone yet.
func (s *Service) Listen(secret, lastID string) (reader *events.Reader, left func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[secret]
	if st == nil {
		if g := s.graves[secret]; g != nil {
			return nil, nil, g.reason
		}
		return nil, nil, ErrNoStream
	}
	if st.readers >= maxReaders {
		return nil, nil, ErrStreams.After(readersGo)
	}
	if st.reader != nil {
		st.reader.Close()
	}
	reader = s.open(st, lastID)
	st.reader, st.opened = reader, true
	st.readers++
	return reader, func() { s.unlisten(st, reader) }, nil
}

// open makes the reader that Listen returns.
func (s *Service) open(st *stream, lastID string) *events.Reader {
	switch {
	case !st.opened:
		return st.log.OpenAll(s.beginning(st))
	case st.log.Keeps(lastID):
		return st.log.Open(lastID, nil)
	}
	return st.log.Open("", s.beginning(st))
}

// unlisten notes that a reader has gone, unless another one took its place.
func (s *Service) unlisten(st *stream, reader *events.Reader) {
	reader.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.readers--
	if st.reader == reader {
		st.reader, st.unread = nil, s.parts.Now()
	}
}

// Leave ends a stream. The error is that of Listen, but nil for one that ended a
// short while ago.
func (s *Service) Leave(secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[secret]
	switch {
	case st == nil && s.graves[secret] != nil:
		return nil
	case st == nil:
		return ErrNoStream
	}
	now := s.parts.Now()
	s.end(now, st, ErrLeft, "", nil)
	s.settle(now, st.person)
	return nil
}

// Tell sends an event to the member streams of a login, for what only it is told:
// slots, layers, active and inactive of its sessions. data is encoded as JSON once. Of
// a map with the public id of a "session" the newest is kept for streams that begin
// anew, for as long as the session.
func (s *Service) Tell(channel, login, event string, data any) {
	raw := encode(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return
	}
	told := make(map[*person]bool)
	for st := range c.streams {
		if st.login != login {
			continue
		}
		st.tell(event, raw)
		if p := st.person; !told[p] {
			told[p] = true
			p.remember(event, data, raw)
		}
	}
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
	// Muted are the sources that are not passed on, wholly or in part.
	Muted map[string]Muted `json:"muted,omitempty"`
	// SelfMuted are those of which their holder says that something is off.
	SelfMuted map[string]Muted `json:"self_muted,omitempty"`
}

// Participants lists those of a channel by id; nil where nobody is.
func (s *Service) Participants(channel string) []Participant {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	var list []Participant
	for _, p := range c.roster() {
		list = append(list, p.view())
	}
	return list
}

// Members is how many participants a channel has.
func (s *Service) Members(channel string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channels[channel]
	if c == nil {
		return 0
	}
	for _, p := range c.people {
		if !p.joined.IsZero() {
			n++
		}
	}
	return n
}

// newSecret returns an id of 130 random bits that never spells "http": some clients
// look for that word in a Location.
func newSecret() string {
	for {
		if id := strings.ToLower(rand.Text()); !strings.Contains(id, "http") {
			return id
		}
	}
}
