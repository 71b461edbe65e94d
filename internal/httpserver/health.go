package httpserver

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

const (
	healthRoute = "/healthz"
	readyRoute  = "/readyz"
)

var errNotReady = fault.New(fault.Unavailable, "not-ready",
	"This gateway takes no new sessions now; try again in a moment.")

func isHealth(path string) bool { return path == healthRoute || path == readyRoute }

func (s *Server) registerHealth(e *echo.Echo) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, healthRoute, healthy)
		e.Add(method, readyRoute, s.readiness)
	}
}

// healthy says that the process answers.
func healthy(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.String(http.StatusOK, "ok\n")
}

// readiness says whether new sessions would be taken.
func (s *Server) readiness(c echo.Context) error {
	if s.draining.Load() {
		return errNotReady
	}
	if s.ready != nil {
		if err := s.ready(c.Request().Context()); err != nil {
			return fmt.Errorf("%w (%w)", errNotReady, err)
		}
	}
	return healthy(c)
}
