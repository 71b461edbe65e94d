package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// pair is a key to sign with, and its public half as PEM.
type pair struct {
	alg     jose.SignatureAlgorithm
	private crypto.Signer
	pem     string
}

// pairs are made once: RSA keys take their time.
var pairs = sync.OnceValue(func() map[string]pair {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec2, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	rsa2048, _ := rsa.GenerateKey(rand.Reader, 2048)
	rsa1024, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	m := map[string]pair{}
	for name, p := range map[string]pair{
		"ES256": {jose.ES256, ec, ""}, "ES256 other": {jose.ES256, ec2, ""}, "RS256": {jose.RS256, rsa2048, ""},
		"EdDSA": {jose.EdDSA, ed, ""}, "P-384": {jose.ES384, p384, ""}, "RSA 1024": {jose.RS256, rsa1024, ""},
	} {
		p.pem = publicPEM(p.private.Public())
		m[name] = p
	}
	return m
})

func publicPEM(public any) string {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// jws signs any payload with any header.
func jws(t *testing.T, alg jose.SignatureAlgorithm, k any, header map[string]any, payload string) Credential {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: k}, options)
	if err != nil {
		t.Fatal(err)
	}
	object, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	text, err := object.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return Credential{Token: text}
}

const goodPayload = `{"publish":["*"],"sub":"alice","exp":1800003600}`

func TestEveryAlgorithm(t *testing.T) {
	for _, alg := range []string{"ES256", "RS256", "EdDSA"} {
		p := pairs()[alg]
		t.Run(alg, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.JWT.Keys = []KeyConfig{{PublicKey: p.pem, Algorithm: alg}}
			a := authority(t, cfg, newClock())
			granted(t, a, jws(t, p.alg, p.private, nil, goodPayload), Publish, at("live"))
			other := pairs()["ES256 other"]
			refused(t, a, jws(t, other.alg, other.private, nil, goodPayload), Publish, at("live"), ErrBadToken, "not known")
		})
	}
	t.Run("HS256", func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.JWT.Keys = []KeyConfig{{Secret: Secret(ownKey)}}
		a := authority(t, cfg, newClock())
		granted(t, a, jws(t, jose.HS256, ownKey, nil, goodPayload), Publish, at("live"))
		refused(t, a, jws(t, jose.HS256, append(ownKey, 'x'), nil, goodPayload), Publish, at("live"), ErrBadToken, "")
	})
}

