package ui

import (
	"net/http"
	"strings"
)

// pagePolicy is the Content-Security-Policy of a page. Media elements play from
// objects, not from addresses, so nothing is needed for them.
func pagePolicy(connect, ancestors string) string {
	return strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self'",
		"connect-src " + connect,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors " + ancestors,
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

// assetPolicy is for what is opened by itself: a picture must not run anything.
const assetPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox"

// setCommon sets what every answer of this package carries.
func setCommon(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	// Always asked again, answered by 304: modules of two versions must never
	// meet in one page.
	h.Set("Cache-Control", "no-cache")
}

// setPage sets the headers of a page.
func setPage(h http.Header, policy, permissions string, framed bool) {
	setCommon(h)
	h.Set("Content-Security-Policy", policy)
	h.Set("Permissions-Policy", permissions)
	if !framed {
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
	}
}

// setAsset sets the headers of what pages load. The modules are the same public
// text for everybody, so pages elsewhere may import them.
func setAsset(h http.Header) {
	setCommon(h)
	h.Set("Content-Security-Policy", assetPolicy)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Access-Control-Allow-Origin", "*")
}
