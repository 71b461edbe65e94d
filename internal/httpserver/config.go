package httpserver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Config says where and how HTTP is served. Start from DefaultConfig.
type Config struct {
	// HTTP and HTTPS are the addresses to listen on; empty means not at all,
	// port 0 picks one. HTTPS wants TLS.
	HTTP  string    `yaml:"http"`
	HTTPS string    `yaml:"https"`
	TLS   TLSConfig `yaml:"tls"`
	// Redirect sends plain requests from other machines on to HTTPS, where there is
	// HTTPS.
	Redirect bool `yaml:"redirect"`
	// PublicURL is the origin clients use, for example https://live.example.com;
	// empty takes it from each request.
	PublicURL string `yaml:"public_url"`
	// Hosts are further names this gateway may be addressed by. Loopback names,
	// IP addresses and PublicURL's host always may; * allows every name.
	Hosts []string `yaml:"hosts"`
	// TrustedProxies are the networks of proxies whose Forwarded and
	// X-Forwarded-* headers are believed.
	TrustedProxies []string `yaml:"trusted_proxies"`
	// TrustedNetworks are exempt from limits per address.
	TrustedNetworks []string `yaml:"trusted_networks"`
	// Limits bound what one address may ask for.
	Limits LimitsConfig `yaml:"limits"`
	// WHEPExtensions names the listeners, http and https, whose clients are told of
	// the extensions of WHEP. A request that a proxy sends on came by the listener
	// that the proxy used.
	WHEPExtensions []string `yaml:"whep_extensions"`
	// LimitLoopback applies the limits to loopback addresses too.
	LimitLoopback bool `yaml:"limit_loopback"`

	// MaxHeaderBytes bounds a request's header (431 above, after some slack of
	// net/http); MaxBodyBytes its body (413).
	MaxHeaderBytes int   `yaml:"max_header_bytes"`
	MaxBodyBytes   int64 `yaml:"max_body_bytes"`
	// ReadHeaderTimeout bounds the arrival of a header, ReadTimeout of the whole
	// request, WriteTimeout of the answer (event streams lift it), IdleTimeout
	// the time between requests.
	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	ReadTimeout       time.Duration `yaml:"read_timeout"`
	WriteTimeout      time.Duration `yaml:"write_timeout"`
	IdleTimeout       time.Duration `yaml:"idle_timeout"`
	// ShutdownTimeout bounds how long requests under way may take to finish when
	// Serve's context ends.
	ShutdownTimeout time.Duration `yaml:"shutdown_timeout"`

	// StateDir is where certificates are kept that the gateway made or was given
	// by a certification authority.
	StateDir string `yaml:"-"`
}

// TLSConfig says where the certificate comes from: one of three.
type TLSConfig struct {
	// Cert and Key are the PEM files of the certificate chain and its key. They are
	// read again when they change.
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
	// SelfSigned makes one for this machine's names and addresses.
	SelfSigned bool `yaml:"self_signed"`
	// ACME gets one from a certification authority.
	ACME ACMEConfig `yaml:"acme"`
}

// sources counts the places a certificate is to come from.
func (c TLSConfig) sources() (n int) {
	for _, named := range []bool{c.Cert != "" || c.Key != "", c.SelfSigned, len(c.ACME.Domains) > 0} {
		if named {
			n++
		}
	}
	return n
}

// KeepsState tells whether StateDir is needed.
func (c Config) KeepsState() bool {
	return c.HTTPS != "" && (c.TLS.SelfSigned || len(c.TLS.ACME.Domains) > 0 && c.TLS.ACME.Cache == "")
}

// LimitsConfig bounds requests per address (an IPv6 address counts as its /64).
// Rates are per second; a burst is what may come at once. Sessions that exist are
// never limited by address.
type LimitsConfig struct {
	// POSTs to the endpoints.
	PostRate  float64 `yaml:"post_rate"`
	PostBurst int     `yaml:"post_burst"`
	// Failed authentications.
	FailureRate  float64 `yaml:"failure_rate"`
	FailureBurst int     `yaml:"failure_burst"`
	// Requests for sessions that do not exist.
	UnknownRate  float64 `yaml:"unknown_rate"`
	UnknownBurst int     `yaml:"unknown_burst"`
	// PATCHes of one session, and POSTs to each of the addresses beside it, whoever
	// sends them.
	PatchRate  float64 `yaml:"patch_rate"`
	PatchBurst int     `yaml:"patch_burst"`
	// MaxEntries bounds each table of addresses (or sessions); the one that was
	// quiet longest is forgotten first.
	MaxEntries int `yaml:"max_entries"`
}

