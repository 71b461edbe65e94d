package call

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
)

const (
	// streamKeeps is how many events wait for a reader, streamBytes how many bytes of
	// them at most: a message alone may be encoded as 96 KiB, and the snapshot of a
	// large channel as much more.
	streamKeeps = 256
	streamBytes = 512 << 10
	// unopenedFor is how long a new stream waits for its reader; unreadFor, how long
	// a reader may be away; goneFor, how long if the participant shows no other sign
	// of life, which is being on air or reading another stream.
	unopenedFor = 30 * time.Second
	unreadFor   = 30 * time.Second
	goneFor     = 10 * time.Second
	// maxStreams bounds those of a participant.
	maxStreams = 16
	// maxReaders bounds the readers of a stream: one, and those that were cut off and
	// still hold a snapshot which nobody takes. They go within readersGo.
	maxReaders = 4
	readersGo  = 10 * time.Second
	// rememberFor is how long an ended stream says why it ended.
	rememberFor = time.Minute
	// expiryTold is how long before a token's end that is told.
	expiryTold = time.Minute
)

// stream is a member stream. Service.mu guards it.
type stream struct {
	secret, login, origin string
	person                *person
	expires               time.Time // zero for never
	warned                time.Time // the end that was told
	log                   *events.Log
	reader                *events.Reader // nil for nobody
	readers               int            // who have not left, those cut off too
	opened                bool
	unread                time.Time // since then, while there is no reader
	left                  func()    // nil, or to be told of the end
}

// grave remembers a stream that has ended.
type grave struct {
	reason *fault.Error
	until  time.Time
}

// tell keeps an event for the reader. Before the first one comes, what its snapshot
// will tell is not kept.
func (st *stream) tell(name string, data any) {
	if st.log != nil && (st.opened || !inSnapshot[name]) {
		st.log.Tell(name, data)
	}
}

// inSnapshot are the events that a stream which begins later is told by the snapshot.
var inSnapshot = map[string]bool{
	EventJoined: true, EventLeft: true, EventPublished: true, EventUnpublished: true, EventInterrupted: true, EventResumed: true,
	EventMuted: true, EventSpeaking: true, EventSpeaker: true, EventQuality: true,
}

// silent tells that nobody has read the stream for d.
func (st *stream) silent(now time.Time, d time.Duration) bool {
	return st.reader == nil && now.Sub(st.unread) >= d
}

// end ends a stream with a last event, if name is not empty. settle comes next.
func (s *Service) end(now time.Time, st *stream, reason *fault.Error, name string, data any) {
	if name != "" {
		st.tell(name, encode(data))
	}
	st.log.End()
	delete(s.streams, st.secret)
	delete(st.person.channel.streams, st)
	st.person.streams = slices.DeleteFunc(st.person.streams, func(other *stream) bool { return other == st })
	if st.left != nil {
		st.left()
	}
	s.graves[st.secret] = &grave{reason: reason, until: now.Add(rememberFor)}
}

// endAll ends the streams of p that match, with the same last event.
func (s *Service) endAll(now time.Time, p *person, match func(*stream) bool, reason *fault.Error, name string, data any) {
	for _, st := range slices.Clone(p.streams) {
		if match(st) {
			s.end(now, st, reason, name, data)
		}
	}
}

func every(*stream) bool { return true }

// snapshot is the state that a stream begins with.
func (s *Service) snapshot(st *stream) snapshot {
	c := st.person.channel
	snap := snapshot{
		Channel: c.name, Kind: s.kindOf(c.name), Self: st.person.id,
		Participants: []json.RawMessage{}, Publications: []Publication{}, Program: viewOf(c.program),
	}
	for _, p := range c.roster() {
		snap.Participants = append(snap.Participants, p.encoded())
	}
	if c.program.Speaker != "" {
		snap.Speaker = &c.program.Speaker
	}
	for _, p := range c.publications() {
		snap.Publications = append(snap.Publications, p.at(st.origin))
	}
	return snap
}

// publications are those on air, by participant and source.
func (c *channel) publications() (list []Publication) {
	for _, p := range c.people {
		for _, pub := range p.publications {
			list = append(list, pub.told)
		}
	}
	slices.SortFunc(list, func(a, b Publication) int {
		return compare(a.Participant, b.Participant, a.Source, b.Source)
	})
	return list
}
