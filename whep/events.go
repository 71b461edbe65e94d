package whep

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// subscribe makes an event stream: 201 with its address.
func (x *extensions) subscribe(c echo.Context) error {
	body, err := x.cfg.JSON(c)
	if err != nil {
		return err
	}
	names, refusal := parseEvents(body)
	if refusal != nil {
		return refusal
	}
	if err := x.checkSlots(c, names); err != nil {
		return err
	}
	stream, err := x.backend.Subscribe(c.Request().Context(), sessionOf(c, eventsPath), x.cfg.Request(c), names)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	wish.NoStore(h)
	h.Set(echo.HeaderLocation, x.cfg.URL(c.Request(), streamPrefix+stream))
	return c.NoContent(http.StatusCreated)
}

// checkSlots refuses the slots event to sessions that have none: there it is no event.
func (x *extensions) checkSlots(c echo.Context, names []string) error {
	if !slices.Contains(names, signaling.EventSlots) {
		return nil
	}
	_, err := x.backend.Slots(c.Request().Context(), sessionOf(c, eventsPath), x.cfg.Request(c))
	if errors.Is(err, errNoSlot) {
		return errEvents.Because("This session has no slots and thus no event %q; there are %q.", signaling.EventSlots, eventNames)
	}
	return err
}

// parseEvents reads the list of events; no body is all that every session has. An
// event that there is not fails the whole list.
func parseEvents(body []byte) ([]string, *fault.Error) {
	if len(body) == 0 {
		return eventNames, nil
	}
	var names []string
	if err := json.Unmarshal(body, &names); err != nil || names == nil {
		return nil, errEvents
	}
	for _, name := range names {
		if name != signaling.EventSlots && !slices.Contains(eventNames, name) {
			return nil, errEvents.Because("There is no event %.40q here; there are %q.", name, eventNames)
		}
	}
	return names, nil
}

// listen is the GET of an EventSource.
func (x *extensions) listen(c echo.Context) error {
	r := c.Request()
	stream, err := x.backend.Listen(r.Context(), secretOf(c, streamPrefix, ""), r.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	defer stream.Close()
	// What goes wrong from here on is the client's own line; nobody can be told.
	_ = events.Serve(r.Context(), c.Response(), stream.Events, func(e events.Event) ([]byte, error) {
		return encode(e, stream.OldLayers)
	})
	return nil
}

// lookAtStream is HEAD, which reads nothing.
func (x *extensions) lookAtStream(c echo.Context) error {
	if err := x.backend.LookAtStream(c.Request().Context(), secretOf(c, streamPrefix, "")); err != nil {
		return err
	}
	events.WriteHeader(c.Response().Header())
	return c.NoContent(http.StatusOK)
}

func (x *extensions) unsubscribe(c echo.Context) error {
	if err := x.backend.Unsubscribe(c.Request().Context(), secretOf(c, streamPrefix, "")); err != nil {
		return err
	}
	wish.NoStore(c.Response().Header())
	return c.NoContent(http.StatusOK)
}

var errUnknownData = errors.New("an event has data of an unknown type")

// encode writes the data of an event as the extension wants it.
func encode(e events.Event, oldLayers bool) ([]byte, error) {
	switch data := e.Data.(type) {
	case nil:
		return []byte("{}"), nil
	case int:
		return json.Marshal(map[string]int{e.Name: data})
	case signaling.Layers:
		if oldLayers {
			return json.Marshal(oldShape(data))
		}
		return json.Marshal(data)
	case signaling.Slots:
		return json.Marshal(data)
	}
	return nil, fmt.Errorf("%w: %T", errUnknownData, e.Data)
}

// known leaves AnyLayer out.
func known(id int) *int {
	if id < 0 {
		return nil
	}
	return &id
}
