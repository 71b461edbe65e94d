package api

import (
	"net/http"
	"net/netip"

	"github.com/labstack/echo/v4"
)

// Prefix is the path of everything here.
const Prefix = "/api/v1"

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
	// Origins are those whose pages may use the API beside our own, for example
	// https://app.example.com.
	Origins []string
	// Own tells that a request of this client is one of this machine, that no proxy
	// brought; nil is never.
	Own func(client netip.Addr, r *http.Request) bool
}

type handlers struct {
	cfg     Config
	backend Backend
}

// methods are what a resource does, by method.
type methods map[string]echo.HandlerFunc

// Register adds the API to e.
func Register(e *echo.Echo, cfg Config, backend Backend) {
	h := handlers{cfg: cfg, backend: backend}
	for path, m := range h.resources() {
		h.register(e, Prefix+path, m)
	}
}

// resources are all there are, by the path's template. The names in it are those
// that place knows.
func (h handlers) resources() map[string]methods {
	const (
		channel     = "/channels/:channel"
		participant = channel + "/participants/:participant"
		publication = channel + "/publications/:participant/:source"
	)
	return map[string]methods{
		"/openapi.yaml": {http.MethodGet: h.description},
		"/settings":     {http.MethodGet: h.settings},
		"/sessions/:id": {http.MethodGet: h.session},
		"/login":        {http.MethodPost: h.login},
		"/tokens":       {http.MethodPost: h.makeToken},

		"/channels": {http.MethodGet: h.channels},
		channel:     {http.MethodGet: h.channel, http.MethodPut: h.provision, http.MethodDelete: h.disband},

		channel + "/events": {http.MethodPost: h.join},
		"/events/:secret":   {http.MethodGet: h.listen, http.MethodDelete: h.leave},

		channel + "/participants":      {http.MethodGet: h.participants},
		participant:                    {http.MethodGet: h.participant, http.MethodDelete: h.kick},
		channel + "/bans":              {http.MethodGet: h.bans},
		channel + "/bans/:participant": {http.MethodDelete: h.unban},

		channel + "/publications":  {http.MethodGet: h.publications},
		publication:                {http.MethodGet: h.publication, http.MethodDelete: h.endPublication},
		publication + "/mute":      {http.MethodPut: h.mute, http.MethodDelete: h.unmute},
		publication + "/self-mute": {http.MethodPut: h.muteSelf, http.MethodDelete: h.unmuteSelf},
		channel + "/viewers":       {http.MethodGet: h.viewers},
		channel + "/viewers/:id":   {http.MethodDelete: h.endViewer},
		channel + "/program":       {http.MethodGet: h.program, http.MethodPut: h.pin, http.MethodDelete: h.unpin},

		channel + "/messages":    {http.MethodPost: h.say},
		channel + "/invitations": {http.MethodPost: h.invite},
		"/invitations/:id":       {http.MethodGet: h.invitation, http.MethodPatch: h.settle, http.MethodDelete: h.cancel},
	}
}

func (h handlers) description(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
	return c.Blob(http.StatusOK, "application/yaml", Description)
}
