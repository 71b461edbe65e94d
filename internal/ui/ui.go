package ui

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// document is one page and what it may do.
type document struct {
	file   string
	routes []string
	// permissions is the Permissions-Policy: which powers of the browser the
	// page may use.
	permissions string
	// framable pages may be shown in frames of Config.FrameAncestors.
	framable bool
}

// Below /publish and /watch stand up to three names, below /call one, read by the page.
var documents = []document{
	{file: "home.html", routes: []string{"/"},
		permissions: "camera=(), microphone=(), display-capture=(), geolocation=()"},
	{file: "publish.html", routes: []string{"/publish", "/publish/*"},
		permissions: "camera=(self), microphone=(self), display-capture=(self), screen-wake-lock=(self), geolocation=()"},
	{file: "check.html", routes: []string{"/check"},
		permissions: "camera=(self), microphone=(self), display-capture=(), geolocation=()"},
	{file: "call.html", routes: []string{"/call", "/call/*"},
		permissions: "camera=(self), microphone=(self), display-capture=(self), speaker-selection=(self), screen-wake-lock=(self), geolocation=()"},
	{file: "watch.html", routes: []string{"/watch", "/watch/*"}, framable: true,
		permissions: "camera=(), microphone=(), display-capture=(), geolocation=()"},
}

// Register adds the routes of the pages and their assets to e: /, /publish/…,
// /watch/…, /call/…, /check, /assets/… and /favicon.ico, for GET and HEAD.
//
// The pages ask the same origin for GET /api/v1/channels and GET
// /api/v1/settings, publish to /whip/… and play from /whep/…; those routes are
// not made here. Sources in cfg that Config.Validate refuses are left out of
// the policy. Register must be called before e serves; it panics only if the
// binary was built without the embedded files.
func Register(e *echo.Echo, cfg Config) {
	for _, p := range documents {
		serve := p.handler(cfg, must(load("pages/"+p.file)))
		for _, route := range p.routes {
			both(e, route, serve)
		}
	}
	assets := must(loadDir("assets"))
	both(e, "/assets/:file", assetHandler(assets))
	both(e, "/favicon.ico", func(c echo.Context) error { return sendAsset(c, assets["logo.svg"]) })
}

// both registers h for GET and HEAD.
func both(e *echo.Echo, route string, h echo.HandlerFunc) {
	e.Match([]string{http.MethodGet, http.MethodHead}, route, h)
}

func (p document) handler(cfg Config, f file) echo.HandlerFunc {
	ancestors := "'none'"
	if p.framable {
		ancestors = cfg.frameAncestors()
	}
	policy := pagePolicy(cfg.connectSources(), ancestors)
	return func(c echo.Context) error {
		setPage(c.Response().Header(), policy, p.permissions, ancestors != "'none'")
		f.serve(c.Response(), c.Request())
		return nil
	}
}

func assetHandler(assets map[string]file) echo.HandlerFunc {
	return func(c echo.Context) error {
		f, ok := assets[c.Param("file")]
		if !ok {
			return echo.ErrNotFound
		}
		return sendAsset(c, f)
	}
}

func sendAsset(c echo.Context, f file) error {
	setAsset(c.Response().Header())
	f.serve(c.Response(), c.Request())
	return nil
}

// must is for what was decided when the binary was built.
func must[T any](value T, err error) T {
	if err != nil {
		panic("ui: embedded files are missing: " + err.Error())
	}
	return value
}
