package httpserver

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
)

// ACMEConfig says how to get a certificate from a certification authority by
// RFC 8555.
type ACMEConfig struct {
	// Domains are the names the certificates are for; none means no ACME. To name
	// them is to accept the authority's terms of service.
	Domains []string `yaml:"domains"`
	// Email is where the authority writes to about trouble; may be empty.
	Email string `yaml:"email"`
	// Cache is the directory of account key and certificates; empty means the
	// directory acme in Config.StateDir.
	Cache string `yaml:"cache"`
	// DirectoryURL names the authority; empty means Let's Encrypt.
	DirectoryURL string `yaml:"directory_url"`
}

func (c ACMEConfig) check(v *faults) {
	for _, d := range c.Domains {
		v.check("tls.acme.domains", checkDomain(d))
	}
	if len(c.Domains) == 0 && (c.Email != "" || c.Cache != "" || c.DirectoryURL != "") {
		v.check("tls.acme.domains", errors.New("name the domains to get certificates for"))
	}
	if c.Email != "" {
		if a, err := mail.ParseAddress(c.Email); err != nil || a.Address != c.Email {
			v.check("tls.acme.email", fmt.Errorf("%q must look like me@example.com", c.Email))
		}
	}
	if c.DirectoryURL != "" {
		v.check("tls.acme.directory_url", checkDirectory(c.DirectoryURL))
	}
}

func checkDomain(d string) error {
	if strings.HasPrefix(d, "*.") {
		return fmt.Errorf("%q: certificates for all names of a domain want a challenge by DNS, which is not done here: name each one, or use cert and key", d)
	}
	host, ok := parseHost(d)
	if _, err := netip.ParseAddr(d); err == nil || !ok || !strings.EqualFold(host, d) || !strings.Contains(host, ".") {
		return fmt.Errorf("%q must be a public DNS name such as live.example.com; without one use self_signed: true", d)
	}
	return nil
}

// checkDirectory wants TLS, except on this machine, where tests run.
func checkDirectory(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return fmt.Errorf("%q must look like https://acme.example.com/directory", s)
	}
	return nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return loopbackName(host) || err == nil && addr.IsLoopback()
}
