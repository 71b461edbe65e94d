package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headgate/headgate/router"
)

// Config says how long sessions may take and how many there may be. Start from
// DefaultConfig.
type Config struct {
	// HandshakeTimeout is how long a client may take from the POST until DTLS is
	// up. It must be longer than the 39.5 s of RFC 8863.
	HandshakeTimeout time.Duration `yaml:"handshake_timeout"`
	// LostAfter is the silence after which a connected session ends (consent,
	// RFC 7675).
	LostAfter time.Duration `yaml:"lost_after"`
	// RememberFor is how long an ended session still answers DELETE with 200 and
	// says why it ended.
	RememberFor time.Duration `yaml:"remember_for"`
	// SweepEvery is how often deadlines are looked at.
	SweepEvery time.Duration `yaml:"sweep_every"`
	// MaxSessions bounds all sessions; MaxHalfOpen those of one address that
	// have not connected yet.
	MaxSessions int `yaml:"max_sessions"`
	MaxHalfOpen int `yaml:"max_half_open"`
	// Video and Audio are the codecs of channels, in order of preference.
	Video []string `yaml:"video"`
	Audio []string `yaml:"audio"`
	// NoTrickle and NoRestart switch off one kind of PATCH, which is then
	// refused with 422.
	NoTrickle bool `yaml:"no_trickle"`
	NoRestart bool `yaml:"no_restart"`
	// AcceptMissingIfMatch lets trickle without If-Match pass when the fragment
	// shows the current credentials, for clients that never learnt about ETags.
	AcceptMissingIfMatch bool `yaml:"accept_missing_if_match"`
	// CounterOffer says when a player is answered with an offer of ours (406, the
	// playback draft, section 4.2.2) instead of an answer: CounterNever, CounterAsked
	// by ?offer=server in the address or by an offer without audio and video, or CounterAlways.
	CounterOffer string `yaml:"counter_offer"`
	// CounterOfferValid is how long it may be answered.
	CounterOfferValid time.Duration `yaml:"counter_offer_valid"`
}

// maxCounterOfferValid bounds how long a session may wait for its answer: it holds
// a place all the time.
const maxCounterOfferValid = 5 * time.Minute

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	return Config{
		HandshakeTimeout: 45 * time.Second,
		LostAfter:        30 * time.Second,
		RememberFor:      time.Minute,
		SweepEvery:       time.Second,
		MaxSessions:      20_000,
		MaxHalfOpen:      64,
		CounterOffer:     CounterAsked, CounterOfferValid: 30 * time.Second,
		Video: []string{router.H264, router.VP8, router.AV1, router.VP9, router.H265},
		Audio: []string{router.Opus, router.G722, router.PCMU, router.PCMA},
	}
}

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("sessions.%s: "+format, append([]any{field}, args...)...))
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"handshake_timeout", c.HandshakeTimeout}, {"lost_after", c.LostAfter},
		{"remember_for", c.RememberFor}, {"sweep_every", c.SweepEvery},
	} {
		if d.value <= 0 {
			bad(d.field, "must be longer than 0, got %v", d.value)
		}
	}
	if !slices.Contains([]string{CounterNever, CounterAsked, CounterAlways}, c.CounterOffer) {
		bad("counter_offer", "must be never, asked or always, got %q", c.CounterOffer)
	}
	if c.CounterOfferValid < time.Second || c.CounterOfferValid > maxCounterOfferValid {
		bad("counter_offer_valid", "must be from 1s to %v, got %v", maxCounterOfferValid, c.CounterOfferValid)
	}
	if c.MaxSessions < 1 {
		bad("max_sessions", "must be at least 1, got %d", c.MaxSessions)
	}
	if c.MaxHalfOpen < 1 {
		bad("max_half_open", "must be at least 1, got %d", c.MaxHalfOpen)
	}
	checkCodecs := func(field string, got, known []string) {
		if len(got) == 0 {
			bad(field, "must name at least one codec of %v", known)
		}
		for _, name := range got {
			if !slices.Contains(known, name) {
				bad(field, "%q is not one of %v", name, known)
			}
		}
	}
	d := DefaultConfig()
	checkCodecs("video", c.Video, d.Video)
	checkCodecs("audio", c.Audio, d.Audio)
	return errors.Join(errs...)
}
