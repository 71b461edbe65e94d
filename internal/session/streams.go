package session

import (
	"context"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

const (
	// streamUnread is how long an event stream may be without a reader: after it was
	// made, and when the reader has gone, for example because a network changed.
	streamUnread = 30 * time.Second
	// maxStreams bounds the event streams of one session.
	maxStreams = 4
	// streamKeeps is how many events wait for a reader. A look a second makes three
	// at most.
	streamKeeps = 128
)

var (
	// ErrNoStream refuses an event stream nobody knows.
	ErrNoStream = fault.New(fault.NotFound, "stream-unknown",
		"There is no such event stream; it ends with its session, by DELETE, or after half a minute without a reader. Make a new one by POST.")
	// ErrStreams refuses more event streams of one session.
	ErrStreams = fault.New(fault.RateLimited, "too-many-event-streams",
		"This session has as many event streams as it may; end one by DELETE, or use the one there is.").After(streamUnread)
	// ErrNoExtensions refuses the addresses of extensions to publishers.
	ErrNoExtensions = fault.New(fault.NotFound, "not-found",
		"Only the sessions of players have events and layers; check the address.")
)

// streams are the event streams of all sessions, by secret. It is safe for
// concurrent use; its lock is a leaf.
type streams struct {
	mu       sync.Mutex
	bySecret map[string]*viewing
}

func newStreams() *streams { return &streams{bySecret: make(map[string]*viewing)} }

func (s *streams) add(secret string, v *viewing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bySecret[secret] = v
}

func (s *streams) find(secret string) (*viewing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.bySecret[secret]; v != nil {
		return v, nil
	}
	return nil, ErrNoStream
}

func (s *streams) remove(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		delete(s.bySecret, secret)
	}
}

// owners are the viewers with streams.
func (s *streams) owners() map[*viewing]struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	owners := make(map[*viewing]struct{})
	for _, v := range s.bySecret {
		owners[v] = struct{}{}
	}
	return owners
}

// sweep ends streams that nobody reads and tells the others what changed.
func (s *streams) sweep(now time.Time) {
	for v := range s.owners() {
		s.remove(v.audience.expire(now)...)
		v.look(now)
	}
}

// Subscribe makes a stream of these events of a viewer's session and returns its
// secret, which is all that reading it wants. It ends with the session, by
// Unsubscribe, or after half a minute without a reader.
func (s *Service) Subscribe(ctx context.Context, session string, r signaling.Request, names []string) (string, error) {
	v, err := s.viewer(ctx, session, r)
	if err != nil {
		return "", err
	}
	now, secret := s.parts.Now(), newSecret()
	s.streams.add(secret, v)
	v.look(now)
	if err := v.audience.admit(now, secret, names); err != nil {
		s.streams.remove(secret)
		return "", err
	}
	return secret, nil
}

// viewer finds a live session of a viewer for a caller that could have made it.
func (s *Service) viewer(ctx context.Context, secret string, r signaling.Request) (*viewing, error) {
	sess, err := s.authorised(ctx, secret, r)
	if err != nil {
		return nil, err
	}
	v, ok := sess.media.(*viewing)
	switch {
	case !ok:
		return nil, ErrNoExtensions
	case v.client.Load() == nil:
		return nil, ErrAnswerFirst
	}
	return v, nil
}

// LookAtExtensions succeeds for the sessions of viewers.
func (s *Service) LookAtExtensions(ctx context.Context, session string, r signaling.Request) error {
	_, err := s.viewer(ctx, session, r)
	return err
}

// Listen begins to read a stream: from its start, or after lastID, or with a snapshot
// where that is no longer possible. A reader that was there before is cut off: it
// may be one whose end nobody has noticed yet.
func (s *Service) Listen(_ context.Context, stream, lastID string) (signaling.EventStream, error) {
	v, err := s.streams.find(stream)
	if err != nil {
		return signaling.EventStream{}, err
	}
	reader, ok := v.audience.open(stream, lastID)
	if !ok {
		return signaling.EventStream{}, ErrNoStream
	}
	return signaling.EventStream{Events: reader, OldLayers: v.oldLayers, Close: func() {
		reader.Close()
		v.audience.left(s.parts.Now(), stream, reader)
	}}, nil
}

// LookAtStream succeeds when the stream is there.
func (s *Service) LookAtStream(_ context.Context, stream string) error {
	_, err := s.streams.find(stream)
	return err
}

// Unsubscribe ends a stream.
func (s *Service) Unsubscribe(_ context.Context, stream string) error {
	v, err := s.streams.find(stream)
	if err != nil {
		return err
	}
	s.streams.remove(stream)
	v.audience.dismiss(stream)
	return nil
}

// farewell ends a session's streams. Players are asked to come again where that
// would help them: the drafts leave it to them to notice everything else.
func (sess *session) farewell(reason *fault.Error) {
	v, ok := sess.media.(*viewing)
	if !ok {
		return
	}
	sess.service.streams.remove(v.audience.end(comeAgain(reason))...)
}
