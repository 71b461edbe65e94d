package gateway

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/auth"
)

func TestOnlyThisMachineIsServed(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		want   bool
	}{
		"nothing configured":          {func(*Config) {}, true},
		"localhost":                   {func(c *Config) { c.HTTP.HTTP = "localhost:0" }, true},
		"IPv6 loopback":               {func(c *Config) { c.HTTP.HTTP = "[::1]:80" }, true},
		"HTTPS on loopback":           {func(c *Config) { c.HTTP.HTTP, c.HTTP.HTTPS = "", "127.0.0.2:443" }, true},
		"public URL is loopback":      {func(c *Config) { c.HTTP.PublicURL = "http://localhost:8080" }, true},
		"all addresses":               {func(c *Config) { c.HTTP.HTTP = ":8080" }, false},
		"all addresses, spelt out":    {func(c *Config) { c.HTTP.HTTP = "0.0.0.0:8080" }, false},
		"an address of the machine":   {func(c *Config) { c.HTTP.HTTP = "192.0.2.1:8080" }, false},
		"a name":                      {func(c *Config) { c.HTTP.HTTP = "live.example:8080" }, false},
		"HTTPS for everybody":         {func(c *Config) { c.HTTP.HTTPS = ":443" }, false},
		"a proxy with a public URL":   {func(c *Config) { c.HTTP.PublicURL = "https://live.example" }, false},
		"a proxy that is trusted":     {func(c *Config) { c.HTTP.TrustedProxies = []string{"127.0.0.1"} }, false},
		"a public name with ACME":     {func(c *Config) { c.HTTP.TLS.ACME.Domains = []string{"live.example"} }, false},
		"a proxy that keeps its Host": {func(c *Config) { c.HTTP.Hosts = []string{"live.example"} }, false},
	} {
		cfg := DefaultConfig()
		tc.change(&cfg)
		if got := cfg.loopbackOnly(); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

func TestOwnKey(t *testing.T) {
	given := bytes.Repeat([]byte("k"), 32)
	dir := filepath.Join(t.TempDir(), "state")
	for name, tc := range map[string]struct {
		change func(*Config)
		err    error
		given  bool
	}{
		"kept in the state directory": {change: func(*Config) {}},
		"given":                       {change: func(c *Config) { c.Auth.Own = given }, given: true},
		"given beside fixed tokens":   {change: func(c *Config) { c.Auth.Own, c.Auth.Tokens = given, make([]auth.TokenConfig, 1) }, given: true},
		"fixed tokens alone":          {change: func(c *Config) { c.Auth.Tokens = make([]auth.TokenConfig, 1) }, err: errNoOwnKey},
		"another issuer":              {change: func(c *Config) { c.Auth.JWT.JWKSURL = "https://issuer.example" }, err: errNoOwnKey},
		"keys":                        {change: func(c *Config) { c.Auth.JWT.Keys = make([]auth.KeyConfig, 1) }, err: errNoOwnKey},
		"open to others":              {change: func(c *Config) { c.Auth.Open, c.HTTP.HTTP = true, ":8080" }},
		"open":                        {change: func(c *Config) { c.Auth.Open = true }, err: errNoTokenNeeded},
	} {
		cfg := DefaultConfig()
		cfg.StateDir = dir
		tc.change(&cfg)
		key, _, err := OwnKey(cfg)
		if !errors.Is(err, tc.err) || tc.given != bytes.Equal(key, given) {
			t.Errorf("%s: key %q, %v", name, key, err)
		}
	}
	cfg := DefaultConfig()
	cfg.StateDir = write(t, "a file", "")
	if _, _, err := OwnKey(cfg); err == nil {
		t.Error("a state directory that is a file")
	}
}

func TestTheKeyIsMadeOnce(t *testing.T) {
	cfg := DefaultConfig()
	cfg.StateDir = filepath.Join(t.TempDir(), "state")
	first, madeIn, err := OwnKey(cfg)
	if err != nil || madeIn != cfg.StateDir || len(first) < 32 {
		t.Fatalf("%d bytes made in %q, %v", len(first), madeIn, err)
	}
	second, madeIn, err := OwnKey(cfg)
	if err != nil || madeIn != "" || !bytes.Equal(first, second) {
		t.Errorf("another key, made in %q, %v", madeIn, err)
	}
}

func TestStateDir(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/home/somebody/.config")
	t.Setenv("STATE_DIRECTORY", "")
	cfg := DefaultConfig()
	if dir, err := cfg.stateDir(); err != nil || dir != "/home/somebody/.config/headgate" {
		t.Errorf("%q, %v", dir, err)
	}
	t.Setenv("STATE_DIRECTORY", "/var/lib/headgate")
	if dir, _ := cfg.stateDir(); dir != "/var/lib/headgate" {
		t.Errorf("%q", dir)
	}
	cfg.StateDir = "/srv/headgate"
	if dir, _ := cfg.stateDir(); dir != "/srv/headgate" {
		t.Errorf("%q", dir)
	}
}

func TestFaultsOfPagesAreNamedAsInTheFile(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Pages = Pages{FrameAncestors: []string{"ui.example"}, ConnectSources: []string{"https://ok.example", "no origin"}}
	err := cfg.Validate()
	if err == nil || !strings.Contains(err.Error(), `pages.frame_ancestors: "ui.example" is none`) ||
		!strings.Contains(err.Error(), "pages.connect_sources:") || strings.Contains(err.Error(), "\nui.") {
		t.Errorf("%v", err)
	}
}

func TestOriginsAreOrigins(t *testing.T) {
	for origin, good := range map[string]bool{
		"https://app.example.com": true, "http://localhost:3000": true, "https://[2001:db8::1]": true,
		"*": false, "app.example.com": false, "https://app.example.com/": false, "https://app.example.com/page": false,
		"https://user@app.example.com": false, "null": false, "": false, "ftp://app.example.com": false,
	} {
		cfg := DefaultConfig()
		cfg.CORS.Origins = []string{origin}
		err := cfg.Validate()
		if good && err != nil || !good && (err == nil || !strings.Contains(err.Error(), "cors.origins: must look like")) {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Pages from anywhere may publish and play where a token guards it, or where
// somebody said that nothing need; without configuration only those of this machine.
func TestPagesOfOtherOrigins(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		all    bool
	}{
		"no configuration":       {change: func(*Config) {}},
		"open, this machine":     {change: func(c *Config) { c.Auth.Open = true }, all: true},
		"open, everywhere":       {change: func(c *Config) { c.Auth.Open, c.HTTP.HTTP = true, ":8080" }, all: true},
		"tokens, this machine":   {change: func(c *Config) { c.Auth.Tokens = make([]auth.TokenConfig, 1) }, all: true},
		"tokens, everywhere":     {change: func(c *Config) { c.HTTP.HTTP = ":8080" }, all: true},
		"origins that are named": {change: func(c *Config) { c.Auth.Open, c.CORS.Origins = true, []string{"https://app.example"} }},
	} {
		g := &Gateway{cfg: DefaultConfig(), log: slog.New(slog.DiscardHandler)}
		g.cfg.StateDir = t.TempDir()
		tc.change(&g.cfg)
		if err := g.decideAccess(); err != nil {
			t.Fatal(err)
		}
		if got := g.cors(); got.AllowAny != tc.all || got.EchoLoopback == tc.all {
			t.Errorf("%s: %+v, want all: %v", name, got, tc.all)
		}
	}
}
