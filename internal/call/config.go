package call

import "time"

// Config bounds calls. Start from DefaultConfig.
type Config struct {
	// Create says which channels there are: CreateOnUse or CreateProvisioned.
	Create string `yaml:"create"`
	// MaxMembers bounds those of a channel.
	MaxMembers int `yaml:"max_members"`
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
		Create: CreateOnUse, MaxMembers: 1000, MaxSlots: 32, SpeakerHold: 1500 * time.Millisecond,
		MeasureLevels: true, QualityEvery: 2 * time.Second,
	}
}

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error { return validateChannels(c.Channels) }