// A token made by another implementation, with the key's text as the key:
// RFC 7515 appendix A.1 has a key of 64 bytes and exp 1300819380.
func TestTokenOfTheRFC(t *testing.T) {
	k, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Own = k
	c := &clock{now: time.Unix(1300819380, 0).Add(3 * time.Minute)}
	a := authority(t, cfg, c)
	cred := Credential{Token: "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}
	refused(t, a, cred, Publish, at("live"), ErrTokenExpired, "3 minutes ago")
	c.Add(-4 * time.Minute)
	refused(t, a, cred, Publish, at("live"), ErrNotAllowed, "publish")
}

func TestN201TricksWithAlgorithms(t *testing.T) {
	ec, rs := pairs()["ES256"], pairs()["RS256"]
	cfg := ownConfig()
	cfg.JWT.Keys = []KeyConfig{{PublicKey: ec.pem}, {PublicKey: rs.pem, ID: "rsa"}}
	a := authority(t, cfg, newClock())
	b64 := base64.RawURLEncoding.EncodeToString
	good := jws(t, jose.HS256, ownKey, nil, goodPayload).Token
	granted(t, a, Credential{Token: good}, Publish, at("live"))
	granted(t, a, jws(t, jose.RS256, rs.private, nil, goodPayload), Publish, at("live"))
	parts := strings.Split(good, ".")
	tests := map[string]string{
		"none":                     b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(goodPayload)) + ".",
		"None":                     b64([]byte(`{"alg":"None"}`)) + "." + b64([]byte(goodPayload)) + ".",
		"no alg":                   b64([]byte(`{}`)) + "." + b64([]byte(goodPayload)) + "." + parts[2],
		"no signature":             parts[0] + "." + parts[1] + ".",
		"two parts":                parts[0] + "." + parts[1],
		"another payload":          parts[0] + "." + b64([]byte(strings.Replace(goodPayload, "alice", "admin", 1))) + "." + parts[2],
		"PEM text as HMAC key":     jws(t, jose.HS256, []byte(ec.pem), nil, goodPayload).Token,
		"RSA PEM as HMAC key":      jws(t, jose.HS256, []byte(rs.pem), map[string]any{"kid": "rsa"}, goodPayload).Token,
		"HS512 with our own key":   jws(t, jose.HS512, []byte(strings.Repeat(string(ownKey), 2)), nil, goodPayload).Token,
		"PS256 with the RSA key":   jws(t, jose.PS256, rs.private, nil, goodPayload).Token,
		"another key's id":         jws(t, jose.RS256, rs.private, map[string]any{"kid": "other"}, goodPayload).Token,
		"a key in the header":      jws(t, jose.ES256, pairs()["ES256 other"].private, map[string]any{"jwk": jose.JSONWebKey{Key: pairs()["ES256 other"].private.Public()}}, goodPayload).Token,
		"a key's URL":              jws(t, jose.ES256, pairs()["ES256 other"].private, map[string]any{"jku": "http://127.0.0.1:1/jwks"}, goodPayload).Token,
		"a foreign extension":      jws(t, jose.HS256, ownKey, map[string]any{"crit": []string{"exp"}}, goodPayload).Token,
		"RFC 7797 in a JWT":        jws(t, jose.HS256, ownKey, map[string]any{"b64": true, "crit": []string{"b64"}}, goodPayload).Token,
		"encrypted":                b64([]byte(`{"alg":"dir","enc":"A128GCM"}`)) + "..AAAA.AAAA.AAAA",
		"JSON serialization":       `{"payload":"","protected":"","signature":""}`,
		"a doubled claim":          jws(t, jose.HS256, ownKey, nil, `{"publish":["a"],"publish":["*"]}`).Token,
		"claims that are a list":   jws(t, jose.HS256, ownKey, nil, `["*"]`).Token,
		"claims that are no JSON":  jws(t, jose.HS256, ownKey, nil, `publish`).Token,
		"exp that is no number":    jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"exp":"never"}`).Token,
		"exp that is out of range": jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"exp":1e300}`).Token,
		"publish that is a truth":  jws(t, jose.HS256, ownKey, nil, `{"publish":true}`).Token,
		"admin that is a word":     jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"admin":"false"}`).Token,
		"a participant like ../..": jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"participant":"../.."}`).Token,
		"once without an end":      jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"once":true}`).Token,
		"an audience we are not":   jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"aud":"elsewhere"}`).Token,
		"forty tags":               jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"tags":`+manyTags(40)+`}`).Token,
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			refused(t, a, Credential{Token: token}, Publish, at("live"), ErrBadToken, "")
		})
	}
}

func manyTags(n int) string {
	tags := map[string]string{}
	for i := range n {
		tags[strings.Repeat("x", i)] = ""
	}
	b, _ := json.Marshal(tags)
	return string(b)
}

func TestClaimsThatGrantNothing(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	for name, payload := range map[string]string{
		"nothing":                  `{}`,
		"another letter case":      `{"Publish":["*"],"PUBLISH":["*"]}`,
		"an empty list":            `{"publish":[]}`,
		"null":                     `{"publish":null}`,
		"patterns that are none":   `{"publish":["","a*b","**","/live"]}`,
		"scope is not ours":        `{"scope":"publish admin"}`,
		"the other action":         `{"play":["*"],"admin":true}`,
		"a claim inside a claim":   `{"headgate":{"publish":["*"]}}`,
		"the name of a subchannel": `{"publish":["live/x"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, a, jws(t, jose.HS256, ownKey, nil, payload), Publish, at("live"), ErrNotAllowed, "publish")
		})
	}
}

func TestOnePatternNeedsNoList(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	granted(t, a, jws(t, jose.HS256, ownKey, nil, `{"publish":"live"}`), Publish, at("live"))
	refused(t, a, jws(t, jose.HS256, ownKey, nil, `{"publish":"live"}`), Publish, at("live2"), ErrNotAllowed, "")
}

