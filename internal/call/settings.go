package call

import "time"

// Kind is what a channel is for.
type Kind string

// The kinds of channels.
const (
	Broadcast Kind = "broadcast"
	Call      Kind = "call"
)

// Settings are those of a provisioned channel; what is left out is as configured for
// all.
type Settings struct {
	Kind            Kind     `yaml:"kind" json:"kind,omitempty"`
	Title           string   `yaml:"title" json:"title,omitempty"`
	Video           []string `yaml:"video" json:"video,omitempty"`
	Audio           []string `yaml:"audio" json:"audio,omitempty"`
	Duplicates      string   `yaml:"duplicates" json:"duplicates,omitempty"`
	Idle            string   `yaml:"idle" json:"idle,omitempty"`
	Standby         *bool    `yaml:"standby" json:"standby,omitempty"`
	MaxPublications int      `yaml:"max_publications" json:"max_publications,omitempty"`
	MaxViewers      int      `yaml:"max_viewers" json:"max_viewers,omitempty"`
	MaxMembers      int      `yaml:"max_members" json:"max_members,omitempty"`
	MaxBitrate      int      `yaml:"max_bitrate" json:"max_bitrate,omitempty"`
	ViewerLinger    int      `yaml:"viewer_linger_seconds" json:"viewer_linger_seconds,omitempty"`
	// Lifetime is "provisioned" (until taken away; the default) or "empty" (until
	// nobody is left in it). Expires ends it at a time.
	Lifetime string    `yaml:"lifetime" json:"lifetime,omitempty"`
	Expires  time.Time `yaml:"expires" json:"expires,omitzero"`
	// PasswordHash is bcrypt's, for POST /api/v1/login; empty lets nobody log in.
	PasswordHash string `yaml:"password_hash" json:"-"`
}

// Provision gives a channel settings, new or other ones, and tells whether it was
// new. Errors: a fault of kind Invalid that names the fields.
func (s *Service) Provision(channel string, settings Settings) (created bool, err error) {
	return false, nil
}

// Provisioned returns the settings of a channel.
func (s *Service) Provisioned(channel string) (Settings, bool) { return Settings{}, false }

// AllProvisioned lists the provisioned channels by name.
func (s *Service) AllProvisioned() map[string]Settings { return nil }

// Unprovision takes the settings away. The channel goes on with the common ones.
func (s *Service) Unprovision(channel string) {}

// Codecs are those of a channel, in order of preference; nil is what is configured
// for all. Calls have H264 and VP8 unless their settings say otherwise.
func (s *Service) Codecs(channel string) (video, audio []string) { return nil, nil }
