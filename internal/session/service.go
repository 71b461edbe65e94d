package session

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// Parts are what a Service works with. All are required.
type Parts struct {
	Authority *auth.Authority
	Router    *router.Router
	Calls     *call.Service
	// MaxSlots bounds the slots of a viewer's session; below 2 there are none.
	MaxSlots int
	Host     *peer.Host
	Egress   *egress.Pool
	// ICEServers makes the servers told to clients; session is its public id, empty
	// where there is none yet.
	ICEServers func(now time.Time, session string) []signaling.ICEServer
	// Exempt tells the addresses that limits per address do not count.
	Exempt func(netip.Addr) bool
	// Saturated tells that those there are get less than they should; nil is never.
	Saturated func(now time.Time) bool
	Log       *slog.Logger
	Now       func() time.Time
}

// Service makes, changes and ends sessions. It is safe for concurrent use.
type Service struct {
	cfg   Config
	parts Parts

	stop     context.CancelFunc
	sweeping sync.WaitGroup
	// published has a token when a publisher was committed, which may be a standby.
	published chan struct{}
	// unclosed counts the sessions that were admitted and are not closed yet.
	unclosed sync.WaitGroup

	ledger  ledger
	streams *streams

	// ended and refused are kept apart, so that refusals, which anybody can cause,
	// push out no session.
	ended, refused *archive

	mu       sync.Mutex
	draining bool
	sessions map[string]*session   // by secret
	public   map[string]*session   // those and the ending, by public id
	graves   map[string]*tombstone // by secret; pointers, because a map never shrinks
	halfOpen map[netip.Addr]int
	// negotiating are the POSTs under negotiation, counted against MaxSessions. Whoever
	// ends sessions ends them too.
	negotiating map[*session]struct{}
}

// tombstone remembers a session for a while after its end.
type tombstone struct {
	id     string
	action auth.Action
	place  auth.Place
	grant  auth.Grant
	reason *fault.Error
	until  time.Time
}

// Start makes a Service and its sweeper; Close ends both. cfg must be valid.
func Start(cfg Config, parts Parts) *Service {
	ctx, stop := context.WithCancel(context.Background())
	s := &Service{
		cfg: cfg, parts: parts, stop: stop, ledger: newLedger(), streams: newStreams(), published: make(chan struct{}, 1),
		sessions: make(map[string]*session), public: make(map[string]*session),
		ended: newArchive(), refused: newArchive(),
		graves:   make(map[string]*tombstone),
		halfOpen: make(map[netip.Addr]int), negotiating: make(map[*session]struct{}),
	}
	s.sweeping.Go(func() { s.sweepLoop(ctx) })
	return s
}

// sweepLoop looks at deadlines about once a second, and at publications with
// standbys when the router says: never, as long as there are none.
func (s *Service) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	watch := time.NewTimer(time.Hour)
	watch.Stop()
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := s.parts.Now()
			s.sweep(now)
			s.parts.Router.Sweep(now)
			continue
		case <-s.published:
		case <-watch.C:
		}
		now := s.parts.Now()
		if next := s.parts.Router.Watch(now); !next.IsZero() {
			watch.Reset(max(next.Sub(now), time.Millisecond))
		}
	}
}

// watchStandbys lets the sweeper look at publications with standbys.
func (s *Service) watchStandbys() {
	select {
	case s.published <- struct{}{}:
	default: // it is going to look anyway
	}
}

// sweep ends the sessions whose time is over and forgets old tombstones.
func (s *Service) sweep(now time.Time) {
	for _, sess := range s.all() {
		if reason := sess.overdue(now); reason != nil {
			sess.finish(reason)
			continue
		}
		if v, ok := sess.media.(*viewing); ok && v.isMember() {
			v.look(now)
		}
	}
	s.streams.sweep(now)
	s.ended.sweep(now)
	s.refused.sweep(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for secret, grave := range s.graves {
		if !now.Before(grave.until) {
			delete(s.graves, secret)
		}
	}
}

func (s *Service) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*session, 0, len(s.sessions))
	for _, sess := range s.sessions {
		all = append(all, sess)
	}
	return all
}

