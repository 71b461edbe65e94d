package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer serves a key set that tests change.
type issuer struct {
	server *httptest.Server
	hits   atomic.Int32
	mu     sync.Mutex
	handle http.HandlerFunc
}

func newIssuer(t *testing.T, keys ...jose.JSONWebKey) *issuer {
	t.Helper()
	s := &issuer{}
	s.serve(keys...)
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.hits.Add(1)
		s.mu.Lock()
		handle := s.handle
		s.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(s.server.Close)
	return s
}

func (s *issuer) set(handle http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = handle
}

func (s *issuer) serve(keys ...jose.JSONWebKey) {
	body, _ := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	s.set(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func (s *issuer) config() Config {
	cfg := DefaultConfig()
	cfg.JWT.JWKSURL = s.server.URL + "/jwks"
	return cfg
}

func (s *issuer) mustHaveHits(t *testing.T, want int32) {
	t.Helper()
	if got := s.hits.Load(); got != want {
		t.Fatalf("%d fetches, want %d", got, want)
	}
}

func webKey(name, id string) jose.JSONWebKey {
	p := pairs()[name]
	return jose.JSONWebKey{Key: p.private.Public(), KeyID: id, Algorithm: string(p.alg), Use: "sig"}
}

func signedBy(t *testing.T, name, id string) Credential {
	t.Helper()
	header := map[string]any{}
	if id != "" {
		header["kid"] = id
	}
	return jws(t, pairs()[name].alg, pairs()[name].private, header, `{"publish":["*"],"sub":"alice"}`)
}

func TestKeySet(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"), webKey("RS256", "b"), webKey("EdDSA", ""))
	c := newClock()
	a := authority(t, s.config(), c)
	s.mustHaveHits(t, 0)
	granted(t, a, signedBy(t, "ES256", "a"), Publish, at("live"))
	granted(t, a, signedBy(t, "ES256", ""), Publish, at("live"))
	granted(t, a, signedBy(t, "RS256", "b"), Publish, at("live"))
	granted(t, a, signedBy(t, "EdDSA", "whatever"), Publish, at("live"))
	s.mustHaveHits(t, 1)
	c.Add(10*time.Minute - 1)
	granted(t, a, signedBy(t, "ES256", "a"), Publish, at("live"))
	s.mustHaveHits(t, 1)
	c.Add(1)
	granted(t, a, signedBy(t, "ES256", "a"), Publish, at("live"))
	s.mustHaveHits(t, 2)
}

func TestKeySetRotates(t *testing.T) {
	for _, id := range []string{"new", ""} {
		t.Run("kid "+id, func(t *testing.T) {
			s := newIssuer(t, webKey("ES256", "old"))
			c := newClock()
			a := authority(t, s.config(), c)
			granted(t, a, signedBy(t, "ES256", "old"), Publish, at("live"))
			s.serve(webKey("ES256 other", "new"))
			c.Add(fetchPause)
			granted(t, a, signedBy(t, "ES256 other", id), Publish, at("live"))
			s.mustHaveHits(t, 2)
			c.Add(fetchPause)
			refused(t, a, signedBy(t, "ES256", "old"), Publish, at("live"), ErrBadToken, "not known")
		})
	}
}

func TestKeySetIsFetchedRarelyForUnknownKeys(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"))
	c := newClock()
	a := authority(t, s.config(), c)
	for range 50 {
		refused(t, a, signedBy(t, "ES256 other", "x"), Publish, at("live"), ErrBadToken, "")
		granted(t, a, signedBy(t, "ES256", "a"), Publish, at("live"))
	}
	s.mustHaveHits(t, 1)
	c.Add(fetchPause)
	for range 50 {
		refused(t, a, signedBy(t, "ES256 other", "x"), Publish, at("live"), ErrBadToken, "")
	}
	s.mustHaveHits(t, 2)
}

func TestKeySetIsNotAskedForSecretsAndGarbage(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"))
	a := authority(t, s.config(), newClock())
	for _, cred := range []Credential{
		{Token: "undefined"}, {Token: "a.b.c"}, {}, {Malformed: true},
		jws(t, jose.HS256, ownKey, nil, goodPayload),
	} {
		_, err := a.Authorize(t.Context(), cred, Publish, at("live"))
		if err == nil {
			t.Errorf("%+v is granted", cred)
		}
	}
	s.mustHaveHits(t, 0)
}

func TestKeySetOldKeysWorkWhileTheIssuerIsDown(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"))
	c := newClock()
	cfg := s.config()
	var log bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	a := authority(t, cfg, c)
	good := signedBy(t, "ES256", "a")
	granted(t, a, good, Publish, at("live"))
	s.set(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "down", http.StatusBadGateway) })

	c.Add(10 * time.Minute)
	granted(t, a, good, Publish, at("live"))
	granted(t, a, good, Publish, at("live"))
	s.mustHaveHits(t, 2)
	if !strings.Contains(log.String(), "status 502") {
		t.Errorf("the log does not tell: %s", log.String())
	}
	c.Add(retryPause)
	granted(t, a, good, Publish, at("live"))
	s.mustHaveHits(t, 3)

	c.Add(maxSetAge)
	refused(t, a, good, Publish, at("live"), ErrKeysUnavailable, "try again")
	s.serve(webKey("ES256", "a"))
	refused(t, a, good, Publish, at("live"), ErrKeysUnavailable, "")
	s.mustHaveHits(t, 4)
	c.Add(fetchPause)
	granted(t, a, good, Publish, at("live"))
	s.mustHaveHits(t, 5)
}

