package httpserver

import (
	"net/http"
	"net/http/pprof"
	"net/netip"

	"github.com/labstack/echo/v4"
)

const metricsRoute = "/metrics"

// quiet tells routes that are asked for all the time, by machines.
func quiet(path string) bool { return isHealth(path) || path == metricsRoute }

// Metrics answers GET /metrics by h. admit decides who may read it, by the client's
// address and the request; nil lets everybody.
func (s *Server) Metrics(h http.Handler, admit func(client netip.Addr, r *http.Request) error) {
	s.echo.GET(metricsRoute, func(c echo.Context) error {
		if admit != nil {
			client, _ := netip.ParseAddr(c.RealIP()) // the zero address is nobody's
			if err := admit(client, c.Request()); err != nil {
				return err
			}
		}
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	}, s.Gate)
}

// Profiles answers under /debug/pprof/ to everybody who reaches the server. The
// command line is left out.
func (s *Server) Profiles() {
	for path, h := range map[string]http.HandlerFunc{
		"/debug/pprof/": pprof.Index, "/debug/pprof/:profile": pprof.Index,
		"/debug/pprof/profile": pprof.Profile, "/debug/pprof/symbol": pprof.Symbol, "/debug/pprof/trace": pprof.Trace,
		"/debug/pprof/cmdline": http.NotFound,
	} {
		s.echo.GET(path, echo.WrapHandler(h))
	}
}

// Draining tells that Drain was called.
func (s *Server) Draining() bool { return s.draining.Load() }

// OwnRequest tells a request that was made on this machine and came straight from
// there: the peer and the name it used are loopback ones, and nothing says that
// somebody forwarded it.
func OwnRequest(client netip.Addr, r *http.Request) bool {
	for _, forwarded := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"} {
		if r.Header.Get(forwarded) != "" {
			return false
		}
	}
	host, ok := parseHost(r.Host)
	if !ok || !client.IsLoopback() {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
