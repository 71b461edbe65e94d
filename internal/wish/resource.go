package wish

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/problem"
)

// resource is one address with the methods it takes. It refuses the others
// itself, so that their answers have Allow and the CORS headers too.
type resource struct {
	route   string
	methods map[string]echo.HandlerFunc
}

func (r resource) register(e *echo.Echo, cfg Config) {
	around := []echo.MiddlewareFunc{cfg.CORS.middleware}
	if cfg.Gate != nil {
		around = append(around, cfg.Gate)
	}
	for method, handle := range r.methods {
		e.Add(method, r.route, handle, around...)
	}
	e.RouteNotFound(r.route, r.refuse, around...)
}

func (r resource) refuse(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderAllow, r.allow())
	return problem.ErrMethod
}

// allow lists the methods in an order that does not change.
func (r resource) allow() string {
	return strings.Join(slices.Sorted(maps.Keys(r.methods)), ", ")
}

// noStore keeps what holds ICE or TURN secrets out of caches.
func noStore(h http.Header) { h.Set(echo.HeaderCacheControl, "no-store") }

// whole answers with a body of stated length: net/http sends larger ones in
// chunks, which the HTTP reader of FFmpeg's muxer does not take for an answer.
func whole(c echo.Context, status int, contentType string, body []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(body)))
	return c.Blob(status, contentType, body)
}