func TestKeySetThatCannotBeUsed(t *testing.T) {
	secret, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ownKey, KeyID: "a", Algorithm: "HS256"}}})
	private, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: pairs()["ES256"].private, KeyID: "a"}}})
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	good, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("ES256", "a")}})
	tests := map[string]http.HandlerFunc{
		"404":           http.NotFound,
		"not JSON":      text("<html>"),
		"another JSON":  text(`{"keys":7}`),
		"no keys":       text(`{}`),
		"a secret":      text(string(secret)),
		"a private key": text(string(private)),
		"unknown kinds": text(`{"keys":[{"kty":"XYZ"},{"kty":"OKP","crv":"X25519","x":"AA"},7,null]}`),
		"too large":     text(string(good) + strings.Repeat(" ", maxSetBytes)),
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			_, _ = w.Write(good)
		},
		"created": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated); _, _ = w.Write(good) },
		"large a header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			_, _ = w.Write(good)
		},
	}
	for name, handle := range tests {
		t.Run(name, func(t *testing.T) {
			s := newIssuer(t)
			s.set(handle)
			a := authority(t, s.config(), newClock())
			refused(t, a, signedBy(t, "ES256", "a"), Publish, at("live"), ErrKeysUnavailable, "")
			refused(t, a, signedBy(t, "ES256", "a"), Publish, at("live"), ErrKeysUnavailable, "")
			s.mustHaveHits(t, 1)
		})
	}
}

func TestKeySetRedirectsAreNotFollowed(t *testing.T) {
	target := newIssuer(t, webKey("ES256", "a"))
	s := newIssuer(t)
	s.set(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.server.URL, http.StatusFound) })
	a := authority(t, s.config(), newClock())
	refused(t, a, signedBy(t, "ES256", "a"), Publish, at("live"), ErrKeysUnavailable, "")
	target.mustHaveHits(t, 0)
}

func TestKeySetTakesWhatItCanUse(t *testing.T) {
	s := newIssuer(t,
		jose.JSONWebKey{Key: pairs()["RSA 1024"].private.Public(), KeyID: "weak"},
		jose.JSONWebKey{Key: pairs()["P-384"].private.Public(), KeyID: "curve"},
		jose.JSONWebKey{Key: pairs()["ES256 other"].private.Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: pairs()["RS256"].private.Public(), KeyID: "ps", Algorithm: "PS256"},
		jose.JSONWebKey{Key: ownKey, KeyID: "secret"},
		webKey("ES256", "good"),
	)
	a := authority(t, s.config(), newClock())
	granted(t, a, signedBy(t, "ES256", "good"), Publish, at("live"))
	for name, id := range map[string]string{"RSA 1024": "weak", "P-384": "curve", "ES256 other": "enc", "RS256": "ps"} {
		refused(t, a, signedBy(t, name, id), Publish, at("live"), ErrBadToken, "")
	}
	refused(t, a, jws(t, jose.HS256, ownKey, map[string]any{"kid": "secret"}, goodPayload), Publish, at("live"), ErrBadToken, "")
}

func TestParseSetIsBounded(t *testing.T) {
	var keys []jose.JSONWebKey
	for i := range maxSetKeys + 10 {
		keys = append(keys, webKey("EdDSA", fmt.Sprint(i)))
	}
	body, _ := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	got, err := parseSet(body)
	if err != nil || len(got) != maxSetKeys {
		t.Errorf("%d keys, %v", len(got), err)
	}
}

// A client that goes away while it fetches must not use up the one fetch that
// is allowed now.
func TestKeySetFetchSurvivesItsClient(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"))
	a := authority(t, s.config(), newClock())
	gone, cancel := context.WithCancel(context.Background())
	body, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("ES256", "a")}})
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		_, _ = w.Write(body)
	})
	if _, err := a.Authorize(gone, signedBy(t, "ES256", "a"), Publish, at("live")); err != nil {
		t.Error(err)
	}
	granted(t, a, signedBy(t, "ES256", "a"), Publish, at("live"))
	s.mustHaveHits(t, 1)
}

// While one request fetches, those with known keys go on, those without wait as
// long as their context allows, and nobody fetches twice.
func TestKeySetIsFetchedByOne(t *testing.T) {
	s := newIssuer(t, webKey("ES256", "a"))
	c := newClock()
	a := authority(t, s.config(), c)
	good := signedBy(t, "ES256", "a")
	granted(t, a, good, Publish, at("live"))

	entered, release := make(chan struct{}), make(chan struct{})
	body, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("ES256", "a"), webKey("ES256 other", "b")}})
	s.set(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = w.Write(body)
	})
	c.Add(10 * time.Minute)
	unknown := signedBy(t, "ES256 other", "b")
	var work sync.WaitGroup
	work.Go(func() {
		if _, err := a.Authorize(context.Background(), unknown, Publish, at("live")); err != nil {
			t.Error(err)
		}
	})
	<-entered
	granted(t, a, good, Publish, at("live")) // does not wait
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.Authorize(impatient, unknown, Publish, at("live")); codeOf(err) != "bad-token" {
		t.Errorf("error = %v", err)
	}
	for range 4 {
		work.Go(func() {
			if _, err := a.Authorize(context.Background(), unknown, Publish, at("live")); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	work.Wait()
	s.mustHaveHits(t, 2)
}

func FuzzParseSet(f *testing.F) {
	body, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{webKey("ES256", "a"), webKey("EdDSA", "b")}})
	f.Add(body)
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		keys, err := parseSet(body)
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if k.alg == jose.HS256 {
				t.Fatal("a published secret is believed")
			}
		}
	})
}
