package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/call"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/iceservers"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/turn"
	"github.com/headgate/headgate/internal/ui"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/router"
)

// Config is everything that can be set, in the shape of the configuration file.
// Start from DefaultConfig.
type Config struct {
	HTTP       httpserver.Config `yaml:"http"`
	CORS       wish.CORS         `yaml:"cors"`
	Media      Media             `yaml:"media"`
	Auth       auth.Config       `yaml:"auth"`
	Channels   router.Config     `yaml:"channels"`
	Calls      call.Config       `yaml:"calls"`
	Sessions   session.Config    `yaml:"sessions"`
	ICEServers iceservers.Config `yaml:"ice_servers"`
	TURN       turn.Config       `yaml:"turn"`
	Egress     egress.Config     `yaml:"egress"`
	Pages      Pages             `yaml:"pages"`
	Operations Operations        `yaml:"operations"`
	// RedirectPosts is the origin of the gateway that new sessions are sent on to,
	// for example https://node2.example.com; empty takes them here.
	RedirectPosts string `yaml:"redirect_posts"`
	// StateDir is where the gateway keeps the key and the certificates it makes for
	// itself, and the channels that are provisioned over the API.
	StateDir string `yaml:"state_dir"`
	Log      Log    `yaml:"log"`
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error; Format is text or json.
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// Media says where media is received and what is advertised; the fields are
// those of peer.Config.
type Media struct {
	Listen            string        `yaml:"listen"`
	PublicAddresses   []string      `yaml:"public_addresses"`
	PublicKeepsLocal  bool          `yaml:"public_keeps_local"`
	STUNServers       []string      `yaml:"stun_servers"`
	Interfaces        []string      `yaml:"interfaces"`
	TCP               bool          `yaml:"tcp"`
	IPv6              bool          `yaml:"ipv6"`
	Lite              bool          `yaml:"lite"`
	DisconnectedAfter time.Duration `yaml:"disconnected_after"`
	FailedAfter       time.Duration `yaml:"failed_after"`
	Keepalive         time.Duration `yaml:"keepalive"`
}

// Pages says how far the embedded pages may reach beyond their own origin; the
// fields are those of ui.Config.
type Pages struct {
	FrameAncestors []string `yaml:"frame_ancestors"`
	ConnectSources []string `yaml:"connect_sources"`
}

func (p Pages) validate() error {
	err := ui.Config(p).Validate()
	if err == nil {
		return nil
	}
	renamed := strings.ReplaceAll("\n"+err.Error(), "\nui.", "\npages.") // as in the configuration file
	return errors.New(renamed[1:])
}

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	p := peer.DefaultConfig()
	return Config{
		HTTP: httpserver.DefaultConfig(),
		Media: Media{
			Listen: p.Media, TCP: p.TCP, IPv6: p.IPv6,
			DisconnectedAfter: p.DisconnectedAfter, FailedAfter: p.FailedAfter, Keepalive: p.Keepalive,
		},
		Auth:       auth.DefaultConfig(),
		Channels:   router.DefaultConfig(),
		Calls:      call.DefaultConfig(),
		Sessions:   session.DefaultConfig(),
		ICEServers: iceservers.DefaultConfig(),
		TURN:       turn.DefaultConfig(),
		Egress:     egress.DefaultConfig(),
		StateDir:   "",
		Log:        Log{Level: "info", Format: "text"},
	}
}

// Validate reports every fault at once, named as in the configuration file.
func (c Config) Validate() error {
	errs := []error{
		c.HTTP.Validate(), c.peer(nil).Validate(), c.validateAuth(), c.Channels.Validate(), c.Calls.Validate(),
		c.Sessions.Validate(), c.ICEServers.Validate(), c.validateTURN(), c.Egress.Validate(), c.Pages.validate(), c.Operations.validate(), c.Log.validate(), c.validateRedirect(), c.validateCORS(),
	}
	if c.Sessions.HandshakeTimeout < c.Media.DisconnectedAfter+c.Media.FailedAfter {
		errs = append(errs, errors.New("sessions.handshake_timeout: must not be shorter than media.disconnected_after and media.failed_after together"))
	}
	return errors.Join(errs...)
}

