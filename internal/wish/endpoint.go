package wish

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/linkhdr"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/problem"
	"github.com/headgate/headgate/internal/signaling"
)

// Endpoint is the address that offers are POSTed to, in the shape that WHIP and
// WHEP share.
type Endpoint struct {
	// Prefix is the path before the channel, with a slash at both ends.
	Prefix string
	// Action is what a POST does there.
	Action   auth.Action
	Sessions Sessions
	// Create makes the session of an offer.
	Create func(echo.Context, signaling.Offer) (signaling.Created, error)
	// Get answers GET and HEAD.
	Get echo.HandlerFunc
	// Links follow the ICE servers, which some clients look for in the first; nil for
	// none.
	Links Links
}

// Links are those of extensions (RFC 9725 section 4.9) for a new session with this
// path. slots tells that a player's has slots.
type Links func(r *http.Request, session string, slots bool) []linkhdr.Link

// Register adds the endpoint to e.
func (ep Endpoint) Register(e *echo.Echo, cfg Config) {
	h := &endpoint{Endpoint: ep, cfg: cfg}
	h.resource = resource{route: ep.Prefix + "*", methods: map[string]echo.HandlerFunc{
		http.MethodGet:     h.get,
		http.MethodHead:    h.get,
		http.MethodOptions: h.options,
		http.MethodPost:    h.post,
	}}
	h.resource.register(e, cfg)
}

type endpoint struct {
	Endpoint
	cfg      Config
	resource resource
}

// place reads what the address names. It looks at the escaped path only: echo's
// path parameters decode unevenly.
func (ep *endpoint) place(c echo.Context) (auth.Place, error) {
	segments, err := names.Split(strings.TrimPrefix(c.Request().URL.EscapedPath(), ep.Prefix))
	if err != nil {
		return auth.Place{}, err
	}
	if len(segments) > 3 {
		return auth.Place{}, errNoEndpoint
	}
	var p auth.Place
	for i, field := range []*string{&p.Channel, &p.Participant, &p.Source}[:len(segments)] {
		*field = segments[i]
	}
	return p, nil
}

func (ep *endpoint) get(c echo.Context) error {
	if _, err := ep.place(c); err != nil {
		return err
	}
	c.Response().Header().Set(headerAcceptPost, SDPType)
	return ep.Get(c)
}

// options answers preflights and plain OPTIONS alike with 200 and Accept-Post
// (RFC 9725 section 4.2); ICE servers are for those who may use them.
func (ep *endpoint) options(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderAllow, ep.resource.allow())
	h.Set(headerAcceptPost, SDPType)
	if !preflight(c.Request()) {
		noStore(h)
		if place, err := ep.place(c); err == nil {
			ep.linkServers(c, ep.cfg.request(c), place, "")
		}
	}
	return c.NoContent(http.StatusOK)
}

func (ep *endpoint) post(c echo.Context) error {
	if ep.cfg.redirects(c.Request()) {
		return ep.cfg.redirect(c)
	}
	offer, err := ep.offer(c)
	if err != nil {
		return err
	}
	created, err := ep.Create(c, offer)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderLocation, ep.cfg.sessionURL(c.Request(), created.Secret))
	h.Set(headerETag, created.ETag)
	h.Set(problem.HeaderSession, created.PublicID)
	h.Set(headerAcceptPatch, FragmentType)
	noStore(h)
	ep.linkServers(c, offer.Request, offer.Place, created.PublicID)
	if !created.ValidUntil.IsZero() {
		return counterOffer(c, created)
	}
	ep.linkExtensions(c, created)
	return whole(c, http.StatusCreated, SDPType, created.SDP)
}

// offer decodes a POST (RFC 9725 section 4.2).
func (ep *endpoint) offer(c echo.Context) (signaling.Offer, error) {
	place, err := ep.place(c)
	if err != nil {
		return signaling.Offer{}, err
	}
	sdp, err := ep.cfg.body(c.Request(), SDPType, errOfferType)
	if err != nil {
		if refusesType(err) {
			c.Response().Header().Set(headerAcceptPost, SDPType)
		}
		return signaling.Offer{}, err
	}
	if len(sdp) == 0 {
		return signaling.Offer{}, errNoOffer
	}
	name, err := displayName(c)
	if err != nil {
		return signaling.Offer{}, err
	}
	return signaling.Offer{Request: ep.cfg.request(c), Place: place, Name: name, SDP: sdp}, nil
}

// maxDisplayName bounds ?name=, in bytes.
const maxDisplayName = 128

// displayName is how people are called who have no token that says so: ?name=.
func displayName(c echo.Context) (string, error) {
	name := c.QueryParam("name")
	switch {
	case len(name) > maxDisplayName:
		return "", names.ErrBad.Because("The address says name= with %d bytes; at most %d are allowed.", len(name), maxDisplayName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, unicode.IsControl):
		return "", names.ErrBad.Because("The address says name= with something else than valid UTF-8 without control characters.")
	}
	return name, nil
}

// linkServers tells the ICE servers, if there are any for this request. Whoever
// may not have them gets the rest of the answer all the same.
func (ep *endpoint) linkServers(c echo.Context, r signaling.Request, place auth.Place, session string) {
	servers, err := ep.Sessions.ICEServers(c.Request().Context(), r, ep.Action, place, session)
	if err != nil {
		problem.Note(c, err)
		return
	}
	writeLinks(c.Response().Header(), servers)
}

// linkExtensions announces what the new session has beside the protocol itself.
func (ep *endpoint) linkExtensions(c echo.Context, created signaling.Created) {
	if ep.Links == nil {
		return
	}
	addLinks(c.Response().Header(), ep.Links(c.Request(), SessionPrefix+created.Secret, created.Slots))
}

func addLinks(h http.Header, links []linkhdr.Link) {
	for _, link := range links {
		h.Add(headerLink, link.String())
	}
}
