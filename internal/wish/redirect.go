package wish

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// redirectedMark tells a node that a POST was sent on already, so that two nodes
// that point at each other do not make a circle.
const redirectedMark = "redirected"

// redirects reports whether this POST is sent on to another node.
func (cfg Config) redirects(r *http.Request) bool {
	return cfg.Redirect != "" && !r.URL.Query().Has(redirectedMark)
}

// redirect sends a POST on with 307, which keeps method and body (RFC 9725
// section 4.5 forbids 301 and 302; some clients do not follow 308). The session
// then has an address at the other node, so PATCH and DELETE need no redirect.
func (cfg Config) redirect(c echo.Context) error {
	u := c.Request().URL
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		query = url.Values{} // what cannot be read means nothing
	}
	query.Set(redirectedMark, "1")
	noStore(c.Response().Header())
	target := strings.TrimSuffix(cfg.Redirect, "/") + u.EscapedPath() + "?" + query.Encode()
	return c.Redirect(http.StatusTemporaryRedirect, target)
}
