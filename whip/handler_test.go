package whip_test

import (
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whip"
)

// serve registers the endpoints and their sessions.
func serve(t *testing.T, backend *wishtest.Backend) *httptest.Server {
	t.Helper()
	return wishtest.Serve(t, func(e *echo.Echo) {
		wish.Register(e, whip.Config{}, backend)
		whip.Register(e, whip.Config{}, backend)
	})
}

func TestGetAndHeadT01(t *testing.T) {
	srv := serve(t, &wishtest.Backend{})
	for _, method := range []string{"GET", "HEAD"} {
		for path, want := range map[string]int{"/whip/live": 204, "/whip/a/b/c": 204, "/whip/..%2F": 400, "/whip/a/b/c/d": 404} {
			res := wishtest.Request(t, srv, method, path, "")
			if res.StatusCode != want {
				t.Errorf("N-001 %s %s = %d, want %d", method, path, res.StatusCode, want)
			}
			if want == 204 && (res.Header.Get("Content-Length") != "" || res.Header.Get("Content-Type") != "" || res.Header.Get("Accept-Post") != wish.SDPType) {
				t.Errorf("N-001 %s %s: header %v", method, path, res.Header)
			}
		}
	}
}

func TestPublish(t *testing.T) {
	backend := &wishtest.Backend{}
	srv := serve(t, backend)
	if res := wishtest.Request(t, srv, "POST", "/whip/live/ann?participant=bob", wishtest.Offer); res.StatusCode != 201 {
		t.Fatalf("status %d", res.StatusCode)
	}
	o := backend.Offers()[0]
	if o.Place.Channel != "live" || o.Place.Participant != "ann" || o.As != "" || string(o.SDP) != wishtest.Offer {
		t.Errorf("offer = %+v", o)
	}
}

func TestClientPublishes(t *testing.T) {
	srv := serve(t, &wishtest.Backend{})
	s, err := whip.Client{HTTP: srv.Client()}.Post(t.Context(), srv.URL+"/whip/live", "", wishtest.Offer)
	if err != nil || s.Answer != wishtest.Answer || s.Location == "" {
		t.Fatalf("Post = %+v, %v", s, err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Error(err)
	}
}
