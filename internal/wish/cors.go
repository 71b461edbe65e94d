package wish

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/problem"
)

// What browsers are told (Fetch standard, CORS protocol). The names are spelled
// out: a wildcard never covers Authorization, and OPTIONS itself must be listed
// for clients that send an explicit one with a token.
const (
	corsMethods = "OPTIONS, GET, HEAD, POST, PUT, PATCH, DELETE"
	corsHeaders = "Authorization, Content-Type, If-Match, ETag, Link, Last-Event-ID"
	corsExposed = "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow, WWW-Authenticate, " + problem.HeaderSession + ", Access-Control-Allow-Methods"
	// corsMaxAge spares a round trip per session; two hours is the most that
	// browsers keep.
	corsMaxAge = "7200"
)

// middleware sets the CORS headers before anything can fail, so that pages can
// read refusals too.
func (p CORS) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p.apply(c.Response().Header(), c.Request())
		return next(c)
	}
}

func (p CORS) apply(h http.Header, r *http.Request) {
	origin := r.Header.Get(echo.HeaderOrigin)
	switch {
	case p.AllowAny:
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
	case !p.mayEcho():
		return
	default:
		h.Add(echo.HeaderVary, echo.HeaderOrigin)
		if !p.allows(origin) {
			return
		}
		h.Set(echo.HeaderAccessControlAllowOrigin, origin)
	}
	h.Set(echo.HeaderAccessControlAllowMethods, corsMethods)
	if !preflight(r) {
		h.Set(echo.HeaderAccessControlExposeHeaders, corsExposed)
		return
	}
	h.Set(echo.HeaderAccessControlAllowHeaders, corsHeaders)
	h.Set(echo.HeaderAccessControlMaxAge, corsMaxAge)
	if p.PrivateNetwork && r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
}

func (p CORS) mayEcho() bool { return p.EchoLoopback || len(p.Origins) > 0 }

func (p CORS) allows(origin string) bool {
	if origin == "" {
		return false
	}
	sameOrigin := func(o string) bool { return strings.EqualFold(o, origin) }
	return slices.ContainsFunc(p.Origins, sameOrigin) || p.EchoLoopback && loopbackOrigin(origin)
}

func loopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || origin != "http://"+u.Host && origin != "https://"+u.Host {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// preflight reports whether a browser asks on behalf of a page. It carries no
// credential and must not cost one (RFC 9725 section 4.6).
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get(echo.HeaderOrigin) != "" &&
		r.Header.Get(echo.HeaderAccessControlRequestMethod) != ""
}
