package wish

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/internal/signaling"
)

// SessionPrefix is the path of every session, before its secret.
const SessionPrefix = "/session/"

func (cfg Config) sessionURL(r *http.Request, secret string) string {
	origin := ""
	if cfg.Origin != nil {
		origin = cfg.Origin(r)
	}
	return origin + SessionPrefix + secret
}

// sessionResource is the address that a Location points at (RFC 9725 sections
// 4.2 and 4.3). Both protocols' sessions have it.
type sessionResource struct {
	cfg      Config
	sessions Sessions
	resource resource
}

func (s *sessionResource) register(e *echo.Echo) {
	s.resource = resource{route: SessionPrefix + ":secret", methods: map[string]echo.HandlerFunc{
		http.MethodGet:     s.get,
		http.MethodHead:    s.get,
		http.MethodOptions: s.options,
		http.MethodPatch:   s.patch,
		http.MethodDelete:  s.delete,
	}}
	s.resource.register(e, s.cfg)
}

// secret reads the id from the escaped path. Ids need no escaping, so one that
// has any is nobody's.
func secret(c echo.Context) string {
	return strings.TrimPrefix(c.Request().URL.EscapedPath(), SessionPrefix)
}

// get answers GET and HEAD with success and no content (RFC 9725 section 4.1).
func (s *sessionResource) get(c echo.Context) error {
	noStore(c.Response().Header())
	if err := s.sessions.Look(c.Request().Context(), secret(c), s.cfg.request(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// options says what the address takes, whether or not the session exists: asking
// must not tell.
func (s *sessionResource) options(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderAllow, s.resource.allow())
	h.Set(headerAcceptPatch, s.cfg.patchTypes())
	return c.NoContent(http.StatusOK)
}

// patch trickles or restarts. Plain trickle is answered 204 without an ETag, a
// restart 200 with the new one and the server's fragment (RFC 9725 sections
// 4.3.2 and 4.3.3).
func (s *sessionResource) patch(c echo.Context) error {
	if hasType(c.Request(), SDPType) {
		return s.answer(c)
	}
	p, err := s.decode(c)
	if err != nil {
		return err
	}
	done, err := s.sessions.Patch(c.Request().Context(), secret(c), p)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	noStore(h)
	if done.Fragment == nil {
		return c.NoContent(http.StatusNoContent)
	}
	h.Set(headerETag, done.ETag)
	return whole(c, http.StatusOK, FragmentType, done.Fragment.Marshal())
}

func (s *sessionResource) decode(c echo.Context) (signaling.Patch, error) {
	b, err := s.cfg.body(c.Request(), FragmentType, errFragmentType)
	if err != nil {
		if refusesType(err) {
			c.Response().Header().Set(headerAcceptPatch, FragmentType)
		}
		return signaling.Patch{}, err
	}
	ifMatch, err := parseIfMatch(c.Request().Header.Values("If-Match"))
	if err != nil {
		return signaling.Patch{}, err
	}
	fragment, err := sdpfrag.Parse(b)
	if err != nil {
		return signaling.Patch{}, err
	}
	return signaling.Patch{Request: s.cfg.request(c), IfMatch: ifMatch, Fragment: fragment}, nil
}

// delete ends the session. An If-Match is ignored (RFC 9725 section 4.3.1), and
// the status is 200: OBS takes 204 for a failure.
func (s *sessionResource) delete(c echo.Context) error {
	if err := s.sessions.End(c.Request().Context(), secret(c), s.cfg.request(c)); err != nil {
		return err
	}
	noStore(c.Response().Header())
	return c.NoContent(http.StatusOK)
}
