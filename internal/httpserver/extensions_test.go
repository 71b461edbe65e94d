package httpserver

import (
	"crypto/tls"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestExtensionsAreAnnouncedByListener(t *testing.T) {
	for _, tc := range []struct {
		on          []string
		http, https bool
	}{{DefaultConfig().WHEPExtensions, true, true}, {[]string{"https"}, false, true}, {[]string{"http"}, true, false}, {nil, false, false}} {
		s := newRig(t, &wishtest.Backend{}, func(c *Config) { c.WHEPExtensions = tc.on })
		r := httptest.NewRequest("POST", "/whep/live", nil)
		plain := s.AnnouncesExtensions(r)
		r.TLS = &tls.ConnectionState{}
		if secure := s.AnnouncesExtensions(r); plain != tc.http || secure != tc.https {
			t.Errorf("Q-MTX-1 %q: %v by http, %v by https", tc.on, plain, secure)
		}
	}
	c := DefaultConfig()
	c.WHEPExtensions = []string{"http", "ftp"}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "http.whep_extensions") {
		t.Errorf("%v", err)
	}
}

func TestSelectionsOfLayersAreLimitedV25(t *testing.T) {
	for _, method := range []string{"POST", "DELETE"} {
		r := newRig(t, &wishtest.Backend{}, nil)
		session := r.post(school, "/whep/live").Header().Get("Location")
		choose := func() *httptest.ResponseRecorder {
			return r.ask(school, method, session+"/layer", "{}", "Content-Type", "application/json")
		}
		for i := range 100 {
			if res := choose(); res.Code != 200 {
				t.Fatalf("%s %d = %d %s", method, i, res.Code, res.Body)
			}
		}
		wait := refusedFor(t, choose())
		if res := r.ask(school, "DELETE", session, ""); res.Code != 200 {
			t.Errorf("DELETE of the session got %d", res.Code)
		}
		r.clock.advance(wait)
		if res := choose(); res.Code != 404 {
			t.Errorf("after the wait: %d", res.Code)
		}
	}
}

func TestGuessingEventStreams(t *testing.T) {
	r := newRig(t, &wishtest.Backend{}, nil)
	for i := range 51 {
		res := r.ask(school, "GET", "/events/guess", "")
		if i < 50 && res.Code != 404 {
			t.Fatalf("guess %d = %d", i, res.Code)
		}
		if i == 50 {
			refusedFor(t, res)
		}
	}
}
