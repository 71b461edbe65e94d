package call

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Config bounds calls. Start from DefaultConfig.
type Config struct {
	// Create says which channels there are: CreateOnUse or CreateProvisioned.
	Create string `yaml:"create"`
	// MaxMembers bounds those of a channel.
	MaxMembers int `yaml:"max_members"`
	// MaxStreams bounds the member streams of all channels together.
	MaxStreams int `yaml:"max_streams"`
	// MaxSlots bounds the sections of a kind in a viewer's offer.
	MaxSlots int `yaml:"max_slots"`
	// SpeakerHold is how long a speaker keeps the picture at least.
	SpeakerHold time.Duration `yaml:"speaker_hold"`
	// MeasureLevels decodes Opus to find who speaks where publishers do not tell.
	MeasureLevels bool `yaml:"measure_levels"`
	// QualityEvery is how often the quality of members is told.
	QualityEvery time.Duration `yaml:"quality_every"`
	// DataLabels are further labels of data channels that are relayed.
	DataLabels []string `yaml:"data_labels"`
	// Channels are provided for good.
	Channels []ChannelConfig `yaml:"channels"`
	// ChannelsFile keeps the channels that are provisioned over the API; empty keeps
	// them in memory only. Not part of the file.
	ChannelsFile string `yaml:"-"`
}

// The ways for channels to come to be.
const (
	CreateOnUse       = "on-use"
	CreateProvisioned = "provisioned"
)

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	return Config{
		Create: CreateOnUse, MaxMembers: 1000, MaxStreams: 10_000, MaxSlots: 32, SpeakerHold: 1500 * time.Millisecond,
		MeasureLevels: true, QualityEvery: 2 * time.Second,
	}
}

// Bounds of a Config.
const (
	mostSlots         = 64
	leastQualityEvery = 100 * time.Millisecond
	mostLabelBytes    = 64
)

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("calls.%s: "+format, append([]any{field}, args...)...))
	}
	if c.Create != CreateOnUse && c.Create != CreateProvisioned {
		bad("create", "must be %s or %s, got %q", CreateOnUse, CreateProvisioned, c.Create)
	}
	if c.MaxMembers < 1 {
		bad("max_members", "must be at least 1, got %d", c.MaxMembers)
	}
	if c.MaxStreams < 1 {
		bad("max_streams", "must be at least 1, got %d", c.MaxStreams)
	}
	if c.MaxSlots < 1 || c.MaxSlots > mostSlots {
		bad("max_slots", "must be from 1 to %d, got %d", mostSlots, c.MaxSlots)
	}
	if c.SpeakerHold < 0 {
		bad("speaker_hold", "must not be negative, got %v", c.SpeakerHold)
	}
	if c.QualityEvery < leastQualityEvery {
		bad("quality_every", "must be at least %v, got %v", leastQualityEvery, c.QualityEvery)
	}
	for i, label := range c.DataLabels {
		if label == "" || len(label) > mostLabelBytes || !utf8.ValidString(label) || label == ChatLabel || slices.Contains(c.DataLabels[:i], label) {
			bad(fmt.Sprintf("data_labels[%d]", i), "must be a text of up to %d bytes, none twice and not %s, which is always taken; got %q", mostLabelBytes, ChatLabel, label)
		}
	}
	return errors.Join(append(errs, validateChannels(c.Channels))...)
}
