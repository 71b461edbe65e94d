package router

import "time"

// Settings are those of one channel where they differ from Config: zero values leave
// what Config says.
type Settings struct {
	Duplicates                              Duplicates
	Idle                                    Idle
	Standby                                 *bool
	MaxPublications, MaxViewers, MaxBitrate int
	ViewerLinger                            time.Duration
	// Call tells that viewers may be refilled at any time: they are answered every
	// codec they can take, and wait where nobody publishes.
	Call bool
}

// Configure gives a channel settings of its own; nil takes them away. It holds for
// what happens from now on. It is safe for concurrent use.
func (r *Router) Configure(channel string, s *Settings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s == nil {
		delete(r.settings, channel)
		return
	}
	r.settings[channel] = *s
}

// The effective settings of a channel. r.mu is held.

func (r *Router) duplicates(channel string) Duplicates {
	if d := r.settings[channel].Duplicates; d != "" {
		return d
	}
	return r.cfg.Duplicates
}

func (r *Router) idle(channel string) Idle {
	switch s := r.settings[channel]; {
	case s.Idle != "":
		return s.Idle
	case s.Call:
		return WaitIdle
	}
	return r.cfg.Idle
}

func (r *Router) keepsStandby(channel string) bool {
	if s := r.settings[channel].Standby; s != nil {
		return *s
	}
	return r.cfg.keepsStandby(channel)
}

func (r *Router) maxPublications(channel string) int {
	return orElse(r.settings[channel].MaxPublications, r.cfg.MaxPublications)
}

func (r *Router) maxViewers(channel string) int {
	return orElse(r.settings[channel].MaxViewers, r.cfg.MaxViewers)
}

func (r *Router) viewerLinger(channel string) time.Duration {
	return orElse(r.settings[channel].ViewerLinger, r.cfg.ViewerLinger)
}

func (r *Router) isCall(channel string) bool { return r.settings[channel].Call }

// MaxBitrate is how many bits per second a publisher of a channel may send; 0 is any
// number. It is safe for concurrent use.
func (r *Router) MaxBitrate(channel string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return orElse(r.settings[channel].MaxBitrate, r.cfg.MaxBitrateOf(channel))
}

func orElse[T comparable](own, common T) T {
	var none T
	if own != none {
		return own
	}
	return common
}
