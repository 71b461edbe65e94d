package iceservers

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/auth"
)

// Bounds of Config.TTL.
const (
	minTTL = time.Minute
	maxTTL = 7 * 24 * time.Hour
)

// Config lists the servers that clients are told. Start from DefaultConfig.
type Config struct {
	Servers []Server `yaml:"servers"`
	// TTL is how long a credential made from a shared secret works, 1 minute to
	// 7 days. A relayed session may end with it.
	TTL time.Duration `yaml:"ttl"`
}

// Server is one server with all its addresses. TURN wants either Username and
// Credential, which every client then learns, or Secret; STUN wants neither.
type Server struct {
	// URLs are in the form of RFC 7064 and RFC 7065, for example
	// "stun:stun.example.com:3478" or "turns:turn.example.com?transport=tcp".
	URLs       []string    `yaml:"urls"`
	Username   string      `yaml:"username"`
	Credential auth.Secret `yaml:"credential"`
	// Secret is shared with the TURN server (static-auth-secret of coturn).
	Secret auth.Secret `yaml:"secret"`
	// TTL is instead of Config.TTL if it is set.
	TTL time.Duration `yaml:"-"`
}

// DefaultConfig tells no server.
func DefaultConfig() Config { return Config{TTL: 12 * time.Hour} }

// Validate reports every fault at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	if c.TTL < minTTL || c.TTL > maxTTL {
		errs = append(errs, fmt.Errorf("ice_servers.ttl: must be %v to %v, got %v", minTTL, maxTTL, c.TTL))
	}
	for i, s := range c.Servers {
		for _, err := range s.faults() {
			errs = append(errs, fmt.Errorf("ice_servers.servers[%d].%w", i, err))
		}
	}
	return errors.Join(errs...)
}

func (s Server) faults() []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(s.URLs) == 0 {
		bad("urls: name at least one, for example turn:turn.example.com:3478")
	}
	needs := false
	for _, u := range s.URLs {
		needs = needs || isTURN(u)
		if err := checkURL(u); err != nil {
			bad("urls: %q %w", u, err)
		}
	}
	fixed := s.Username != "" || s.Credential != ""
	switch {
	case !needs && (fixed || s.Secret != ""):
		bad("urls: STUN takes no username, credential or secret; remove them")
	case fixed && s.Secret != "":
		bad("secret: use either a secret or username and credential, not both")
	case needs && s.Secret == "" && (s.Username == "" || s.Credential == ""):
		bad("secret: TURN wants a secret, or both username and credential")
	}
	const unsafe = "must not have a comma, a semicolon or characters outside ASCII; some clients split their Link header there"
	if !isHeaderSafe(s.Username) {
		bad("%s", "username: "+unsafe)
	}
	if !isHeaderSafe(string(s.Credential)) {
		bad("%s", "credential: "+unsafe)
	}
	return errs
}

var urlForm = regexp.MustCompile(`^(stuns?|turns?):([^?/@\s]+)(\?transport=(udp|tcp))?$`)

func checkURL(u string) error {
	m := urlForm.FindStringSubmatch(u)
	switch {
	case m == nil:
		return errors.New("is not of the form stun:host:port or turn:host:port?transport=udp")
	case m[3] != "" && !isTURN(u):
		return errors.New("is STUN, which takes no transport")
	}
	return checkAuthority(m[2])
}

func checkAuthority(s string) error {
	host, port := s, "3478"
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		host, port = s[:i], s[i+1:]
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	isV6 := bare != host && strings.Contains(bare, ":") && net.ParseIP(bare) != nil
	if !isV6 && !hostForm.MatchString(host) {
		return errors.New("has a host that is neither a name nor an address; write IPv6 as [2001:db8::1]")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("has a port that is not 1 to 65535")
	}
	return nil
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

func isTURN(u string) bool { return strings.HasPrefix(u, "turn:") || strings.HasPrefix(u, "turns:") }

// isHeaderSafe reports whether clients that take a Link header apart naively
// get value back (N-182).
func isHeaderSafe(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c >= 0x7f || c == ',' || c == ';' {
			return false
		}
	}
	return true
}
