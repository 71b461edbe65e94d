package whip

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// Prefix is the path of every endpoint.
const Prefix = "/whip/"

// Config says how the endpoints behave towards browsers and proxies.
type Config = wish.Config

// Backend makes the sessions of publishers. It authorises every request.
type Backend interface {
	wish.Sessions
	// Publish takes an offer (RFC 9725 section 4.2) and returns once the answer
	// is complete, or refuses with a *fault.Error. ctx bounds this call only,
	// not the session.
	Publish(ctx context.Context, o signaling.Offer) (signaling.Created, error)
}

// Register adds the endpoints to e. The sessions they make live at the address
// that wish.Register serves.
func Register(e *echo.Echo, cfg Config, backend Backend) {
	wish.Endpoint{
		Prefix:   Prefix,
		Action:   auth.Publish,
		Sessions: backend,
		Create: func(c echo.Context, o signaling.Offer) (signaling.Created, error) {
			return backend.Publish(c.Request().Context(), o)
		},
		Get: get,
	}.Register(e, cfg)
}

// get answers GET and HEAD with success and no content (RFC 9725 section 4.1).
func get(c echo.Context) error { return c.NoContent(http.StatusNoContent) }
