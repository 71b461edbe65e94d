package auth

import (
	"sync"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// maxLogins bounds the single-login tokens that are remembered: those in use
// and those that have been used and would still be good.
const maxLogins = 1 << 16

var errTooManyLogins = fault.New(fault.Unavailable, "too-many-logins",
	"Too many single-login tokens are in use; try again later.").After(time.Minute)

// logins remembers which login a single-login token was spent on.
type logins struct {
	linger time.Duration
	now    func() time.Time

	mu      sync.Mutex
	byToken map[string]*login
	sweepAt int // size at which finished logins are looked for
}

type login struct {
	key      string // Grant.Login
	sessions int
	until    time.Time // how long it may come back, while sessions is 0
	admits   time.Time // Grant.admits
}

func newLogins(linger time.Duration, now func() time.Time) *logins {
	return &logins{linger: linger, now: now, byToken: map[string]*login{}, sweepAt: 1024}
}

// Enter books one session of g's login and must be called once per session,
// before it is made. leave is called when the session ended, or could not be
// made; calling it again does nothing. Only grants of single-login tokens are
// counted: another login with the same token, or the same one later than
// Config.Linger after its last session, gets ErrTokenReplayed.
func (a *Authority) Enter(g Grant) (leave func(), err error) {
	if g.Once == "" {
		return func() {}, nil
	}
	return a.logins.enter(g)
}

func (s *logins) enter(g Grant) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	l := s.byToken[g.Once]
	switch {
	case l == nil:
		if s.sweep(now); len(s.byToken) >= maxLogins {
			return nil, errTooManyLogins
		}
		l = &login{key: g.Login}
		s.byToken[g.Once] = l
	case !l.admitsAgain(g, now):
		return nil, ErrTokenReplayed
	}
	l.sessions++
	l.admits = g.admits
	return sync.OnceFunc(func() { s.leave(l) }), nil
}

func (s *logins) leave(l *login) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.sessions--; l.sessions == 0 {
		l.until = s.now().Add(s.linger)
	}
}

// isIn reports whether g's login has been admitted and is not over.
func (s *logins) isIn(g Grant) bool {
	if g.Once == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byToken[g.Once]
	return l != nil && l.admitsAgain(g, s.now())
}

func (l *login) admitsAgain(g Grant, now time.Time) bool {
	return l.key == g.Login && (l.sessions > 0 || now.Before(l.until))
}

// sweep forgets logins that are over and whose token is of no use to anybody
// any more.
func (s *logins) sweep(now time.Time) {
	if len(s.byToken) < s.sweepAt {
		return
	}
	for token, l := range s.byToken {
		if l.sessions == 0 && !now.Before(l.until) && !now.Before(l.admits) {
			delete(s.byToken, token)
		}
	}
	s.sweepAt = min(maxLogins, max(1024, 2*len(s.byToken)))
}
