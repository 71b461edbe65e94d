package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// What pages of the configured origins are told (Fetch standard, CORS protocol). A
// wildcard would never cover Authorization.
const (
	corsMethods = "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, Last-Event-ID"
	corsExposed = "Location, Retry-After, Allow, WWW-Authenticate"
	corsMaxAge  = "7200" // the most that browsers keep
)

// cors sets the headers before anything can fail, so that pages can read refusals
// too. All other pages get none, which keeps them from reading answers and from
// sending what is not a simple request: every change here is none, because it has
// another method than POST or a body of JSON.
func (cfg Config) cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if len(cfg.Origins) > 0 {
			cfg.allowOrigin(c.Response().Header(), c.Request())
		}
		return next(c)
	}
}

func (cfg Config) allowOrigin(h http.Header, r *http.Request) {
	h.Add(echo.HeaderVary, echo.HeaderOrigin)
	origin := r.Header.Get(echo.HeaderOrigin)
	if !slices.ContainsFunc(cfg.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return
	}
	h.Set(echo.HeaderAccessControlAllowOrigin, origin)
	if r.Method != http.MethodOptions || r.Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
		h.Set(echo.HeaderAccessControlExposeHeaders, corsExposed)
		return
	}
	h.Set(echo.HeaderAccessControlAllowMethods, corsMethods)
	h.Set(echo.HeaderAccessControlAllowHeaders, corsHeaders)
	h.Set(echo.HeaderAccessControlMaxAge, corsMaxAge)
}
