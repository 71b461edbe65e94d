package wish_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestClientLivesASession(t *testing.T) {
	backend := &wishtest.Backend{Closed: true, Servers: iceServers}
	g := start(t, backend, nil)
	ctx := t.Context()
	c := wish.Client{HTTP: g.client, UserAgent: "test/1"}

	servers, err := c.Options(ctx, g.url+"/whip/live", wishtest.Publisher)
	if err != nil || !slices.Equal(servers, iceServers) {
		t.Fatalf("Options = %+v, %v", servers, err)
	}
	s, err := c.Post(ctx, g.url+"/whip/live", wishtest.Publisher, wishtest.Offer)
	if err != nil {
		t.Fatal(err)
	}
	if s.Answer != wishtest.Answer || s.ETag == "" || !strings.HasPrefix(s.Location, g.url) || !slices.Equal(s.ICEServers, iceServers) {
		t.Errorf("session = %+v", s)
	}
	if got := backend.Offers()[0]; got.UserAgent != "test/1" || got.Credential.Token != wishtest.Publisher {
		t.Errorf("offer = %+v", got.Request)
	}
	if err := s.Trickle(ctx, fragment(wishtest.Ufrag, wishtest.Pwd)); err != nil {
		t.Error(err)
	}
	old := s.ETag
	answer, err := s.Restart(ctx, fragment(wishtest.NewUfrag, wishtest.NewPwd))
	if err != nil || !strings.Contains(answer, "a=ice-ufrag:srv2\r\n") || s.ETag == old {
		t.Errorf("Restart = %q, %v; ETag %s after %s", answer, err, s.ETag, old)
	}
	if err := s.Trickle(ctx, fragment(wishtest.NewUfrag, wishtest.NewPwd)); err != nil {
		t.Error(err)
	}
	if err := s.Look(ctx); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Delete(ctx); err != nil {
			t.Error(err)
		}
	}
	var refused *wish.StatusError
	if err := s.Look(ctx); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("Look after Delete: %v", err)
	}
	if err := s.Trickle(ctx, fragment(wishtest.Ufrag, wishtest.Pwd)); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("Trickle after Delete: %v", err)
	}
}

func TestClientToldWhyNot(t *testing.T) {
	g := start(t, &wishtest.Backend{Closed: true}, nil)
	_, err := wish.Client{HTTP: g.client}.Post(t.Context(), g.url+"/whip/live", "", wishtest.Offer)
	var refused *wish.StatusError
	if !errors.As(err, &refused) || refused.Status != 401 || refused.Code != "no-token" || refused.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("Post = %v", err)
	}
	if text := err.Error(); !strings.HasPrefix(text, "POST: 401 Unauthorized (no-token): ") || strings.HasSuffix(text, ".") {
		t.Errorf("error text: %v", err)
	}
}

// hop is a server that redirects every request to target with status, and keeps
// the last Authorization it saw.
func hop(t *testing.T, status int, target func() string) (url string, seen *atomic.Value) {
	t.Helper()
	seen = new(atomic.Value)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization"))
		w.Header().Set("Location", target())
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, seen
}

func TestClientFollows307N170(t *testing.T) {
	for _, status := range []int{307, 308} {
		g := start(t, &wishtest.Backend{}, nil)
		node, seen := hop(t, status, func() string { return g.url + "/whip/live" })
		s, err := wish.Client{HTTP: g.client}.Post(t.Context(), node, "secret-token", wishtest.Offer)
		if err != nil {
			t.Fatal(err)
		}
		if seen.Load() != "Bearer secret-token" {
			t.Errorf("%d: the endpoint saw %q", status, seen.Load())
		}
		if got := g.backend.Offers()[0]; got.Credential.Token != "" || string(got.SDP) != wishtest.Offer {
			t.Errorf("%d: N-173 the other origin saw %+v", status, got)
		}
		if !strings.HasPrefix(s.Location, g.url) {
			t.Errorf("%d: Location = %s", status, s.Location)
		}
		if err := s.Delete(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestClientKeepsTokenWithinOrigin(t *testing.T) {
	var authorizations []string
	mux := http.NewServeMux()
	mux.HandleFunc("/first", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/second", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/second", func(w http.ResponseWriter, r *http.Request) {
		authorizations = append(authorizations, r.Header.Get("Authorization"))
		w.Header().Set("Location", "session/1")
		w.WriteHeader(http.StatusCreated)
	})
	mux.HandleFunc("DELETE /session/1", func(_ http.ResponseWriter, r *http.Request) {
		authorizations = append(authorizations, r.Header.Get("Authorization"))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	s, err := wish.Client{HTTP: srv.Client()}.Post(t.Context(), srv.URL+"/first", "t", wishtest.Offer)
	if err != nil || s.Location != srv.URL+"/session/1" {
		t.Fatalf("Post = %+v, %v", s, err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(authorizations, []string{"Bearer t", "Bearer t"}) {
		t.Errorf("authorizations = %q", authorizations)
	}
}

func TestClientRefusesOtherRedirects(t *testing.T) {
	for _, status := range []int{301, 302, 303} {
		g := start(t, &wishtest.Backend{}, nil)
		url, _ := hop(t, status, func() string { return g.url + "/whip/live" })
		_, err := wish.Client{HTTP: g.client}.Post(t.Context(), url, "", wishtest.Offer)
		var refused *wish.StatusError
		if !errors.As(err, &refused) || refused.Status != status {
			t.Errorf("N-170: Post over a %d = %v", status, err)
		}
		if g.backend.Sessions() != 0 {
			t.Errorf("%d was followed", status)
		}
	}
}

func TestClientEndsRedirectLoops(t *testing.T) {
	var self string
	self, _ = hop(t, 307, func() string { return self })
	hc := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if _, err := (wish.Client{HTTP: hc}).Post(t.Context(), self, "", wishtest.Offer); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("N-175: Post = %v", err)
	}
}

func TestClientDistrustsServers(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"no Location", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, "Location"},
		{"Q-GST-3 200 is not 201", func(http.ResponseWriter, *http.Request) {}, "200"},
		{"endless answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/s")
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write(make([]byte, 1<<20))
		}, "large"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewServer(tc.handler)
			defer srv.Close()
			_, err := wish.Client{HTTP: srv.Client()}.Post(t.Context(), srv.URL, "", wishtest.Offer)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Post = %v, want something about %q", err, tc.want)
			}
		})
	}
}