// Drain refuses new sessions from now on; those there are go on.
func (s *Service) Drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
}

// Close ends every session, viewers before publishers, and waits until all
// connections are closed or ctx ends.
func (s *Service) Close(ctx context.Context) error {
	s.Drain()
	s.stop()
	s.sweeping.Wait()
	for _, action := range []auth.Action{auth.Play, auth.Publish} {
		for _, sess := range s.all() {
			if sess.action == action {
				sess.finish(errShutdown)
			}
		}
	}
	done := make(chan struct{})
	go func() { // ends when the last session is closed; each close is bounded
		s.unclosed.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// admit counts a POST in, before anything is made for it.
func (s *Service) admit(action auth.Action, sess *session) error {
	from, overloaded := sess.from, s.overloaded(action, sess.place.Channel)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ErrDraining
	case len(s.sessions)+len(s.negotiating) >= s.cfg.MaxSessions:
		return ErrSessions
	case !s.parts.Exempt(from) && s.halfOpen[from] >= s.cfg.MaxHalfOpen:
		return ErrHalfOpen
	case overloaded:
		return ErrOverloaded
	}
	s.halfOpen[from]++
	s.negotiating[sess] = struct{}{}
	s.unclosed.Add(1)
	return nil
}

// overloaded tells that a session would take from those there are. A publisher of a
// channel that is in use is let in: others wait for what it sends.
func (s *Service) overloaded(action auth.Action, channel string) bool {
	saturated := s.parts.Saturated
	return saturated != nil && saturated(s.parts.Now()) && (action == auth.Play || !s.parts.Router.InUse(channel))
}

// here are all sessions, and those that are being negotiated.
func (s *Service) here() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.AppendSeq(slices.Collect(maps.Values(s.sessions)), maps.Keys(s.negotiating))
}

// opened counts a session of an address as connected, or as given up.
func (s *Service) opened(from netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openedLocked(from)
}

func (s *Service) openedLocked(from netip.Addr) {
	if s.halfOpen[from]--; s.halfOpen[from] <= 0 {
		delete(s.halfOpen, from)
	}
}

// register makes the session known. If it was ended while it was negotiated, or
// draining began, it is closed and the POST is refused.
func (s *Service) register(sess *session) error {
	s.mu.Lock()
	delete(s.negotiating, sess)
	draining := s.draining
	if !draining {
		s.sessions[sess.secret], s.public[sess.id] = sess, sess
	}
	s.mu.Unlock()
	if draining {
		sess.finish(errShutdown)
	} else {
		s.ledger.enter(sess)
	}
	switch reason := sess.settle(); reason {
	case nil:
		return nil
	case errShutdown:
		return ErrDraining
	case router.ErrReplaced, router.ErrDuplicateID:
		return fmt.Errorf("%s before it was answered: %w", reason.Code, router.ErrBusy.After(2*time.Second))
	default:
		return reason
	}
}

// giveUp counts a POST out that failed before there was a connection.
func (s *Service) giveUp(sess *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.negotiating, sess)
	s.openedLocked(sess.from)
	s.unclosed.Done()
}

// bury replaces a session by its tombstone.
func (s *Service) bury(sess *session, reason *fault.Error) {
	now := s.parts.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess.secret)
	s.graves[sess.secret] = &tombstone{
		id: sess.id, action: sess.action, place: sess.place, grant: sess.currentGrant(),
		reason: reason, until: now.Add(s.cfg.RememberFor),
	}
}

// find returns the session, or the tombstone, or neither.
func (s *Service) find(secret string) (*session, *tombstone) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sess := s.sessions[secret]; sess != nil {
		return sess, nil
	}
	return nil, s.graves[secret]
}

// Lives tells whether there is a session with this public id that has not ended.
func (s *Service) Lives(publicID string) bool {
	sess := s.byPublicID(publicID)
	return sess != nil && !sess.over()
}

// byPublicID returns a session that lives or is ending, or nil.
func (s *Service) byPublicID(id string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.public[id]
}

// Count returns how many sessions there are.
func (s *Service) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}
