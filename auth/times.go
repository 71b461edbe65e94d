package auth

import (
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// TimeError is the refusal of a token for its times: it wraps ErrTokenExpired or
// ErrBadToken, and says by how much the token missed. One of both is above 0.
type TimeError struct {
	refusal *fault.Error
	// ExpiredFor is how long ago the token ended, StartsIn how long it takes until
	// it is good.
	ExpiredFor, StartsIn time.Duration
}

// Error implements error.
func (e *TimeError) Error() string { return e.refusal.Error() }

// Unwrap returns the refusal.
func (e *TimeError) Unwrap() error { return e.refusal }

// checkLife compares the times that hold for every request with the clock. An
// end counts from its very instant (RFC 7519 section 4.1.4: "on or after"),
// plus the skew.
func (a *Authority) checkLife(id identity) error {
	now := a.now()
	if !id.starts.IsZero() && now.Add(a.cfg.Skew).Before(id.starts) {
		early := id.starts.Sub(now)
		refusal := ErrBadToken.Because("The token is good in %s only; wait, or check the clocks.", spoken(early))
		return &TimeError{refusal: refusal, StartsIn: early}
	}
	if a.cfg.Exp == ExpJoin {
		return nil
	}
	return a.checkEnd(id.ends)
}

// checkAdmission compares the times that bound admission with the clock. A
// login of a single-login token that is in, or may come back, was admitted
// already and need not be asked.
func (a *Authority) checkAdmission(id identity) error {
	if a.cfg.Exp == ExpJoin {
		return a.checkEnd(earliest(id.joinBy, id.ends))
	}
	return a.checkEnd(id.joinBy)
}

func (a *Authority) checkEnd(end time.Time) error {
	now := a.now()
	if end.IsZero() || now.Before(end.Add(a.cfg.Skew)) {
		return nil
	}
	late := now.Sub(end)
	refusal := ErrTokenExpired.Because("The token expired %s ago; ask for a new one.", spoken(late))
	return &TimeError{refusal: refusal, ExpiredFor: late}
}

// earliest is the first of the times that are set, or zero.
func earliest(times ...time.Time) time.Time {
	first := time.Time{}
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}
