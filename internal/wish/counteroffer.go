package wish

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/signaling"
)

// patchTypes are what PATCH takes at a session's address. It is told without
// looking at the session: asking must not tell whether there is one.
func (cfg Config) patchTypes() string {
	if cfg.CounterOffers {
		return FragmentType + ", " + SDPType
	}
	return FragmentType
}

// counterOffer writes a 406 with an offer of ours (the playback draft, section
// 4.2.2); the other headers are those of a 201. The date has a comma, so it has
// quotes.
func counterOffer(c echo.Context, created signaling.Created) error {
	h := c.Response().Header()
	h.Set(headerAcceptPatch, SDPType+", "+FragmentType)
	until := created.ValidUntil.UTC().Format(http.TimeFormat)
	return whole(c, http.StatusNotAcceptable, SDPType+`; valid-until="`+until+`"`, created.SDP)
}

// answer takes the answer to a counter-offer: 204 without content. The entity-tag of
// the 406 is told again, for players that take notice of a success only, and the
// extensions for the first time: there is a session now (N-233).
func (s *sessionResource) answer(c echo.Context) error {
	b, err := s.cfg.body(c.Request(), SDPType, errFragmentType)
	if err != nil {
		return err
	}
	ifMatch, err := parseIfMatch(c.Request().Header.Values("If-Match"))
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return errNoAnswer
	}
	etag, err := s.sessions.Answer(c.Request().Context(), secret(c), signaling.Answer{Request: s.cfg.request(c), IfMatch: ifMatch, SDP: b})
	if err != nil {
		return err
	}
	h := c.Response().Header()
	noStore(h)
	h.Set(headerETag, etag)
	if s.cfg.Links != nil {
		addLinks(h, s.cfg.Links(c.Request(), SessionPrefix+secret(c), false))
	}
	return c.NoContent(http.StatusNoContent)
}
