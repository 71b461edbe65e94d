package auth

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

func TestValidateAcceptsWhatIsWanted(t *testing.T) {
	for name, cfg := range map[string]Config{
		"fixed tokens": fixedConfig(),
		"own key":      ownConfig(),
		"open":         {Open: true, Exp: ExpSession},
		"key set":      {Exp: ExpJoin, JWT: JWTConfig{JWKSURL: "https://id.example/jwks", JWKSRefresh: time.Minute}},
		"loopback":     {Exp: ExpJoin, JWT: JWTConfig{JWKSURL: "http://[::1]:8/jwks", JWKSRefresh: time.Minute}},
		"localhost":    {Exp: ExpJoin, JWT: JWTConfig{JWKSURL: "http://localhost/jwks", JWKSRefresh: time.Minute}},
	} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	token := TokenConfig{Token: streamKey, Publish: true, Channels: []string{"*"}}
	with := func(change func(*TokenConfig)) Config {
		cfg, tc := DefaultConfig(), token
		change(&tc)
		cfg.Tokens = []TokenConfig{tc}
		return cfg
	}
	jwt := func(j JWTConfig) Config {
		cfg := DefaultConfig()
		if j.JWKSRefresh == 0 {
			j.JWKSRefresh = time.Minute
		}
		cfg.JWT = j
		return cfg
	}
	key := func(k KeyConfig) Config { return jwt(JWTConfig{Keys: []KeyConfig{k}}) }
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")})
	tests := []struct {
		name string
		cfg  Config
		says string
	}{
		{"nothing at all", DefaultConfig(), "nobody could come in"},
		{"exp", Config{Open: true, Exp: "forever"}, "auth.exp"},
		{"negative skew", Config{Open: true, Exp: ExpJoin, Skew: -1}, "auth.skew"},
		{"large skew", Config{Open: true, Exp: ExpJoin, Skew: time.Hour}, "auth.skew"},
		{"linger", Config{Open: true, Exp: ExpJoin, Linger: -1}, "auth.linger"},
		{"own key too short", Config{Exp: ExpJoin, Own: []byte("short")}, "auth.key"},
		{"short token", with(func(c *TokenConfig) { c.Token = "short" }), "auth.tokens[0].token"},
		{"token that no header carries", with(func(c *TokenConfig) { c.Token = "with spaces in the token" }), "auth.tokens[0].token"},
		{"token that allows nothing", with(func(c *TokenConfig) { c.Publish = false }), "allows nothing"},
		{"no channels", with(func(c *TokenConfig) { c.Channels = nil }), "auth.tokens[0].channels"},
		{"bad channel", with(func(c *TokenConfig) { c.Channels = []string{"a*b"} }), `"a*b"`},
		{"empty channel", with(func(c *TokenConfig) { c.Channels = []string{""} }), "auth.tokens[0].channels"},
		{"bad participant", with(func(c *TokenConfig) { c.Participant = "a/b" }), "auth.tokens[0].participant"},
		{"long name", with(func(c *TokenConfig) { c.Name = strings.Repeat("x", 129) }), "auth.tokens[0].name"},
		{"no source of a key", key(KeyConfig{ID: "x"}), "auth.jwt.keys[0].secret: set exactly one"},
		{"two sources", key(KeyConfig{Secret: Secret(ownKey), PublicKeyFile: "x"}), "exactly one"},
		{"short secret", key(KeyConfig{Secret: "short"}), "auth.jwt.keys[0].secret"},
		{"PEM as a secret", key(KeyConfig{Secret: Secret(pairs()["ES256"].pem)}), "belongs into public_key"},
		{"not PEM", key(KeyConfig{PublicKey: "x"}), "auth.jwt.keys[0].public_key: is not PEM"},
		{"private key", key(KeyConfig{PublicKey: string(private)}), `"PRIVATE KEY"`},
		{"broken PEM", key(KeyConfig{PublicKey: strings.Replace(string(private), "PRIVATE", "PUBLIC", 2)}), "cannot be read"},
		{"weak RSA key", key(KeyConfig{PublicKey: pairs()["RSA 1024"].pem}), "1024 bits"},
		{"another curve", key(KeyConfig{PublicKey: pairs()["P-384"].pem}), "P-256"},
		{"algorithm of another key", key(KeyConfig{PublicKey: pairs()["ES256"].pem, Algorithm: "RS256"}), "auth.jwt.keys[0].algorithm"},
		{"RFC 8725 3.1 HS256 with a public key", key(KeyConfig{PublicKey: pairs()["RS256"].pem, Algorithm: "HS256"}), "algorithm"},
		{"algorithm none", key(KeyConfig{Secret: Secret(ownKey), Algorithm: "none"}), "algorithm"},
		{"key set without TLS", jwt(JWTConfig{JWKSURL: "http://id.example/jwks"}), "https"},
		{"key set on something like loopback", jwt(JWTConfig{JWKSURL: "http://127.0.0.1.example/jwks"}), "https"},
		{"key set file", jwt(JWTConfig{JWKSURL: "file:///etc/passwd"}), "auth.jwt.jwks_url"},
		{"key set with a password", jwt(JWTConfig{JWKSURL: "https://u:p@id.example/"}), "user name"},
		{"key set that is no URL", jwt(JWTConfig{JWKSURL: "https://%zz"}), "not a URL"},
		{"refresh", jwt(JWTConfig{JWKSURL: "https://id.example/", JWKSRefresh: time.Second}), "auth.jwt.jwks_refresh"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.cfg.Validate()
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v, want %q in it", err, tc.says)
			}
			if _, err := New(tc.cfg, nil); err == nil {
				t.Error("New takes it")
			}
		})
	}
}

