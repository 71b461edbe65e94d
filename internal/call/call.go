package call

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Sessions is what a Service needs of the WHIP and WHEP sessions. All methods return
// at once and are safe for concurrent use.
type Sessions interface {
	// EndSessions ends the sessions that match and returns how many there were.
	EndSessions(match Match, reason *fault.Error) int
	// Measures tells how the sessions of a channel do, for the quality of its members.
	Measures(now time.Time, channel string) []Measure
}

// Match names sessions: all fields that are not empty must fit.
type Match struct {
	Channel, Participant, Source string
	// Login is auth.Grant.Login; NotLogin excludes one.
	Login, NotLogin string
	// ID is the public id.
	ID string
}

// Parts are what a Service works with. All are required but Log.
type Parts struct {
	Router *router.Router
	Log    *slog.Logger
	Now    func() time.Time
}

// Service is the calls of a gateway. It is safe for concurrent use.
//
// Locks: Observe and the methods of viewers are called with the router's lock held
// or not held as their comments say; the Service never calls the router or sessions
// with its own lock held.
type Service struct {
	cfg   Config
	parts Parts

	stop    context.CancelFunc // nil before Start
	looping sync.WaitGroup

	mu       sync.Mutex
	sessions Sessions // nil before Start
}

// New makes a Service. cfg must be valid. Start comes next.
func New(cfg Config, parts Parts) *Service { return &Service{cfg: cfg, parts: parts} }

// Start begins to watch levels, lifetimes and quality; Close ends that. It is called
// once.
func (s *Service) Start(sessions Sessions) {
	ctx, stop := context.WithCancel(context.Background())
	s.mu.Lock()
	s.sessions, s.stop = sessions, stop
	s.mu.Unlock()
	s.looping.Go(func() { s.loop(ctx) })
}

// Close ends every member stream with server-shutdown and waits for what Start began.
func (s *Service) Close(context.Context) error {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.looping.Wait()
	return nil
}

// Observe is router.Config.Observe: it is called with the router's lock held and
// returns at once.
func (s *Service) Observe(e router.Event) {}

// The refusals of a Service and the reasons for which it puts people out.
var (
	ErrKicked = fault.New(fault.NotFound, "kicked",
		"An administrator ended this session; ask them before you come again.")
	ErrBanned = fault.New(fault.Forbidden, "banned",
		"An administrator has shut you out of this channel for a while; ask them, or try again later.")
	ErrDisbanded = fault.New(fault.NotFound, "disbanded",
		"The channel was dissolved, which ended the session.")
	ErrChannelUnknown = fault.New(fault.NotFound, "channel-unknown",
		"There is no such channel here; check its name, or ask whoever runs this gateway to provide it.")
	ErrParticipantUnknown = fault.New(fault.NotFound, "participant-unknown",
		"There is no such participant in this channel; the roster lists those who are.")
)
