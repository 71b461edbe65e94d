package wish

import (
	"context"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/signaling"
)

// Sessions is what the session resource needs. Every method authorises the
// request by its credential and returns a *fault.Error, possibly wrapped, when
// it refuses.
type Sessions interface {
	// Patch trickles candidates or restarts ICE (RFC 9725 section 4.3).
	Patch(ctx context.Context, secret string, p signaling.Patch) (signaling.Patched, error)
	// Answer takes the answer to a counter-offer (the playback draft, section 4.2.2)
	// and returns the entity-tag of the ICE session.
	Answer(ctx context.Context, secret string, a signaling.Answer) (etag string, err error)
	// End is DELETE; it looks at no precondition (RFC 9725 section 4.3.1).
	End(ctx context.Context, secret string, r signaling.Request) error
	// Look is GET and HEAD: nil if the session is there.
	Look(ctx context.Context, secret string, r signaling.Request) error
	// ICEServers are told in the 201 and to a plain OPTIONS that is authorised
	// for action at place; it is never asked for a preflight. session is the public
	// id of the session that was created, empty for OPTIONS. An error means that
	// none are told.
	ICEServers(ctx context.Context, r signaling.Request, action auth.Action, place auth.Place, session string) ([]signaling.ICEServer, error)
}

// Config says how the resources of both protocols behave towards browsers and
// proxies.
type Config struct {
	CORS CORS
	// Origin returns scheme and authority (and a path prefix, if the gateway is
	// published under one) for absolute URLs, without a slash at the end; nil makes
	// them relative, which some clients cannot follow (Q-OBS-3, Q-GST-1).
	Origin func(*http.Request) string
	// Redirect is the origin of the node that POSTs to endpoints are sent on to
	// (307); empty means that they are taken here.
	Redirect string
	// CounterOffers tells that WHEP may answer a POST with an offer (406).
	CounterOffers bool
	// Links are told in the 204 to the answer to a counter-offer; nil is none.
	Links Links
	// Gate wraps every handler inside CORS: limits per address, draining. Nil
	// lets everything through.
	Gate echo.MiddlewareFunc
	// Extensions tells whether WHEP announces its extensions to whoever sent the
	// request; nil is always. They work where they are not announced, too.
	Extensions func(*http.Request) bool
	// MaxBodyBytes bounds offers and fragments; 0 means DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// AcceptRawToken takes an Authorization header without a scheme for the
	// token itself; see auth.CredentialFrom.
	AcceptRawToken bool
}

// DefaultMaxBodyBytes is ample for an offer: a browser's is 10 KiB.
const DefaultMaxBodyBytes = 64 << 10

// CORS says which pages may use the endpoints (design: open to all only where a
// token is wanted, or on request).
type CORS struct {
	// AllowAny answers every origin with *.
	AllowAny bool `yaml:"-"`
	// EchoLoopback allows pages from loopback hosts.
	EchoLoopback bool `yaml:"-"`
	// Origins are allowed by name, for example https://app.example.com.
	Origins []string `yaml:"origins"`
	// PrivateNetwork lets pages of the public internet reach a gateway in a
	// private network where the browser asks
	// (Access-Control-Request-Private-Network).
	PrivateNetwork bool `yaml:"private_network"`
}

// Register adds the session resource to e. It is called once, whichever
// endpoints there are.
func Register(e *echo.Echo, cfg Config, sessions Sessions) {
	(&sessionResource{cfg: cfg, sessions: sessions}).register(e)
}
