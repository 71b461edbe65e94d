package call

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/crypto/bcrypt"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/router"
)

// Kind is what a channel is for.
type Kind string

// The kinds of channels.
const (
	Broadcast Kind = "broadcast"
	Call      Kind = "call"
)

// How long a channel stays provisioned.
const (
	LifetimeProvisioned = "provisioned"
	LifetimeEmpty       = "empty"
)

// Settings are those of a provisioned channel; what is left out is as configured for
// all.
type Settings struct {
	Kind            Kind     `json:"kind,omitempty"`
	Title           string   `json:"title,omitempty"`
	Video           []string `json:"video,omitempty"`
	Audio           []string `json:"audio,omitempty"`
	Duplicates      string   `json:"duplicates,omitempty"`
	Idle            string   `json:"idle,omitempty"`
	Standby         *bool    `json:"standby,omitempty"`
	MaxPublications int      `json:"max_publications,omitempty"`
	MaxViewers      int      `json:"max_viewers,omitempty"`
	MaxMembers      int      `json:"max_members,omitempty"`
	MaxBitrate      int      `json:"max_bitrate,omitempty"` // per second
	ViewerLinger    int      `json:"viewer_linger_seconds,omitempty"`
	// Lifetime is LifetimeProvisioned (until taken away; the default) or LifetimeEmpty
	// (until nobody is left in it, once somebody was). Expires ends the channel at a
	// time.
	Lifetime string    `json:"lifetime,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
	// PasswordHash is bcrypt's, for POST /api/v1/login; empty lets nobody log in.
	PasswordHash string `json:"-"`
}

// ChannelConfig is a channel that the configuration provisions for good. Its fields
// are those of Settings.
type ChannelConfig struct {
	Name            string   `yaml:"name"`
	Kind            string   `yaml:"kind"`
	Title           string   `yaml:"title"`
	Video           []string `yaml:"video"`
	Audio           []string `yaml:"audio"`
	Duplicates      string   `yaml:"duplicates"`
	Idle            string   `yaml:"idle"`
	Standby         bool     `yaml:"standby"` // false leaves it to channels.standby
	MaxPublications int      `yaml:"max_publications"`
	MaxViewers      int      `yaml:"max_viewers"`
	MaxMembers      int      `yaml:"max_members"`
	MaxBitrate      int      `yaml:"max_bitrate"`
	ViewerLinger    int      `yaml:"viewer_linger_seconds"`
	PasswordHash    string   `yaml:"password_hash"`
}

func (c ChannelConfig) settings() Settings {
	s := Settings{
		Kind: Kind(c.Kind), Title: c.Title, Video: c.Video, Audio: c.Audio, Duplicates: c.Duplicates, Idle: c.Idle,
		MaxPublications: c.MaxPublications, MaxViewers: c.MaxViewers, MaxMembers: c.MaxMembers, MaxBitrate: c.MaxBitrate,
		ViewerLinger: c.ViewerLinger, PasswordHash: c.PasswordHash,
	}
	if c.Standby {
		s.Standby = &c.Standby
	}
	return s
}

// The bounds of settings.
const (
	maxTitle  = 128 // bytes
	maxNumber = 1_000_000
	maxRate   = 1_000_000_000
	maxLinger = 24 * 3600
)

var (
	videoCodecs = []string{router.H264, router.VP8, router.AV1, router.VP9, router.H265}
	audioCodecs = []string{router.Opus, router.G722, router.PCMU, router.PCMA}
)

// errSettings refuses settings that have no meaning.
var errSettings = fault.New(fault.Invalid, "bad-settings",
	"The settings of a channel are not what they should be; api/v1/openapi.yaml describes them.")

// faults names every field that is wrong, and how.
func (s Settings) faults() (list []string) {
	bad := func(field, format string, args ...any) {
		list = append(list, field+" "+fmt.Sprintf(format, args...))
	}
	oneOf := func(field, value string, known ...string) {
		if value != "" && !slices.Contains(known, value) {
			bad(field, "must be one of %s", strings.Join(known, ", "))
		}
	}
	atMost := func(field string, value, most int) {
		if value < 0 || value > most {
			bad(field, "must be 0 to %d", most)
		}
	}
	oneOf("kind", string(s.Kind), string(Broadcast), string(Call))
	oneOf("duplicates", s.Duplicates, string(router.RejectDuplicates), string(router.ReplaceDuplicates))
	oneOf("idle", s.Idle, string(router.RefuseIdle), string(router.WaitIdle))
	oneOf("lifetime", s.Lifetime, LifetimeProvisioned, LifetimeEmpty)
	atMost("max_publications", s.MaxPublications, maxNumber)
	atMost("max_viewers", s.MaxViewers, maxNumber)
	atMost("max_members", s.MaxMembers, maxNumber)
	atMost("max_bitrate", s.MaxBitrate, maxRate)
	atMost("viewer_linger_seconds", s.ViewerLinger, maxLinger)
	if len(s.Title) > maxTitle || strings.IndexFunc(s.Title, unicode.IsControl) >= 0 {
		bad("title", "must be at most %d bytes of text without control characters", maxTitle)
	}
	list = append(list, codecFaults("video", s.Video, videoCodecs)...)
	list = append(list, codecFaults("audio", s.Audio, audioCodecs)...)
	if s.PasswordHash != "" {
		if _, err := bcrypt.Cost([]byte(s.PasswordHash)); err != nil {
			bad("password_hash", "must be a bcrypt hash, such as htpasswd -nB makes")
		}
	}
	return list
}

func codecFaults(field string, got, known []string) (list []string) {
	for i, name := range got {
		switch {
		case !slices.Contains(known, name):
			return []string{fmt.Sprintf("%s must have codecs out of %s", field, strings.Join(known, ", "))}
		case slices.Contains(got[:i], name):
			return []string{fmt.Sprintf("%s must not have %s twice", field, name)}
		}
	}
	return nil
}

// validate refuses settings that have no meaning, and names every field.
func (s Settings) validate(now time.Time) error {
	list := s.faults()
	if !s.Expires.IsZero() && !s.Expires.After(now) {
		list = append(list, "expires must be in the future")
	}
	if len(list) == 0 {
		return nil
	}
	return errSettings.Because("%s.", strings.Join(list, "; "))
}

// validateChannels names every fault of the channels of the configuration.
func validateChannels(channels []ChannelConfig) error {
	var errs []error
	seen := make(map[string]bool)
	for i, c := range channels {
		at := fmt.Sprintf("calls.channels[%d].", i)
		if err := names.Valid(c.Name); err != nil {
			errs = append(errs, fmt.Errorf("%sname: %s", at, fault.Of(err).Public))
		}
		if seen[c.Name] {
			errs = append(errs, fmt.Errorf("%sname: %q is there twice", at, c.Name))
		}
		seen[c.Name] = true
		for _, wrong := range c.settings().faults() {
			field, what, _ := strings.Cut(wrong, " ")
			errs = append(errs, fmt.Errorf("%s%s: %s", at, field, what))
		}
	}
	return errors.Join(errs...)
}
