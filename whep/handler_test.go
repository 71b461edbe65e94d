package whep_test

import (
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
)

// serve registers the endpoints and their sessions.
func serve(t *testing.T, backend *wishtest.Backend) *httptest.Server {
	t.Helper()
	return wishtest.Serve(t, func(e *echo.Echo) {
		wish.Register(e, whep.Config{}, backend)
		whep.Register(e, whep.Config{}, backend)
	})
}

func TestGetAndHeadT03(t *testing.T) {
	srv := serve(t, &wishtest.Backend{})
	for _, method := range []string{"GET", "HEAD"} {
		res := wishtest.Request(t, srv, method, "/whep/live", "")
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/sdp" || res.Header.Get("Content-Length") != "0" ||
			res.Header.Get("Accept-Post") != wish.SDPType {
			t.Errorf("N-003, D9 %s = %d %v", method, res.StatusCode, res.Header)
		}
		if res := wishtest.Request(t, srv, method, "/whep/..%2F", ""); res.StatusCode != 400 {
			t.Errorf("N-014 %s = %d", method, res.StatusCode)
		}
	}
}

func TestPlay(t *testing.T) {
	backend := &wishtest.Backend{}
	srv := serve(t, backend)
	tests := []struct {
		query  string
		status int
		as     string
	}{
		{"", 201, ""}, {"?participant=", 201, ""}, {"?participant=ann", 201, "ann"}, {"?participant=Ann%20B", 201, "Ann B"},
		{"?participant=Ann+B", 201, "Ann B"}, {"?participant=a%2Bb&x=y", 201, "a+b"},
		{"?participant=a&participant=b", 400, ""}, {"?participant=..", 400, ""}, {"?participant=a%2Fb", 400, ""}, {"?participant=%00", 400, ""},
	}
	for _, tc := range tests {
		before := len(backend.Offers())
		res := wishtest.Request(t, srv, "POST", "/whep/live/bob"+tc.query, wishtest.Offer)
		if res.StatusCode != tc.status {
			t.Errorf("%q = %d, want %d", tc.query, res.StatusCode, tc.status)
			continue
		}
		offers := backend.Offers()[before:]
		if tc.status != 201 {
			if len(offers) != 0 {
				t.Errorf("%q made a session", tc.query)
			}
			continue
		}
		if o := offers[0]; o.As != tc.as || o.Place.Channel != "live" || o.Place.Participant != "bob" {
			t.Errorf("%q: offer = %+v", tc.query, o)
		}
	}
}

func TestClientPlays(t *testing.T) {
	srv := serve(t, &wishtest.Backend{})
	s, err := whep.Client{HTTP: srv.Client()}.Post(t.Context(), srv.URL+"/whep/live", "", wishtest.Offer)
	if err != nil || s.Answer != wishtest.Answer || s.Location == "" {
		t.Fatalf("Post = %+v, %v", s, err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}
