package wish

import (
	"maps"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
)

// JSONType is the media type that extensions take.
const JSONType = "application/json"

// errJSONType refuses a body of another type.
var errJSONType = fault.New(fault.UnsupportedType, "unsupported-type",
	"This address takes a body with Content-Type: application/json.")

// Resource registers an address of an extension with the methods it takes; it
// behaves as the session's own does: CORS, limits, 405 with Allow. OPTIONS is added
// and tells accepts, if that is not empty, for the methods that are taken: in
// Accept-Post and Accept-Patch.
func (cfg Config) Resource(e *echo.Echo, route, accepts string, methods map[string]echo.HandlerFunc) {
	r := resource{route: route, methods: maps.Clone(methods)}
	r.methods[http.MethodOptions] = func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderAllow, r.allow())
		for method, header := range acceptHeaders {
			if _, taken := methods[method]; taken && accepts != "" {
				h.Set(header, accepts)
			}
		}
		return c.NoContent(http.StatusOK)
	}
	r.register(e, cfg)
}

// acceptHeaders tell what a method takes (RFC 5789 section 3.1, and its sibling for
// POST). PUT has none.
var acceptHeaders = map[string]string{http.MethodPost: headerAcceptPost, http.MethodPatch: headerAcceptPatch}

// Request reads what every request says of whoever sent it.
func (cfg Config) Request(c echo.Context) signaling.Request { return cfg.request(c) }

// JSON reads a bounded body of JSONType; no body at all is nil, whatever its type.
func (cfg Config) JSON(c echo.Context) ([]byte, error) {
	if c.Request().ContentLength == 0 {
		return nil, nil
	}
	b, err := cfg.body(c.Request(), JSONType, errJSONType)
	if header := acceptHeaders[c.Request().Method]; err != nil && refusesType(err) && header != "" {
		c.Response().Header().Set(header, JSONType)
	}
	return b, err
}

// URL is the address of a path for whoever sent r, absolute by the rule of
// sessions' own.
func (cfg Config) URL(r *http.Request, path string) string {
	if cfg.Origin == nil {
		return path
	}
	return cfg.Origin(r) + path
}

// NoStore keeps an answer out of caches.
func NoStore(h http.Header) { noStore(h) }