// validateAuth accepts that nothing is configured: New decides then.
func (c Config) validateAuth() error {
	c.Auth.Open = c.Auth.Open || c.noAuth()
	return c.Auth.Validate()
}

func (c Config) validateRedirect() error {
	if c.RedirectPosts == "" {
		return nil
	}
	u, err := url.Parse(c.RedirectPosts)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("redirect_posts: must look like https://node2.example.com, got %q", c.RedirectPosts)
	}
	return nil
}

// validateCORS refuses what no browser ever sends as an origin, and what would
// silently allow nobody.
func (c Config) validateCORS() error {
	var errs []error
	for _, origin := range c.CORS.Origins {
		if u, err := url.Parse(origin); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			errs = append(errs, fmt.Errorf("cors.origins: must look like https://app.example.com, without a slash at the end, got %q", origin))
		}
	}
	return errors.Join(errs...)
}

func (l Log) validate() error {
	var errs []error
	if _, err := l.SlogLevel(); err != nil {
		errs = append(errs, err)
	}
	if l.Format != "text" && l.Format != "json" {
		errs = append(errs, fmt.Errorf("log.format: must be text or json, got %q", l.Format))
	}
	return errors.Join(errs...)
}

// SlogLevel returns the level.
func (l Log) SlogLevel() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return 0, fmt.Errorf("log.level: must be debug, info, warn or error, got %q", l.Level)
	}
	return level, nil
}

func (c Config) peer(log *slog.Logger) peer.Config {
	p := peer.DefaultConfig()
	p.Media, p.PublicAddresses, p.PublicKeepsLocal = c.Media.Listen, c.Media.PublicAddresses, c.Media.PublicKeepsLocal
	p.STUNServers = c.Media.STUNServers
	p.Interfaces, p.TCP, p.IPv6, p.Lite = c.Media.Interfaces, c.Media.TCP, c.Media.IPv6, c.Media.Lite
	p.DisconnectedAfter, p.FailedAfter, p.Keepalive = c.Media.DisconnectedAfter, c.Media.FailedAfter, c.Media.Keepalive
	p.LastStep = c.Egress.LastStep
	p.Log = log
	return p
}

// loopbackOnly tells whether this machine alone is served, where a gateway
// without configuration needs no token: every address is a loopback one, and
// nothing says that a proxy brings others in.
func (c Config) loopbackOnly() bool {
	if c.behindProxy() || len(c.HTTP.TLS.ACME.Domains) > 0 {
		return false
	}
	for _, address := range []string{c.HTTP.HTTP, c.HTTP.HTTPS} {
		if address == "" {
			continue
		}
		if host, _, err := net.SplitHostPort(address); err != nil || !isLoopback(host) {
			return false
		}
	}
	return true
}

// behindProxy tells that something says that a proxy brings others in.
func (c Config) behindProxy() bool {
	return len(c.HTTP.TrustedProxies) > 0 || len(c.HTTP.Hosts) > 0 || !c.publicIsLoopback()
}

func (c Config) publicIsLoopback() bool {
	u, err := url.Parse(c.HTTP.PublicURL)
	return c.HTTP.PublicURL == "" || err == nil && isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// noAuth tells that nobody configured who may do what.
func (c Config) noAuth() bool {
	return !c.Auth.Open && !c.hasCredentials()
}

// openElsewhere tells that everybody may publish and play, from other machines too,
// and that nobody said who administers.
func (c Config) openElsewhere() bool {
	return c.Auth.Open && !c.hasCredentials() && !c.loopbackOnly()
}

// hasCredentials tells that there is something a token could be made with.
func (c Config) hasCredentials() bool {
	return len(c.Auth.Tokens) > 0 || len(c.Auth.JWT.Keys) > 0 || c.Auth.JWT.JWKSURL != "" || len(c.Auth.Own) > 0
}
