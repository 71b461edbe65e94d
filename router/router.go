package router

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// The refusals of a Router.
var (
	// ErrBusy refuses a second publisher.
	ErrBusy = fault.New(fault.Conflict, "channel-busy",
		"Somebody else is publishing here; stop that publisher or choose another channel, participant or source.")
	// ErrIdle refuses a viewer where nobody publishes (WHEP section 4.2.8).
	ErrIdle = fault.New(fault.Conflict, "channel-idle",
		"Nobody is publishing on this channel yet; try again in a moment.").After(2 * time.Second)
	// ErrFull refuses more channels, publications or viewers than configured.
	ErrFull = fault.New(fault.Unavailable, "limit-reached",
		"This gateway is at a configured limit; try again later or raise the limit.").After(10 * time.Second)
	// ErrReplaced ends a publisher whose place was taken by the same login.
	ErrReplaced = fault.New(fault.NotFound, "replaced",
		"A newer publisher took this session's place.")
	// ErrDuplicateID ends the sessions of an older login of the same participant.
	ErrDuplicateID = fault.New(fault.NotFound, "duplicate-id",
		"The same participant joined with another login, which ended this session.")
	// ErrLost ends a publisher that fell silent.
	ErrLost = fault.New(fault.NotFound, "lost",
		"Nothing was heard from the client for too long, so the session ended; publish or play again.")
	// ErrLinger ends a viewer whose publication did not come back.
	ErrLinger = fault.New(fault.NotFound, "idle",
		"The publication did not come back in time, so the session ended; play again when it is live.")
	// ErrCodecChanged ends a viewer that cannot play what is published now.
	ErrCodecChanged = fault.New(fault.NotFound, "codec-changed",
		"The publisher came back with a codec this session did not negotiate; play again.")
)

// Duplicates says what happens when a participant appears under another login
// while the first one is live.
type Duplicates string

// The policies for duplicates.
const (
	RejectDuplicates  Duplicates = "reject"
	ReplaceDuplicates Duplicates = "replace"
)

// Idle says what a viewer gets where nobody publishes.
type Idle string

// The policies for idle channels.
const (
	RefuseIdle Idle = "refuse"
	WaitIdle   Idle = "wait"
)

// Config bounds what a Router holds and says when silence has which meaning.
// Start from DefaultConfig.
type Config struct {
	// InterruptedAfter is how long a publisher may be silent before its
	// publication counts as interrupted; EndedAfter, before it ends.
	InterruptedAfter time.Duration `yaml:"interrupted_after"`
	EndedAfter       time.Duration `yaml:"ended_after"`
	// ViewerLinger is how long a viewer without anything to see is kept.
	ViewerLinger time.Duration `yaml:"viewer_linger"`
	// SilentAfter is the silence after which anybody allowed to publish may
	// take a publisher's place.
	SilentAfter time.Duration `yaml:"silent_after"`
	// TakeoverHold is the shortest time between two takeovers of a live
	// publisher of one publication.
	TakeoverHold time.Duration `yaml:"takeover_hold"`
	Duplicates   Duplicates    `yaml:"duplicates"`
	Idle         Idle          `yaml:"idle"`
	// Standby names the channels where a second publisher of a source is kept warm
	// instead of replacing the first: names, prefix* or *.
	Standby []string `yaml:"standby"`
	// MaxStandbys bounds them for each publication, at least 1.
	MaxStandbys int `yaml:"max_standbys"`
	// StandbyAfter is how long no media may come from a publisher before a standby
	// takes over, at least 100 ms. One that usually pauses for longer gets more
	// time, up to InterruptedAfter.
	StandbyAfter time.Duration `yaml:"standby_after"`
	// MaxChannels, MaxPublications (per channel) and MaxViewers (per channel)
	// are upper bounds, each at least 1.
	MaxChannels     int `yaml:"max_channels"`
	MaxPublications int `yaml:"max_publications"`
	MaxViewers      int `yaml:"max_viewers"`
	// MaxBitrate is how many bits per second a publisher may send, all its tracks and
	// layers together, without headers; 0 is no cap. MaxBitrates are other caps for
	// some channels, of which the first that names the channel counts.
	MaxBitrate  int          `yaml:"max_bitrate"`
	MaxBitrates []BitrateCap `yaml:"max_bitrates"`
	// CacheTotal bounds in bytes what is kept of all video together for those who
	// join, the groups since the last key frames; 0 does not bound it, and lets a
	// gateway decide by its memory. The least watched layer loses its group first.
	CacheTotal int64 `yaml:"cache_total"`
	// Observe, when set, is told of every change of state. It is called with
	// the router's lock held: it must return at once and must not call back.
	Observe func(Event) `yaml:"-"`
}

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	return Config{
		InterruptedAfter: 6 * time.Second,
		EndedAfter:       30 * time.Second,
		ViewerLinger:     5 * time.Minute,
		SilentAfter:      time.Second,
		TakeoverHold:     10 * time.Second,
		Duplicates:       RejectDuplicates,
		Idle:             RefuseIdle,
		MaxStandbys:      1,
		StandbyAfter:     450 * time.Millisecond,
		MaxChannels:      10_000,
		MaxPublications:  100,
		MaxViewers:       10_000,
	}
}

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("channels.%s: "+format, append([]any{field}, args...)...))
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"interrupted_after", c.InterruptedAfter}, {"ended_after", c.EndedAfter},
		{"viewer_linger", c.ViewerLinger}, {"silent_after", c.SilentAfter},
	} {
		if d.value <= 0 {
			bad(d.field, "must be longer than 0, got %v", d.value)
		}
	}
	if c.TakeoverHold < 0 {
		bad("takeover_hold", "must not be negative, got %v", c.TakeoverHold)
	}
	if c.EndedAfter < c.InterruptedAfter {
		bad("ended_after", "must not be shorter than interrupted_after")
	}
	if c.Duplicates != RejectDuplicates && c.Duplicates != ReplaceDuplicates {
		bad("duplicates", "must be reject or replace, got %q", c.Duplicates)
	}
	if c.Idle != RefuseIdle && c.Idle != WaitIdle {
		bad("idle", "must be refuse or wait, got %q", c.Idle)
	}
	if c.CacheTotal < 0 {
		bad("cache_total", "must not be negative, got %d", c.CacheTotal)
	}
	for i, pattern := range c.Standby {
		if !isPattern(pattern) {
			bad(fmt.Sprintf("standby[%d]", i), "must be a channel, a prefix* or *, got %q", pattern)
		}
	}
	c.validateBitrates(bad)
	if c.StandbyAfter < leastStandbyAfter {
		bad("standby_after", "must be at least %v, got %v", leastStandbyAfter, c.StandbyAfter)
	}
	for _, n := range []struct {
		field string
		value int
	}{{"max_standbys", c.MaxStandbys}, {"max_channels", c.MaxChannels}, {"max_publications", c.MaxPublications}, {"max_viewers", c.MaxViewers}} {
		if n.value < 1 {
			bad(n.field, "must be at least 1, got %d", n.value)
		}
	}
	return errors.Join(errs...)
}

