package auth

import "time"

// checkLife compares the times that hold for every request with the clock. An
// end counts from its very instant (RFC 7519 section 4.1.4: "on or after"),
// plus the skew.
func (a *Authority) checkLife(id identity) error {
	now := a.now()
	if !id.starts.IsZero() && now.Add(a.cfg.Skew).Before(id.starts) {
		return ErrBadToken.Because("The token is good in %s only; wait, or check the clocks.", spoken(id.starts.Sub(now)))
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
	return ErrTokenExpired.Because("The token expired %s ago; ask for a new one.", spoken(now.Sub(end)))
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
