package wishtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/problem"
	"github.com/headgate/headgate/internal/wish"
)

// Serve serves what register adds to an echo of its own: the protocols need no more.
func Serve(t testing.TB, register func(*echo.Echo)) *httptest.Server {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(nil)
	e.IPExtractor = echo.ExtractIPDirect()
	register(e)
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	return srv
}

// Request makes a request with a session description for a body; the test's end
// closes what comes back.
func Request(t testing.TB, srv *httptest.Server, method, path, body string) *http.Response {
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
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}
