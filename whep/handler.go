package whep

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// Prefix is the path of every endpoint.
const Prefix = "/whep/"

// Config says how the endpoints behave towards browsers and proxies.
type Config = wish.Config

// Backend makes the sessions of viewers. It authorises every request.
type Backend interface {
	wish.Sessions
	Extensions
	// Play takes an offer (WHEP section 4.2) and returns once the answer is
	// complete, or refuses with a *fault.Error. ctx bounds this call only, not
	// the session.
	Play(ctx context.Context, o signaling.Offer) (signaling.Created, error)
}

// Register adds the endpoints and the extensions to e. The sessions they make live
// at the address that wish.Register serves.
func Register(e *echo.Echo, cfg Config, backend Backend) {
	registerExtensions(e, cfg, backend)
	wish.Endpoint{
		Prefix:   Prefix,
		Action:   auth.Play,
		Sessions: backend,
		Create: func(c echo.Context, o signaling.Offer) (signaling.Created, error) {
			as, err := viewerName(c)
			if err != nil {
				return signaling.Created{}, err
			}
			o.As, o.OldLayers = as, wantsOldLayers(c)
			o.Counter = asksForOffer(c)
			return backend.Play(c.Request().Context(), o)
		},
		Get:   get,
		Links: Links(cfg),
	}.Register(e, cfg)
}

// asksForOffer tells that the address asks to be made an offer instead of an answer:
// ?offer=server. The playback draft leaves it to the endpoint which of both it does
// (section 4.2), and knows no other way to ask for it.
func asksForOffer(c echo.Context) bool { return c.QueryParam("offer") == "server" }

// viewerName returns who a viewer without a subject says they are.
func viewerName(c echo.Context) (string, error) {
	said := c.QueryParams()["participant"]
	switch {
	case len(said) == 0 || len(said) == 1 && said[0] == "":
		return "", nil
	case len(said) > 1:
		return "", names.ErrBad.Because("The address says participant= more than once; say it once.")
	}
	return said[0], names.Valid(said[0])
}

// get answers GET and HEAD so that a player can discover what the URL is: empty,
// with the type of what would be POSTed (RFC 9725 section 4.1, and the
// discoverability section of the playback draft).
func get(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, wish.SDPType)
	h.Set(echo.HeaderContentLength, "0")
	return c.NoContent(http.StatusOK)
}