func TestDatesBeforeTheEpochAreOver(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	for _, exp := range []string{"0", "-1", "-62135596800", "-62135596801", "-4e18"} {
		refused(t, a, jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"exp":`+exp+`}`), Publish, at("live"), ErrTokenExpired, "days ago")
	}
	granted(t, a, jws(t, jose.HS256, ownKey, nil, `{"publish":["*"],"exp":4e18}`), Publish, at("live"))
}

func TestIssuerAndAudience(t *testing.T) {
	cfg := ownConfig()
	cfg.JWT.Issuer = "https://id.example"
	cfg.JWT.Audience = []string{"headgate", "https://live.example"}
	a := authority(t, cfg, newClock())
	tests := []struct {
		name   string
		issuer string
		aud    []string
		says   string // empty: good
	}{
		{"both right", cfg.JWT.Issuer, []string{"headgate"}, ""},
		{"one audience of several", cfg.JWT.Issuer, []string{"x", "https://live.example"}, ""},
		{"N-201 no audience", cfg.JWT.Issuer, nil, "aud"},
		{"N-201 another audience", cfg.JWT.Issuer, []string{"headgate2"}, "aud"},
		{"no issuer", "", []string{"headgate"}, "issuer"},
		{"another issuer", "https://id.example/", []string{"headgate"}, "issuer"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := all()
			c.Issuer, c.Audience = tc.issuer, tc.aud
			if tc.says == "" {
				granted(t, a, signed(t, c), Play, at("live"))
				return
			}
			refused(t, a, signed(t, c), Play, at("live"), ErrBadToken, tc.says)
		})
	}
}

// The signature covers the content, not its spelling: the unused bits of the
// last character of the payload may differ.
func TestLoginDoesNotDependOnSpelling(t *testing.T) {
	a := authority(t, ownConfig(), newClock())
	payload := `{"publish":["*"],"sub":"al"}`
	if len(payload)%3 == 0 {
		t.Fatal("this payload has no unused bits")
	}
	cred := jws(t, jose.HS256, ownKey, nil, payload)
	want := granted(t, a, cred, Publish, at("live"))
	parts := strings.Split(cred.Token, ".")
	spellings := 0
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_" {
		body := parts[1][:len(parts[1])-1] + string(c)
		g, err := a.Authorize(t.Context(), Credential{Token: parts[0] + "." + body + "." + parts[2]}, Publish, at("live"))
		if err != nil {
			continue
		}
		spellings++
		if g.Login != want.Login || g.Subject != want.Subject {
			t.Errorf("spelling %q is another login", c)
		}
	}
	if spellings == 0 {
		t.Error("the token itself is refused")
	}
}

func FuzzVerify(f *testing.F) {
	cfg := ownConfig()
	c := newClock()
	a, err := New(cfg, c.Now)
	if err != nil {
		f.Fatal(err)
	}
	good, err := Sign(ownKey, Claims{Publish: []string{"live"}, Subject: "alice", ID: "1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		g, err := a.Authorize(t.Context(), CredentialFrom("Bearer "+token, false), Publish, at("live"))
		if err != nil {
			if code := codeOf(err); code == "internal" {
				t.Fatalf("%v is nobody's fault", err)
			}
			return
		}
		// Nobody can sign here, so this must be the good token in some spelling.
		parts, want := strings.Split(token, "."), strings.Split(good, ".")
		if g.Participant != "alice" || strings.Trim(parts[0], " \t") != want[0] {
			t.Fatalf("%q is granted %+v", token, g)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add([]byte(goodPayload))
	f.Add([]byte(`{"exp":1,"nbf":1.5,"once":true,"join_by":2,"tags":{"a":"b"},"aud":["x"],"participant":"*"}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		c, err := decodeClaims(payload)
		if err != nil || c.check() != nil {
			return
		}
		id := c.identity(payload)
		for _, action := range []Action{Publish, Play, Admin} {
			p, err := id.participantAt(action, at("live", "bob"))
			if err == nil && p != "" && !isName(p) {
				t.Fatalf("participant %q", p)
			}
		}
		if id.subjectKey() == "" || id.loginKey("x") == "" || len(id.name) > maxDisplayName {
			t.Fatalf("%+v", id)
		}
		if c.Expires != nil && id.ends.IsZero() {
			t.Fatal("an end became never")
		}
	})
}
