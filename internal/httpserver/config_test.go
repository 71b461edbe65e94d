package httpserver

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestDefaultConfigIsValidAndLocal(t *testing.T) {
	c := DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(c.HTTP, "127.0.0.1:") || c.HTTPS != "" {
		t.Errorf("N-008: listens on %q and %q", c.HTTP, c.HTTPS)
	}
}

func TestValidateNamesEveryField(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"nowhere to listen", func(c *Config) { c.HTTP = "" }, []string{"http.http"}},
		{"no port", func(c *Config) { c.HTTP = "localhost" }, []string{"http.http"}},
		{"https without files", func(c *Config) { c.HTTPS = ":8443" }, []string{"http.tls"}},
		{"https with half the files", func(c *Config) { c.HTTPS = ":8443"; c.TLS.Cert = "a" }, []string{"http.tls"}},
		{"files without https", func(c *Config) { c.TLS = TLSConfig{Cert: "a", Key: "b"} }, []string{"http.https"}},
		{"https with a key alone", func(c *Config) { c.HTTPS = ":8443"; c.TLS.Key = "a" }, []string{"http.tls"}},
		{"two sources", func(c *Config) { c.HTTPS = ":8443"; c.TLS = TLSConfig{Cert: "a", Key: "b", SelfSigned: true} }, []string{"http.tls"}},
		{"two other sources", func(c *Config) {
			c.HTTPS, c.TLS = ":8443", TLSConfig{SelfSigned: true, ACME: ACMEConfig{Domains: []string{"a.example"}}}
		}, []string{"http.tls"}},
		{"self-signed without https", func(c *Config) { c.TLS.SelfSigned = true }, []string{"http.https"}},
		{"ACME without https", func(c *Config) { c.TLS.ACME.Domains = []string{"a.example"} }, []string{"http.https"}},
		{"ACME for a wildcard", acmeDomain("*.example.com"), []string{"http.tls.acme.domains"}},
		{"ACME for an address", acmeDomain("192.0.2.1"), []string{"http.tls.acme.domains"}},
		{"ACME for a name without a dot", acmeDomain("localhost"), []string{"http.tls.acme.domains"}},
		{"ACME for a URL", acmeDomain("https://live.example.com"), []string{"http.tls.acme.domains"}},
		{"ACME with a bad address of mail", func(c *Config) { acmeDomain("a.example")(c); c.TLS.ACME.Email = "me" }, []string{"http.tls.acme.email"}},
		{"ACME without TLS", func(c *Config) { acmeDomain("a.example")(c); c.TLS.ACME.DirectoryURL = "http://ca.example/dir" }, []string{"http.tls.acme.directory_url"}},
		{"ACME with an address of mail alone", func(c *Config) { c.TLS.ACME.Email = "me@example.com" }, []string{"http.tls.acme.domains"}},
		{"public URL without scheme", func(c *Config) { c.PublicURL = "live.example.com" }, []string{"http.public_url"}},
		{"public URL with query", func(c *Config) { c.PublicURL = "https://a.example/?x" }, []string{"http.public_url"}},
		{"public URL with user", func(c *Config) { c.PublicURL = "https://u:p@a.example" }, []string{"http.public_url"}},
		{"public URL of another scheme", func(c *Config) { c.PublicURL = "ftp://a.example" }, []string{"http.public_url"}},
		{"public URL that is none", func(c *Config) { c.PublicURL = "https://a b" }, []string{"http.public_url"}},
		{"host with port", func(c *Config) { c.Hosts = []string{"a.example:80"} }, []string{"http.hosts"}},
		{"host with slash", func(c *Config) { c.Hosts = []string{"a/b"} }, []string{"http.hosts"}},
		{"proxies", func(c *Config) { c.TrustedProxies = []string{"proxy"} }, []string{"http.trusted_proxies"}},
		{"networks", func(c *Config) { c.TrustedNetworks = []string{"10.0.0.0/99"} }, []string{"http.trusted_networks"}},
		{"all at once", func(c *Config) {
			c.Limits, c.MaxHeaderBytes, c.MaxBodyBytes, c.ReadTimeout = LimitsConfig{}, 0, -1, 0
			c.ReadHeaderTimeout, c.WriteTimeout, c.IdleTimeout, c.ShutdownTimeout = 0, 0, 0, -time.Second
		}, []string{"http.limits.post_rate", "http.limits.post_burst", "http.limits.failure_rate", "http.limits.unknown_burst",
			"http.limits.patch_rate", "http.limits.max_entries", "http.max_header_bytes", "http.max_body_bytes", "http.read_timeout",
			"http.read_header_timeout", "http.write_timeout", "http.idle_timeout", "http.shutdown_timeout"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := DefaultConfig()
			tc.change(&c)
			err := c.Validate()
			if err == nil {
				t.Fatal("valid")
			}
			for _, field := range tc.want {
				if !strings.Contains(err.Error(), field+":") {
					t.Errorf("%v does not name %s", err, field)
				}
			}
			if _, err := New(c, Options{}); err == nil {
				t.Error("New takes it")
			}
		})
	}
}

func acmeDomain(name string) func(*Config) {
	return func(c *Config) { c.HTTPS, c.TLS.ACME.Domains = ":443", []string{name} }
}

func TestValidateAccepts(t *testing.T) {
	c := DefaultConfig()
	c.PublicURL = "https://live.example.com:8443/gateway/"
	c.Hosts = []string{"*", "Live.example.com", "gateway", "192.0.2.1"}
	c.TrustedProxies = []string{"10.0.0.0/8", "::1", "192.0.2.7"}
	c.HTTP, c.HTTPS, c.TLS = "", "[::1]:0", TLSConfig{Cert: "cert.pem", Key: "key.pem"}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestConfigReadsAsYAML(t *testing.T) {
	const file = `
http: ":8080"
https: ":8443"
tls: {cert: c.pem, key: k.pem, self_signed: false, acme: {domains: [], email: "", cache: "", directory_url: ""}}
redirect: false
public_url: https://live.example.com
hosts: [gateway]
trusted_proxies: [10.0.0.0/8]
trusted_networks: [192.168.0.0/16]
limits: {post_rate: 0.5, post_burst: 3}
read_timeout: 20s
`
	c := DefaultConfig()
	if err := yaml.NewDecoder(bytes.NewReader([]byte(file)), yaml.Strict()).Decode(&c); err != nil {
		t.Fatal(err)
	}
	if c.TLS.Key != "k.pem" || c.Limits.PostRate != 0.5 || c.Limits.PostBurst != 3 || c.ReadTimeout != 20*time.Second || c.Limits.PatchBurst != DefaultConfig().Limits.PatchBurst {
		t.Errorf("config = %+v", c)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
