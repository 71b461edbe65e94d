package whep

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/linkhdr"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// The extensions of the draft "WHEP core extensions" (webrtc-http-egress-events).
const (
	// RelEvents and RelLayer are the relation types of their Links.
	RelEvents = "urn:ietf:params:whep:ext:core:server-sent-events"
	RelLayer  = "urn:ietf:params:whep:ext:core:layer"

	eventsPath = "/events"
	layerPath  = "/layer"
	// streamPrefix is the path of every event stream, before its secret.
	streamPrefix = "/events/"
)

// Extensions is what the extensions need of the sessions. Every method authorises
// its request as those of wish.Sessions do, but for those that take the secret of
// an event stream: an EventSource can show no token, so the URL itself is the
// capability.
type Extensions interface {
	// Subscribe makes a stream of these events of a session and returns its secret.
	Subscribe(ctx context.Context, session string, r signaling.Request, events []string) (stream string, err error)
	// Listen begins to read a stream, after lastID if that can still be done. Whoever
	// read it before is cut off.
	Listen(ctx context.Context, stream, lastID string) (signaling.EventStream, error)
	// LookAtStream is HEAD: nil if the stream is there.
	LookAtStream(ctx context.Context, stream string) error
	// Unsubscribe ends a stream.
	Unsubscribe(ctx context.Context, stream string) error
	// SelectLayer changes what a session is sent.
	SelectLayer(ctx context.Context, session string, choice signaling.LayerChoice) error
	SlotExtension
	// LookAtExtensions succeeds when the session is there, has extensions, and the
	// caller may use it.
	LookAtExtensions(ctx context.Context, session string, r signaling.Request) error
}

// eventNames are the events that every session has, in the order of the announcement.
var eventNames = []string{
	signaling.EventActive, signaling.EventInactive, signaling.EventLayers, signaling.EventReconnect, signaling.EventViewerCount,
}

var (
	errEvents = fault.New(fault.Invalid, "bad-events",
		"The body must be a JSON array of names of events: "+strings.Join(eventNames, ", ")+".")
	errSelection = fault.New(fault.Invalid, "bad-selection",
		"The body must be a JSON object with mediaId and rid as texts, and the other members as numbers that are not negative.")
)

// extensions are the handlers of the resources beside a session.
type extensions struct {
	cfg     Config
	backend Backend
}

func registerExtensions(e *echo.Echo, cfg Config, backend Backend) {
	x := &extensions{cfg: cfg, backend: backend}
	session := wish.SessionPrefix + ":secret"
	cfg.Resource(e, session+eventsPath, wish.JSONType, map[string]echo.HandlerFunc{
		http.MethodGet: x.look(eventsPath), http.MethodHead: x.look(eventsPath), http.MethodPost: x.subscribe,
	})
	cfg.Resource(e, streamPrefix+":stream", "", map[string]echo.HandlerFunc{
		http.MethodGet: x.listen, http.MethodHead: x.lookAtStream, http.MethodDelete: x.unsubscribe,
	})
	cfg.Resource(e, session+layerPath, wish.JSONType, map[string]echo.HandlerFunc{
		http.MethodGet: x.look(layerPath), http.MethodHead: x.look(layerPath), http.MethodPost: x.selectLayer, http.MethodDelete: x.unselectLayer,
	})
	x.registerSlots(e)
}

// Links announce the extensions of the session with this path (WHEP section 4.9).
// Whoever has layer selection must have the layers event, so both come together. Slots
// are announced to whoever asked for some, wherever.
func Links(cfg Config) wish.Links {
	return func(r *http.Request, session string, slots bool) (links []linkhdr.Link) {
		if cfg.Extensions == nil || cfg.Extensions(r) {
			names := linkhdr.Param{Name: "events", Value: strings.Join(announced(slots), ",")}
			links = append(links,
				linkhdr.Link{URI: cfg.URL(r, session+eventsPath), Rel: RelEvents, Params: []linkhdr.Param{names}},
				linkhdr.Link{URI: cfg.URL(r, session+layerPath), Rel: RelLayer})
		}
		if slots {
			links = append(links, linkhdr.Link{URI: cfg.URL(r, session+slotsPath), Rel: RelSlots})
		}
		return links
	}
}

func announced(slots bool) []string {
	if !slots {
		return eventNames
	}
	return append(slices.Clone(eventNames), signaling.EventSlots)
}

// secretOf reads the id between prefix and suffix from the escaped path. Ids need no
// escaping, so one that has any is nobody's.
func secretOf(c echo.Context, prefix, suffix string) string {
	return strings.TrimSuffix(strings.TrimPrefix(c.Request().URL.EscapedPath(), prefix), suffix)
}

func sessionOf(c echo.Context, path string) string { return secretOf(c, wish.SessionPrefix, path) }

// look answers GET and HEAD as the session's own address does.
func (x *extensions) look(path string) echo.HandlerFunc {
	return func(c echo.Context) error {
		wish.NoStore(c.Response().Header())
		if err := x.backend.LookAtExtensions(c.Request().Context(), sessionOf(c, path), x.cfg.Request(c)); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}
