package turn

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
)

// Config says where the server listens and what clients may use of it. Start from
// DefaultConfig.
type Config struct {
	// Enabled switches the server on.
	Enabled bool `yaml:"enabled"`
	// Listen is the "host:port" of UDP and TCP, for example ":3478". Without a host
	// both address families are served; port 0 picks one.
	Listen string `yaml:"listen"`
	// TLSListen is the "host:port" of TLS, for example ":5349"; empty is not at all.
	// It wants the certificate of HTTPS.
	TLSListen string `yaml:"tls_listen"`
	// Host is the name or address that clients are told; empty leaves it to the
	// gateway.
	Host string `yaml:"host"`
	// MaxBitrate is what an allocation may carry each way, in bits per second.
	MaxBitrate int `yaml:"max_bitrate"`
	// MaxPerCredential and MaxPerAddress bound the allocations of one credential and
	// of one client address (an IPv6 address counts as its /64), and the latter its
	// TCP connections too.
	MaxPerCredential int `yaml:"max_per_credential"`
	MaxPerAddress    int `yaml:"max_per_address"`
}

// minBitrate is less than any video, but lets ICE and DTLS through.
const minBitrate = 100_000

// DefaultConfig is a server that is off.
func DefaultConfig() Config {
	return Config{Listen: ":3478", MaxBitrate: 20_000_000, MaxPerCredential: 4, MaxPerAddress: 256}
}

var hostForm = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("turn.%s: "+format, append([]any{field}, args...)...))
	}
	if err := checkListen(c.Listen); err != nil {
		bad("listen", "%w", err)
	}
	if err := checkListen(c.TLSListen); err != nil && c.TLSListen != "" {
		bad("tls_listen", "%w", err)
	}
	if c.Host != "" && net.ParseIP(c.Host) == nil && !hostForm.MatchString(c.Host) {
		bad("host", "must be a name or an address without a port, got %q", c.Host)
	}
	if c.MaxBitrate < minBitrate {
		bad("max_bitrate", "must be at least %d bits per second, got %d", minBitrate, c.MaxBitrate)
	}
	for field, n := range map[string]int{"max_per_credential": c.MaxPerCredential, "max_per_address": c.MaxPerAddress} {
		if n < 1 {
			bad(field, "must be at least 1, got %d", n)
		}
	}
	return errors.Join(errs...)
}

func checkListen(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not host:port", s)
	}
	if host != "" && host != "localhost" && net.ParseIP(host) == nil {
		return fmt.Errorf("%q does not start with an IP address", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no port number from 0 to 65535", s)
	}
	return nil
}
