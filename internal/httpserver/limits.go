package httpserver

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/problem"
)

var (
	errTooMany = fault.New(fault.RateLimited, "too-many-requests",
		"Too many requests came from this address; slow down and try again.")
	errTooManyFailures = fault.New(fault.RateLimited, "too-many-failures",
		"Too many requests from this address showed a bad token or password; wait before the next try.")
	errDraining = fault.New(fault.Unavailable, "server-shutdown",
		"This gateway is shutting down; try again in a moment.").After(5 * time.Second)
)

// sessionRoutes begins the templates of all routes of sessions, streamRoutes of those
// of their event streams.
const (
	sessionRoutes = "/session/"
	streamRoutes  = "/events/"
	// memberRoutes begins those of members' event streams, loginRoute is where
	// passwords are shown.
	memberRoutes = "/api/v1/events/"
	loginRoute   = "/api/v1/login"
)

// limits are the budgets of addresses and sessions.
type limits struct {
	posts    *buckets[netip.Prefix]
	failures *buckets[netip.Prefix] // credentials that were shown and refused
	unknown  *buckets[netip.Prefix] // sessions that do not exist
	patches  *buckets[string]       // by the path, which holds a session's secret
}

func newLimits(cfg LimitsConfig) *limits {
	return &limits{
		posts:    newBuckets[netip.Prefix](cfg.PostRate, cfg.PostBurst, cfg.MaxEntries),
		failures: newBuckets[netip.Prefix](cfg.FailureRate, cfg.FailureBurst, cfg.MaxEntries),
		unknown:  newBuckets[netip.Prefix](cfg.UnknownRate, cfg.UnknownBurst, cfg.MaxEntries),
		patches:  newBuckets[string](cfg.PatchRate, cfg.PatchBurst, cfg.MaxEntries),
	}
}

// Gate refuses what must not reach a handler: new sessions while draining, and
// what an address (or a session, for changes to it) asks for too often. Requests on
// sessions that exist are never refused because of their address: schools and
// carriers sit behind one. It belongs inside CORS, so that pages can read 429.
func (s *Server) Gate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.draining.Load() && opensSession(c) {
			return errDraining
		}
		addr, err := netip.ParseAddr(c.RealIP())
		if err != nil || s.Exempt(addr) {
			return next(c)
		}
		key := limitKey(addr)
		if err := s.admit(c, key); err != nil {
			return err
		}
		err = next(c)
		return s.account(c, key, err)
	}
}

// limitKey is what an address counts as. Whoever has one IPv6 address has its
// /64.
func limitKey(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits) // bits fit the address
	return prefix
}

func onSession(c echo.Context) bool {
	return strings.HasPrefix(c.Path(), sessionRoutes) || strings.HasPrefix(c.Path(), streamRoutes) || strings.HasPrefix(c.Path(), memberRoutes)
}

// changesSession reports whether the request takes from the budget of its address.
// What ends something never does: clients that cannot end a session leave it. Reading
// a member's events does, because every reader begins with a snapshot of the channel.
func changesSession(c echo.Context) bool {
	switch c.Request().Method {
	case http.MethodPatch, http.MethodPost:
		return true
	case http.MethodDelete:
		return strings.HasSuffix(c.Path(), "/layer") // selects, and ends nothing
	case http.MethodGet:
		return strings.HasPrefix(c.Path(), memberRoutes)
	}
	return false
}

func opensSession(c echo.Context) bool {
	return c.Request().Method == http.MethodPost && !onSession(c)
}

// admit decides what can be decided before the handler.
func (s *Server) admit(c echo.Context, key netip.Prefix) error {
	now := s.now()
	if onSession(c) {
		if !changesSession(c) {
			return nil
		}
		wait, ok := s.limits.patches.take(now, c.Request().URL.Path)
		return refuse(errTooMany, wait, ok)
	}
	if showsCredential(c) {
		if wait, ok := s.limits.failures.peek(now, key); !ok {
			return errTooManyFailures.After(wait)
		}
	}
	if opensSession(c) {
		wait, ok := s.limits.posts.take(now, key)
		return refuse(errTooMany, wait, ok)
	}
	return nil
}

func refuse(f *fault.Error, wait time.Duration, ok bool) error {
	if ok {
		return nil
	}
	return f.After(wait)
}

// account books what the handler refused. Where the budget is used up the refusal
// becomes 429, so that guessing tells nothing more.
func (s *Server) account(c echo.Context, key netip.Prefix, err error) error {
	refused := err
	if refused == nil {
		refused = problem.Noted(c)
	}
	if refused == nil {
		return nil
	}
	var with *fault.Error
	var wait time.Duration
	ok := true
	switch kind := fault.Of(refused).Kind; {
	case kind == fault.Unauthenticated && showsCredential(c):
		with = errTooManyFailures
		wait, ok = s.limits.failures.take(s.now(), key)
	case kind == fault.NotFound && onSession(c):
		with = errTooMany
		wait, ok = s.limits.unknown.take(s.now(), key)
	}
	if ok || c.Response().Committed {
		return err
	}
	return with.After(wait)
}

func showsCredential(c echo.Context) bool {
	return c.Request().Header.Get(echo.HeaderAuthorization) != "" || c.Path() == loginRoute
}