// DefaultConfig returns the settings of a gateway nobody configured: loopback
// only.
func DefaultConfig() Config {
	return Config{
		HTTP:     "127.0.0.1:8080",
		Redirect: true,

		WHEPExtensions: []string{"http", "https"},
		Limits: LimitsConfig{
			PostRate: 20, PostBurst: 60,
			FailureRate: 2, FailureBurst: 30,
			UnknownRate: 10, UnknownBurst: 50,
			PatchRate: 20, PatchBurst: 100,
			MaxEntries: 10_000,
		},
		MaxHeaderBytes:    16 << 10,
		MaxBodyBytes:      256 << 10,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ShutdownTimeout:   5 * time.Second,
	}
}

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	v := &faults{}
	c.checkListeners(v)
	if c.PublicURL != "" {
		v.check("public_url", checkPublicURL(c.PublicURL))
	}
	for _, h := range c.Hosts {
		v.check("hosts", checkHostPattern(h))
	}
	_, err := parseNetworks(c.TrustedProxies)
	v.check("trusted_proxies", err)
	_, err = parseNetworks(c.TrustedNetworks)
	v.check("trusted_networks", err)
	for _, name := range c.WHEPExtensions {
		if name != "http" && name != "https" {
			v.check("whep_extensions", fmt.Errorf("%q must be http or https", name))
		}
	}
	c.Limits.check(v)
	c.checkBounds(v)
	return errors.Join(v.errs...)
}

// faults collects errors by field.
type faults struct{ errs []error }

func (v *faults) check(field string, err error) {
	if err != nil {
		v.errs = append(v.errs, fmt.Errorf("http.%s: %w", field, err))
	}
}

func (v *faults) positive(field string, ok bool, value any) {
	if !ok {
		v.check(field, fmt.Errorf("must be greater than 0, got %v", value))
	}
}

func (c Config) checkListeners(v *faults) {
	if c.HTTP == "" && c.HTTPS == "" {
		v.check("http", errors.New("name an address to listen on here or in https"))
	}
	for field, address := range map[string]string{"http": c.HTTP, "https": c.HTTPS} {
		if address == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			v.check(field, fmt.Errorf("must look like HOST:PORT or :PORT: %w", err))
		}
	}
	if c.HTTPS == "" && c.TLS.sources() > 0 {
		v.check("https", errors.New("a certificate is configured in tls; name the address to use it on"))
	}
	c.TLS.check(v, c.HTTPS != "")
}

func (c TLSConfig) check(v *faults, wanted bool) {
	switch n := c.sources(); {
	case n > 1:
		v.check("tls", errors.New("wants one of cert and key, acme.domains and self_signed, not several"))
	case n == 0 && wanted:
		v.check("tls", errors.New("https wants the files of a certificate (cert) and its key (key), or acme.domains, or self_signed: true"))
	case (c.Cert == "") != (c.Key == ""):
		v.check("tls", errors.New("cert and key go together: name both files"))
	}
	c.ACME.check(v)
}

func (c Config) checkBounds(v *faults) {
	v.positive("max_header_bytes", c.MaxHeaderBytes > 0, c.MaxHeaderBytes)
	v.positive("max_body_bytes", c.MaxBodyBytes > 0, c.MaxBodyBytes)
	v.positive("read_header_timeout", c.ReadHeaderTimeout > 0, c.ReadHeaderTimeout)
	v.positive("read_timeout", c.ReadTimeout > 0, c.ReadTimeout)
	v.positive("write_timeout", c.WriteTimeout > 0, c.WriteTimeout)
	v.positive("idle_timeout", c.IdleTimeout > 0, c.IdleTimeout)
	v.positive("shutdown_timeout", c.ShutdownTimeout > 0, c.ShutdownTimeout)
}

func (l LimitsConfig) check(v *faults) {
	for _, b := range []struct {
		field string
		rate  float64
		burst int
	}{
		{"post", l.PostRate, l.PostBurst}, {"failure", l.FailureRate, l.FailureBurst},
		{"unknown", l.UnknownRate, l.UnknownBurst}, {"patch", l.PatchRate, l.PatchBurst},
	} {
		v.positive("limits."+b.field+"_rate", b.rate > 0, b.rate)
		v.positive("limits."+b.field+"_burst", b.burst > 0, b.burst)
	}
	v.positive("limits.max_entries", l.MaxEntries > 0, l.MaxEntries)
}

// checkPublicURL accepts an http or https origin with an optional path prefix.
func checkPublicURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("%q must look like https://live.example.com", s)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return fmt.Errorf("%q must have no user, query or fragment", s)
	}
	return nil
}

func checkHostPattern(h string) error {
	if h == "*" {
		return nil
	}
	if host, ok := parseHost(h); !ok || !strings.EqualFold(host, h) {
		return fmt.Errorf("%q must be a host name without a port, or *", h)
	}
	return nil
}

// parseNetworks reads addresses and prefixes.
func parseNetworks(list []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, s := range list {
		if addr, err := netip.ParseAddr(s); err == nil {
			networks = append(networks, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q must be an IP address or a network such as 10.0.0.0/8", s)
		}
		networks = append(networks, p.Masked())
	}
	return networks, nil
}

func contains(networks []netip.Prefix, addr netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}
