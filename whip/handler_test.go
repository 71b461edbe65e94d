package whip_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/problem"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whip"
)

// serve registers the endpoints on an echo of its own: the package needs no more.
func serve(t *testing.T, backend *wishtest.Backend) *httptest.Server {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(nil)
	e.IPExtractor = echo.ExtractIPDirect()
	cfg := whip.Config{}
	wish.Register(e, cfg, backend)
	whip.Register(e, cfg, backend)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return srv
}

func request(t *testing.T, srv *httptest.Server, method, path, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", wish.SDPType)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func TestGetAndHeadT01(t *testing.T) {
	srv := serve(t, &wishtest.Backend{})
	for _, method := range []string{"GET", "HEAD"} {
		for path, want := range map[string]int{"/whip/live": 204, "/whip/a/b/c": 204, "/whip/..%2F": 400, "/whip/a/b/c/d": 404} {
			res := request(t, srv, method, path, "")
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
	if res := request(t, srv, "POST", "/whip/live/ann?participant=bob", wishtest.Offer); res.StatusCode != 201 {
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