func TestClientObeysItsContext(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	g := start(t, &wishtest.Backend{Hold: hold}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (wish.Client{HTTP: g.client}).Post(ctx, g.url+"/whip/live", "", wishtest.Offer); !errors.Is(err, context.Canceled) {
		t.Errorf("Post = %v", err)
	}
}

func TestClientReportsRefusals(t *testing.T) {
	status := http.StatusCreated
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/s")
		w.WriteHeader(status)
	}))
	defer srv.Close()
	c := wish.Client{HTTP: srv.Client()}
	s, err := c.Post(t.Context(), srv.URL, "", wishtest.Offer)
	if err != nil {
		t.Fatal(err)
	}
	options := func() error { _, err := c.Options(t.Context(), srv.URL, ""); return err }
	trickle := func() error { return s.Trickle(t.Context(), "") }
	restart := func() error { _, err := s.Restart(t.Context(), ""); return err }
	end := func() error { return s.Delete(t.Context()) }
	tests := []struct {
		name    string
		call    func() error
		status  int
		refused bool
	}{
		{"OPTIONS", options, 200, false}, {"OPTIONS", options, 204, false}, {"OPTIONS", options, 401, true},
		{"trickle", trickle, 204, false}, {"trickle", trickle, 200, false}, {"trickle", trickle, 412, true}, {"trickle", trickle, 405, true},
		{"restart", restart, 200, false}, {"restart", restart, 204, true}, {"restart", restart, 422, true},
		{"DELETE", end, 200, false}, {"DELETE", end, 204, false}, {"DELETE", end, 404, false}, {"DELETE", end, 410, false}, {"DELETE", end, 403, true},
	}
	for _, tc := range tests {
		status = tc.status
		var refused *wish.StatusError
		if err := tc.call(); errors.As(err, &refused) != tc.refused || (err != nil) != tc.refused {
			t.Errorf("%s answered %d: %v", tc.name, tc.status, err)
		}
	}
}

func TestClientErrorsWithoutServer(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	var c wish.Client
	if _, err := c.Post(t.Context(), srv.URL, "t", wishtest.Offer); err == nil || strings.Contains(err.Error(), "Bearer") {
		t.Errorf("Post = %v", err)
	}
	if _, err := c.Post(t.Context(), "://", "", wishtest.Offer); err == nil {
		t.Error("Post to nonsense works")
	}
	if _, err := c.Options(t.Context(), srv.URL, ""); err == nil {
		t.Error("Options of nobody works")
	}
}

func TestClientUsesExtensions(t *testing.T) {
	var authorized []string
	far := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		authorized = append(authorized, "far:"+r.Header.Get("Authorization"))
	}))
	defer far.Close()
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/near" {
			authorized = append(authorized, "near:"+r.Header.Get("Authorization"))
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		w.Header().Add("Link", `</near>; rel="urn:x:near"`)
		w.Header().Add("Link", `<`+far.URL+`/far>; rel="urn:x:far"`)
		w.Header().Set("Location", "/session/1")
		w.WriteHeader(http.StatusCreated)
	}))
	defer near.Close()
	s, err := wish.Client{}.Post(t.Context(), near.URL+"/whep/live", "secret", "v=0")
	if err != nil {
		t.Fatal(err)
	}
	if s.Extension("urn:x:other") != "" || s.Extension("urn:x:near") != near.URL+"/near" {
		t.Errorf("%q", s.Extension("urn:x:near"))
	}
	var refused *wish.StatusError
	if err := s.PostJSON(t.Context(), s.Extension("urn:x:near"), struct{}{}); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("%v", err)
	}
	if err := s.PostJSON(t.Context(), s.Extension("urn:x:far"), struct{}{}); err != nil {
		t.Error(err)
	}
	if !slices.Equal(authorized, []string{"near:Bearer secret", "far:"}) {
		t.Errorf("%q", authorized)
	}
}
