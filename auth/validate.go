package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"time"
)

// Bounds of the configuration.
const (
	minTokenBytes = 16
	maxSkew       = 10 * time.Minute
	minRefresh    = 10 * time.Second
	maxRefresh    = 24 * time.Hour
)

// faults collects what is wrong, each with its name in the file.
type faults []error

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, fmt.Errorf("auth.%s: "+format, append([]any{field}, args...)...))
}

// Validate reports every fault at once, named as in the configuration file. It
// reads no files; New does.
func (c Config) Validate() error {
	var f faults
	if c.Exp != ExpSession && c.Exp != ExpJoin {
		f.add("exp", "must be %s or %s, got %q", ExpSession, ExpJoin, c.Exp)
	}
	if c.Skew < 0 || c.Skew > maxSkew {
		f.add("skew", "must be 0 to %v, got %v", maxSkew, c.Skew)
	}
	if c.Linger < 0 {
		f.add("linger", "must not be negative, got %v", c.Linger)
	}
	if len(c.Own) > 0 && len(c.Own) < minKeyBytes {
		f.add("key", "must be at least %d bytes, got %d", minKeyBytes, len(c.Own))
	}
	if !c.Open && !c.hasCredentials() {
		f.add("tokens", "nobody could come in: configure a token, a key or jwks_url, or open the gateway to everybody")
	}
	c.validateTokens(&f)
	c.JWT.validate(&f)
	return errors.Join(f...)
}

// hasCredentials reports whether there is any token that could be good.
func (c Config) hasCredentials() bool {
	return len(c.Tokens) > 0 || len(c.JWT.Keys) > 0 || c.JWT.JWKSURL != "" || len(c.Own) > 0
}

func (c Config) validateTokens(f *faults) {
	first := map[Secret]int{}
	for i, t := range c.Tokens {
		field := func(name string) string { return fmt.Sprintf("tokens[%d].%s", i, name) }
		if len(t.Token) < minTokenBytes || !isB64Token(string(t.Token)) {
			f.add(field("token"), "must be at least %d letters, digits and -._~+/; make one with: openssl rand -hex 16", minTokenBytes)
		}
		if j, ok := first[t.Token]; ok {
			f.add(field("token"), "is the same as tokens[%d].token", j)
		} else {
			first[t.Token] = i
		}
		t.validate(f, field)
	}
}

func (t TokenConfig) validate(f *faults, field func(string) string) {
	if !t.Publish && !t.Play && !t.Admin {
		f.add(field("publish"), "the token allows nothing; set publish, play or admin")
	}
	if (t.Publish || t.Play) && len(t.Channels) == 0 {
		f.add(field("channels"), `say which channels; ["*"] means all`)
	}
	for _, p := range t.Channels {
		if !isPattern(p) {
			f.add(field("channels"), "%q is not a channel, a prefix* or *", p)
		}
	}
	if t.Participant != "" && t.Participant != anyone && !isName(t.Participant) {
		f.add(field("participant"), "%q is not a name; use letters, digits and signs, or * for everybody", t.Participant)
	}
	if len(t.Name) > maxDisplayName {
		f.add(field("name"), "must be at most %d bytes", maxDisplayName)
	}
}

func (c JWTConfig) validate(f *faults) {
	for i, k := range c.Keys {
		if k.isFile() && k.sources() == 1 {
			continue
		}
		if _, err := k.load(); err != nil {
			*f = append(*f, fmt.Errorf("auth.jwt.keys[%d].%w", i, err))
		}
	}
	if c.JWKSURL == "" {
		return
	}
	if err := checkSetURL(c.JWKSURL); err != nil {
		f.add("jwt.jwks_url", "%w", err)
	}
	if c.JWKSRefresh < minRefresh || c.JWKSRefresh > maxRefresh {
		f.add("jwt.jwks_refresh", "must be %v to %v, got %v", minRefresh, maxRefresh, c.JWKSRefresh)
	}
}

// checkSetURL wants a way on which nobody can exchange the keys.
func checkSetURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not a URL")
	case u.User != nil:
		return errors.New("must not have a user name in it")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return errors.New("must be https, or http on this machine: who can change the keys can make tokens")
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