func TestValidateReportsAllAndShowsNoSecret(t *testing.T) {
	cfg := Config{
		Exp:    "x",
		Skew:   -1,
		Tokens: []TokenConfig{{Token: "hush,hush"}, {Token: streamKey, Admin: true}, {Token: streamKey, Admin: true}},
		JWT:    JWTConfig{Keys: []KeyConfig{{Secret: "hush"}, {}}, JWKSURL: "ftp://x"},
	}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		"auth.exp", "auth.skew", "auth.tokens[0].token", "auth.tokens[0].publish", "auth.tokens[2].token: is the same as tokens[1]",
		"auth.jwt.keys[0].secret", "auth.jwt.keys[1].secret", "auth.jwt.jwks_url", "auth.jwt.jwks_refresh",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), streamKey) {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestKeysFromFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cfg := DefaultConfig()
	cfg.JWT.Keys = []KeyConfig{
		{SecretFile: write("secret", string(ownKey)+"\n")},
		{PublicKeyFile: write("ec.pem", pairs()["ES256"].pem)},
	}
	a := authority(t, cfg, newClock())
	granted(t, a, signed(t, all()), Publish, at("live"))
	granted(t, a, signedBy(t, "ES256", ""), Publish, at("live"))

	cfg.JWT.Keys = []KeyConfig{{SecretFile: filepath.Join(dir, "none")}, {PublicKeyFile: write("bad", "x")}, {SecretFile: write("short", "hush")}}
	_, err := New(cfg, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"auth.jwt.keys[0].secret_file", "auth.jwt.keys[1].public_key_file: is not PEM", "auth.jwt.keys[2].secret_file"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), "hush") {
		t.Errorf("a secret is shown: %v", err)
	}
}

func TestPEMForms(t *testing.T) {
	rs := pairs()["RS256"].private
	template := &x509.Certificate{SerialNumber: one, NotAfter: start}
	der, err := x509.CreateCertificate(random, template, template, rs.Public(), rs)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PUBLIC KEY": x509.MarshalPKCS1PublicKey(rsaPublic(rs)), "CERTIFICATE": der} {
		text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if k, err := pemKey("", text); err != nil || k.alg != "RS256" {
			t.Errorf("%s: %v, %v", kind, k.alg, err)
		}
	}
}

func TestConfigAsYAML(t *testing.T) {
	const text = `
open: false
exp: join
skew: 30s
linger: 2m
accept_raw_token: true
tokens:
  - token: stream-key-0123456789
    publish: true
    play: true
    admin: true
    channels: ["live", "show-*"]
    participant: "*"
    name: Studio
    expires: 2030-01-02T03:04:05Z
jwt:
  jwks_url: https://id.example/jwks
  jwks_refresh: 5m
  issuer: https://id.example
  audience: [headgate]
  keys:
    - id: k1
      algorithm: HS256
      secret: 0123456789abcdef0123456789abcdef
`
	cfg := DefaultConfig()
	if err := yaml.UnmarshalWithOptions([]byte(text), &cfg, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	got := cfg.Tokens[0]
	if string(got.Token) != streamKey || !got.Expires.Equal(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) || len(got.Channels) != 2 || got.Participant != "*" {
		t.Errorf("token %#v", got)
	}
	if cfg.Exp != ExpJoin || cfg.Skew != 30*time.Second || cfg.Linger != 2*time.Minute || !cfg.AcceptRawToken || cfg.JWT.JWKSRefresh != 5*time.Minute || cfg.JWT.Audience[0] != "headgate" {
		t.Errorf("config %+v", cfg)
	}
	printed, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(printed); strings.Contains(s, "0123456789") || strings.Count(s, hidden) != 2 {
		t.Errorf("secrets are printed:\n%s", s)
	}
}
