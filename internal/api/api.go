package api

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
)

// Config says what the API tells of the gateway.
type Config struct {
	Version string
	// Origin returns scheme and authority for absolute URLs.
	Origin func(*http.Request) string
	// AcceptRawToken takes an Authorization header without a scheme for a token.
	AcceptRawToken bool
	// Forwarded tells whether proxies' headers came: see httpserver. Nil leaves it out.
	Forwarded func() string
	// Gate wraps every handler: limits per address. Nil lets everything through.
	Gate echo.MiddlewareFunc
}

// Backend answers for the rest of the gateway. It authorises every request.
type Backend interface {
	// Channels lists the channels that cred may play.
	Channels(ctx context.Context, cred auth.Credential) ([]Channel, error)
	// Session tells about a session, live or over, or about a refused POST, by its
	// public id. from is who asks.
	Session(ctx context.Context, cred auth.Credential, from netip.AddrPort, id string) (Session, error)
	// TokenRequired tells whether publishing and playing need a token.
	TokenRequired() bool
}

// Channel is a channel as the API tells it.
type Channel struct {
	Name         string        `json:"name"`
	Publications []Publication `json:"publications"`
	Viewers      int           `json:"viewers"`
}

// Publication is a publication as the API tells it. Session is the public id of
// the session that is on air, Standbys are those that are kept warm, the first in
// line first. Video and Audio are codec names; Width and Height are in pixels, left
// out while unknown.
type Publication struct {
	Participant string   `json:"participant"`
	Source      string   `json:"source"`
	State       string   `json:"state"`
	Session     string   `json:"session,omitempty"`
	Standbys    []string `json:"standbys,omitempty"`
	Video       string   `json:"video,omitempty"`
	Audio       string   `json:"audio,omitempty"`
	Width       int      `json:"width,omitempty"`
	Height      int      `json:"height,omitempty"`
	// Layers are those of simulcast that come, lowest first.
	Layers []Layer `json:"layers,omitempty"`
}

// Layer is one encoding of a picture as the API tells it. Width and Height are in
// pixels, left out while unknown; Bits are 0 while nothing of it comes.
type Layer struct {
	RID    string `json:"rid"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Bits   int    `json:"bits_per_second"`
}

type channelList struct {
	Channels []Channel `json:"channels"`
}

type settings struct {
	Version string `json:"version"`
	// Open tells that no token is needed.
	Open bool   `json:"open"`
	WHIP string `json:"whip"`
	WHEP string `json:"whep"`
	// Forwarded is "believed" or "ignored" once forwarding headers of a proxy came.
	Forwarded string `json:"forwarded,omitempty"`
}

// Register adds the API to e.
func Register(e *echo.Echo, cfg Config, backend Backend) {
	h := handlers{cfg: cfg, backend: backend}
	var gate []echo.MiddlewareFunc
	if cfg.Gate != nil {
		gate = append(gate, cfg.Gate)
	}
	e.GET("/api/v1/channels", h.channels, gate...)
	e.GET("/api/v1/sessions/:id", h.session, gate...)
	e.GET("/api/v1/settings", h.settings, gate...)
}

type handlers struct {
	cfg     Config
	backend Backend
}

func (h handlers) channels(c echo.Context) error {
	cred := auth.CredentialFrom(c.Request().Header.Get(echo.HeaderAuthorization), h.cfg.AcceptRawToken)
	channels, err := h.backend.Channels(c.Request().Context(), cred)
	if err != nil {
		return err
	}
	if channels == nil {
		channels = []Channel{}
	}
	return answer(c, channelList{channels})
}

func (h handlers) session(c echo.Context) error {
	cred := auth.CredentialFrom(c.Request().Header.Get(echo.HeaderAuthorization), h.cfg.AcceptRawToken)
	from, _ := netip.ParseAddr(c.RealIP()) // nobody's address is nobody's session
	session, err := h.backend.Session(c.Request().Context(), cred, netip.AddrPortFrom(from.Unmap(), 0), c.Param("id"))
	if err != nil {
		return err
	}
	return answer(c, session)
}

func (h handlers) settings(c echo.Context) error {
	origin := h.cfg.Origin(c.Request())
	told := settings{
		Version: h.cfg.Version, Open: !h.backend.TokenRequired(),
		WHIP: origin + "/whip/", WHEP: origin + "/whep/",
	}
	if h.cfg.Forwarded != nil {
		told.Forwarded = h.cfg.Forwarded()
	}
	return answer(c, told)
}

func answer(c echo.Context, v any) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, v)
}
