package httpserver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

var errTooLarge = fault.New(fault.TooLarge, "too-large", "The body is too large; send less.")

// logAccess writes one line per request with public facts only: never the path,
// which may hold a session's secret, nor the query or a header.
func (s *Server) logAccess(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		level := slog.LevelInfo
		if quiet(c.Path()) {
			level = slog.LevelDebug
		}
		r, res := c.Request(), c.Response()
		s.log.Log(r.Context(), level, "request",
			"method", shorten(r.Method, 16), "route", route(c), "status", res.Status,
			"bytes", res.Size, "took", s.now().Sub(start), "from", c.RealIP())
		return nil
	}
}

// route is the template that matched.
func route(c echo.Context) string {
	if c.Path() == "" {
		return "none"
	}
	return c.Path()
}

func shorten(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// recoverPanics turns a panic into an error that is logged with its stack.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch v := recover(); {
			case v == nil:
			case v == http.ErrAbortHandler: //nolint:errorlint // net/http's own signal is this very value
				panic(v)
			default:
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		return next(c)
	}
}

// securityHeaders are right for answers that are not pages; pages set their own
// policy.
func securityHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderReferrerPolicy, "no-referrer")
		h.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
		return next(c)
	}
}

// maxDrainBytes is how much of a body that nobody wants is read all the same, so
// that the client gets to read the refusal and may use the connection again.
const maxDrainBytes = 4 << 20

// limitBody bounds what handlers can read of a body.
func (s *Server) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		body := r.Body
		r.Body = &boundedBody{ReadCloser: body, left: s.cfg.MaxBodyBytes, limit: s.cfg.MaxBodyBytes}
		err := next(c)
		if drains(r, err) {
			_, _ = io.CopyN(io.Discard, body, maxDrainBytes) // what is left closes the connection
		}
		return err
	}
}

// drains reports whether the rest of the body is on its way: a client that waits
// for 100-continue has not sent it.
func drains(r *http.Request, err error) bool {
	f, ours := errors.AsType[*fault.Error](err)
	return ours && f.Kind == fault.TooLarge &&
		!strings.EqualFold(r.Header.Get("Expect"), "100-continue")
}

// boundedBody fails with errTooLarge after limit bytes.
type boundedBody struct {
	io.ReadCloser
	left, limit int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge.Because("The body is larger than %d bytes; send less.", b.limit)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, errTooLarge.Because("The body is larger than %d bytes; send less.", b.limit)
	}
	return n, err
}
