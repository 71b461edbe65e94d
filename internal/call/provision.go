package call

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// maxProvisioned bounds the channels that are provisioned over the API.
const maxProvisioned = 10_000

var (
	errConfigured = fault.New(fault.Conflict, "channel-configured",
		"The configuration file provides this channel; change it there, or choose another name.")
	errTooManyChannels = fault.New(fault.Conflict, "too-many-channels",
		"So many channels are provided that there is no room for another one; take some away that nobody needs.")
	errNotKept = fault.New(fault.Unavailable, "state-unwritable",
		"The gateway could not keep that in its state directory, and left everything as it was; its log says why.")
)

// Provision gives a channel settings, new or other ones, and tells whether it was
// new. They hold for what happens from now on. Errors: a fault bad-settings that names
// the fields, channel-configured, too-many-channels, state-unwritable.
func (s *Service) Provision(channel string, settings Settings) (created bool, err error) {
	if err := settings.validate(s.parts.Now()); err != nil {
		return false, err
	}
	s.providing.Lock()
	defer s.providing.Unlock()
	if s.configured[channel] {
		return false, errConfigured
	}
	all := s.AllProvisioned()
	_, had := all[channel]
	if !had && len(all) >= maxProvisioned {
		return false, errTooManyChannels
	}
	all[channel] = settings
	if err := s.keep(all); err != nil {
		return false, err
	}
	s.setProvisioned(channel, &settings)
	return !had, nil
}

// setProvisioned changes what holds for a channel; nil takes the settings away.
// s.providing is held, if there is anybody to hold it against.
func (s *Service) setProvisioned(channel string, settings *Settings) {
	s.mu.Lock()
	if settings == nil {
		delete(s.provisioned, channel)
	} else {
		s.provisioned[channel] = *settings
	}
	s.mu.Unlock()
	s.configure(channel)
}

// Provisioned returns the settings of a channel. They must not be changed.
func (s *Service) Provisioned(channel string) (Settings, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	settings, ok := s.provisioned[channel]
	return settings, ok
}

// AllProvisioned are the provisioned channels by name.
func (s *Service) AllProvisioned() map[string]Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.provisioned)
}

// Unprovision takes the settings away. The channel goes on with the common ones. A
// channel that the configuration provides keeps its own. Error: state-unwritable.
func (s *Service) Unprovision(channel string) error {
	s.providing.Lock()
	defer s.providing.Unlock()
	all := s.AllProvisioned()
	if _, ok := all[channel]; !ok || s.configured[channel] {
		return nil
	}
	delete(all, channel)
	if err := s.keep(all); err != nil {
		return err
	}
	s.setProvisioned(channel, nil)
	return nil
}

// Restore provisions the channels of the configuration, and those that were kept. It
// comes before Start.
func (s *Service) Restore() error {
	kept, err := readChannels(s.cfg.ChannelsFile)
	if err != nil {
		return fmt.Errorf("channels that were provisioned before: %w", err)
	}
	for _, c := range s.cfg.Channels {
		kept[c.Name] = c.settings()
		s.configured[c.Name] = true
	}
	for name, settings := range kept {
		s.setProvisioned(name, &settings)
	}
	return nil
}

// keep writes what is provisioned over the API to the state directory.
func (s *Service) keep(all map[string]Settings) error {
	if s.cfg.ChannelsFile == "" {
		return nil
	}
	maps.DeleteFunc(all, func(name string, _ Settings) bool { return s.configured[name] })
	if err := writeChannels(s.cfg.ChannelsFile, all); err != nil {
		return fmt.Errorf("%w: %w", errNotKept, err)
	}
	return nil
}

// Codecs are those of a channel, in order of preference; nil is what is configured
// for all. Calls have H264 and VP8 unless their settings say otherwise.
func (s *Service) Codecs(channel string) (video, audio []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	settings := s.provisioned[channel]
	if len(settings.Video) == 0 && s.kindOf(channel) == Call {
		settings.Video = []string{router.H264, router.VP8}
	}
	return slices.Clone(settings.Video), slices.Clone(settings.Audio)
}

// sweepProvisioned ends the channels whose time is over, and those that have been
// left. It is called every second, by one goroutine.
func (s *Service) sweepProvisioned(now time.Time) {
	all := s.AllProvisioned()
	maps.DeleteFunc(s.entered, func(name string, _ bool) bool { _, ok := all[name]; return !ok })
	for name, settings := range all {
		switch {
		case !settings.Expires.IsZero() && !now.Before(settings.Expires):
		case settings.Lifetime == LifetimeEmpty && s.isLeft(name):
		default:
			continue
		}
		if err := s.Unprovision(name); err != nil {
			s.parts.Log.Error("a channel whose time is over stays", "channel", name, "err", err)
			continue
		}
		s.Disband(name)
	}
}

// isLeft tells that somebody was in a channel and nobody is any more.
func (s *Service) isLeft(name string) bool {
	if s.Members(name) > 0 || s.parts.Router.InUse(name) {
		s.entered[name] = true
		return false
	}
	return s.entered[name]
}
