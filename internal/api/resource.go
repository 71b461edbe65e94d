package api

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/problem"
)

// register adds a resource, which refuses the methods it does not have itself, so
// that those answers have Allow and the headers of CORS too. Whatever answers GET
// answers HEAD, but for event streams, which a HEAD would take over.
func (h handlers) register(e *echo.Echo, template string, m methods) {
	m = maps.Clone(m)
	if get := m[http.MethodGet]; get != nil && !strings.HasPrefix(template, Prefix+"/events/") {
		m[http.MethodHead] = get
	}
	m[http.MethodOptions] = nil
	allow := strings.Join(slices.Sorted(maps.Keys(m)), ", ")
	around := []echo.MiddlewareFunc{h.cfg.cors}
	if h.cfg.Gate != nil {
		around = append(around, h.cfg.Gate)
	}
	m[http.MethodOptions] = func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderAllow, allow)
		return c.NoContent(http.StatusNoContent)
	}
	for method, handle := range m {
		e.Add(method, template, handle, around...)
	}
	e.RouteNotFound(template, func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderAllow, allow)
		return problem.ErrMethod
	}, around...)
}

// segment is what the escaped path has at this parameter of the template, as it is
// there: echo's parameters decode unevenly.
func segment(c echo.Context, parameter string) string {
	at := slices.Index(strings.Split(c.Path(), "/"), ":"+parameter)
	path := strings.Split(c.Request().URL.EscapedPath(), "/")
	if at < 0 || at >= len(path) {
		return ""
	}
	return path[at]
}

// place reads the names in the address.
func place(c echo.Context) (p auth.Place, err error) {
	for parameter, field := range map[string]*string{"channel": &p.Channel, "participant": &p.Participant, "source": &p.Source} {
		if !strings.Contains(c.Path(), "/:"+parameter) {
			continue
		}
		name, err := names.Split(segment(c, parameter))
		if err != nil {
			return auth.Place{}, err
		}
		*field = name[0]
	}
	return p, nil
}

// request reads what every request says of whoever sent it. Two Authorization
// headers are no credential that could be believed.
func (h handlers) request(c echo.Context) Request {
	from, _ := netip.ParseAddr(c.RealIP()) // nobody's address is nobody's session
	r := Request{From: netip.AddrPortFrom(from.Unmap(), 0)}
	r.Own = h.cfg.Own != nil && h.cfg.Own(from.Unmap(), c.Request())
	switch values := c.Request().Header.Values(echo.HeaderAuthorization); len(values) {
	case 0:
	case 1:
		r.Credential = auth.CredentialFrom(values[0], h.cfg.AcceptRawToken)
	default:
		r.Credential.Malformed = true
	}
	return r
}

// url is the absolute address of a path.
func (h handlers) url(c echo.Context, path string) string { return h.cfg.Origin(c.Request()) + path }

// answer sends a document that no cache may keep.
func answer(c echo.Context, status int, document any) error {
	noStore(c)
	return c.JSON(status, document)
}

// done answers that it is so now.
func done(c echo.Context, err error) error {
	if err != nil {
		return err
	}
	noStore(c)
	return c.NoContent(http.StatusNoContent)
}

func noStore(c echo.Context) { c.Response().Header().Set(echo.HeaderCacheControl, "no-store") }

// inPlace asks for what is in the channel of the address.
func inPlace[T any](h handlers, c echo.Context, ask func(context.Context, Request, string) ([]T, error)) (auth.Place, []T, error) {
	p, err := place(c)
	if err != nil {
		return p, nil, err
	}
	all, err := ask(c.Request().Context(), h.request(c), p.Channel)
	return p, all, err
}