// Event is a change of state, for logs and for those who must be told.
type Event struct {
	At                           time.Time
	What                         EventKind
	Channel, Participant, Source string
	// Session is the public id of the publisher it is about, Login, Name and Tags are
	// those of its request.
	Session, Login, Name string
	Tags                 map[string]string
	// Reason is the code of why the router ended that publisher; empty for one that
	// goes on, or ended by itself.
	Reason string
	// Publication is what may be told of it now.
	Publication PublicationInfo
}

// EventKind names a change of state in the words of the event streams.
type EventKind string

// The changes of state.
const (
	Published   EventKind = "published"
	Interrupted EventKind = "interrupted"
	Resumed     EventKind = "resumed"
	Unpublished EventKind = "unpublished"
	TakenOver   EventKind = "taken-over"
	// StandbyReady and StandbyGone tell of a standby, SwitchedOver that one became
	// the active publisher.
	StandbyReady EventKind = "standby"
	StandbyGone  EventKind = "standby-gone"
	SwitchedOver EventKind = "switched-over"
)

// leastStandbyAfter leaves a publisher of ten frames a second room.
const leastStandbyAfter = 100 * time.Millisecond

// Router holds the channels. It is safe for concurrent use; its calls are rare
// (a session comes, changes or goes) and take one lock.
type Router struct {
	cfg   Config
	cache *groupCache

	mu       sync.Mutex
	channels map[string]*channel
	watched  map[*publication]struct{} // those with standbys, and some that had
	settings map[string]Settings       // by channel
	programs map[string]Program        // by channel
}

// New makes a Router. cfg must be valid.
func New(cfg Config) *Router {
	return &Router{
		cfg: cfg, cache: newGroupCache(cfg.CacheTotal), channels: make(map[string]*channel), watched: make(map[*publication]struct{}),
		settings: make(map[string]Settings), programs: make(map[string]Program),
	}
}

// channel returns the named channel, made if need be. r.mu is held.
func (r *Router) channel(name string) (*channel, error) {
	if c := r.channels[name]; c != nil {
		return c, nil
	}
	if len(r.channels) >= r.cfg.MaxChannels {
		return nil, fmt.Errorf("%d channels: %w", len(r.channels), ErrFull)
	}
	c := newChannel(name)
	c.program = r.programs[name]
	r.channels[name] = c
	return c, nil
}

// forget drops the channel when nothing is left in it. r.mu is held.
func (r *Router) forget(c *channel) {
	if len(c.publications) == 0 && len(c.attachments) == 0 {
		delete(r.channels, c.name)
	}
}

// observe tells of a change that p caused or that happened to it.
func (r *Router) observe(now time.Time, what EventKind, p *Publisher) {
	if r.cfg.Observe == nil {
		return
	}
	key := p.pub.key
	r.cfg.Observe(Event{
		At: now, What: what, Channel: p.pub.channel.name, Participant: key.Participant, Source: key.Source,
		Session: p.req.Session, Login: p.req.Login, Name: p.req.Name, Tags: p.req.Tags, Reason: p.reason, Publication: p.pub.info(),
	})
}

// Sweep looks at silent publishers and lingering viewers and must be called
// about once a second. Those whose time is over are ended with a reason.
func (r *Router) Sweep(now time.Time) {
	ends := r.sweep(now)
	for _, end := range ends {
		end()
	}
}

func (r *Router) sweep(now time.Time) (ends []func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.channels {
		for _, p := range c.publications {
			ends = append(ends, r.sweepPublication(now, p)...)
		}
		for a := range c.attachments {
			if a.empty() && !a.waits() && now.Sub(a.emptySince) >= r.viewerLinger(c.name) {
				ends = append(ends, a.endWith(ErrLinger)...)
			}
		}
		r.forget(c)
	}
	return ends
}
