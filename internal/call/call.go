package call

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

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
type Service struct {
	cfg       Config
	parts     Parts
	passwords passwords
	data      talks
	director  *director

	stop    context.CancelFunc // nil before Start
	looping sync.WaitGroup

	// providing orders changes of what is provisioned, with their way to the disk. It is
	// taken before all other locks.
	providing sync.Mutex
	// configured are the channels that the configuration provides; it never changes
	// after Restore.
	configured map[string]bool
	// scored is when quality was looked at last. The loop owns it.
	scored time.Time
	// entered are the channels with LifetimeEmpty that somebody was in. The loop owns
	// it.
	entered map[string]bool

	// configuring orders what the router is told of channels. It is taken before mu and
	// before the router's lock.
	configuring sync.Mutex

	// mu guards what follows, with all that hangs on it. The router's lock may be held
	// when it is taken; under it are only sessions' own locks and logs of events.
	mu          sync.Mutex
	sessions    Sessions // nil before Start
	closed      bool
	channels    map[string]*channel
	streams     map[string]*stream // by secret
	graves      map[string]*grave  // by secret, of streams that ended
	invitations invitations
	// paces are what the messages of a login and those of a channel are counted by.
	paces map[string]*rate.Limiter
	tally scores
	// provisioned are the settings of channels, by name.
	provisioned map[string]Settings
}

// New makes a Service. cfg must be valid. Start comes next.
func New(cfg Config, parts Parts) *Service {
	if parts.Log == nil {
		parts.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		cfg: cfg, parts: parts, channels: make(map[string]*channel), streams: make(map[string]*stream),
		graves: make(map[string]*grave), provisioned: make(map[string]Settings), director: newDirector(parts.Now),
		paces: make(map[string]*rate.Limiter), tally: newScores(),
		configured: make(map[string]bool), entered: make(map[string]bool),
	}
}

// Start begins to watch levels, lifetimes and quality; Close ends that. It is called
// once.
func (s *Service) Start(sessions Sessions) {
	ctx, stop := context.WithCancel(context.Background())
	s.mu.Lock()
	s.sessions, s.stop = sessions, stop
	s.mu.Unlock()
	s.looping.Go(func() { s.loop(ctx) })
	s.looping.Go(func() { s.director.measurer.run(ctx) })
}

// Close ends every member stream with server-shutdown and waits for what Start began.
func (s *Service) Close(context.Context) error {
	s.mu.Lock()
	stop := s.stop
	s.shut(s.parts.Now())
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.looping.Wait()
	s.director.measurer.keep(nil)
	return nil
}

// shut ends every member stream and lets nobody in any more.
func (s *Service) shut(now time.Time) {
	s.closed = true
	last := encode(ended{Reason: ErrShutdown.Code, At: stamp(now)})
	for _, st := range s.streams {
		s.end(now, st, ErrShutdown, EventClosed, last)
	}
}
