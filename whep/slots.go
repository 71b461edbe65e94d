package whep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// RelSlots is the relation type of the Link to the slots of a session: an extension of
// our own, docs/slots.md.
const RelSlots = "https://headgate.dev/rel/slots"

const slotsPath = "/slots"

// SlotExtension is what the slots of sessions need: those that offered more than one
// section of a kind. Every method authorises its request. Errors are faults; the code
// is slot-unknown where the session has no slots, or no such one.
type SlotExtension interface {
	// Slots tells who is in them.
	Slots(ctx context.Context, session string, r signaling.Request) (signaling.Slots, error)
	// PinSlot keeps a slot for a publication, whether it is there or not. An empty
	// source is the participant's main one.
	PinSlot(ctx context.Context, session string, r signaling.Request, slot int, participant, source string) (signaling.Slot, error)
	// FreeSlot leaves it to the gateway who is in a slot.
	FreeSlot(ctx context.Context, session string, r signaling.Request, slot int) (signaling.Slot, error)
	// ShowSlots says how large slots are shown: all of them, or none where one is not
	// there.
	ShowSlots(ctx context.Context, session string, r signaling.Request, views []signaling.SlotView) (signaling.Slots, error)
}

var (
	// errNoSlot is compared with what a SlotExtension refuses, and refuses a slot whose
	// number is none.
	errNoSlot = fault.New(fault.NotFound, "slot-unknown",
		"There is no such slot; they count from 0, in the order of the offer's sections of a kind.")
	errPin = fault.New(fault.Invalid, "bad-slots",
		"The body must be a JSON object with participant and, if it is not main, source as texts, and nothing else.")
	errViews = fault.New(fault.Invalid, "bad-slots",
		"The body must be a JSON array of objects with slot, and any of maxWidth and maxHeight as numbers from 0 on and hidden as true or false; each slot once.")
)

func (x *extensions) registerSlots(e *echo.Echo) {
	slots := wish.SessionPrefix + ":secret" + slotsPath
	x.cfg.Resource(e, slots, wish.JSONType, map[string]echo.HandlerFunc{
		http.MethodGet: x.tellSlots, http.MethodHead: x.tellSlots, http.MethodPatch: x.showSlots,
	})
	x.cfg.Resource(e, slots+"/:slot", wish.JSONType, map[string]echo.HandlerFunc{
		http.MethodGet: x.tellSlot, http.MethodHead: x.tellSlot, http.MethodPut: x.pinSlot, http.MethodDelete: x.freeSlot,
	})
}

func (x *extensions) tellSlots(c echo.Context) error {
	slots, err := x.backend.Slots(c.Request().Context(), sessionOf(c, slotsPath), x.cfg.Request(c))
	if err != nil {
		return err
	}
	return answerJSON(c, slots)
}

// showSlots is PATCH: it changes what it names and nothing else.
func (x *extensions) showSlots(c echo.Context) error {
	body, err := x.cfg.JSON(c)
	if err != nil {
		return err
	}
	views, err := parseViews(body)
	if err != nil {
		return err
	}
	slots, err := x.backend.ShowSlots(c.Request().Context(), sessionOf(c, slotsPath), x.cfg.Request(c), views)
	if err != nil {
		return err
	}
	return answerJSON(c, slots)
}

func (x *extensions) tellSlot(c echo.Context) error {
	session, slot, err := slotOf(c)
	if err != nil {
		return err
	}
	slots, err := x.backend.Slots(c.Request().Context(), session, x.cfg.Request(c))
	switch {
	case err != nil:
		return err
	case slot >= len(slots):
		return errNoSlot
	}
	return answerJSON(c, slots[slot])
}

// pinSlot is PUT: done twice, it changes nothing more.
func (x *extensions) pinSlot(c echo.Context) error {
	session, slot, err := slotOf(c)
	if err != nil {
		return err
	}
	body, err := x.cfg.JSON(c)
	if err != nil {
		return err
	}
	participant, source, err := parsePin(body)
	if err != nil {
		return err
	}
	now, err := x.backend.PinSlot(c.Request().Context(), session, x.cfg.Request(c), slot, participant, source)
	if err != nil {
		return err
	}
	return answerJSON(c, now)
}

func (x *extensions) freeSlot(c echo.Context) error {
	session, slot, err := slotOf(c)
	if err != nil {
		return err
	}
	now, err := x.backend.FreeSlot(c.Request().Context(), session, x.cfg.Request(c), slot)
	if err != nil {
		return err
	}
	return answerJSON(c, now)
}

// slotOf reads the session and the number of a slot from the escaped path.
func slotOf(c echo.Context) (session string, slot int, err error) {
	rest := secretOf(c, wish.SessionPrefix, "")
	session, number, _ := strings.Cut(rest, slotsPath+"/")
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || strconv.FormatUint(n, 10) != number {
		return "", 0, errNoSlot
	}
	return session, int(n), nil
}

func answerJSON(c echo.Context, document any) error {
	wish.NoStore(c.Response().Header())
	return c.JSON(http.StatusOK, document)
}

// parsePin reads the body of a PUT.
func parsePin(body []byte) (participant, source string, err error) {
	var pin *struct {
		Participant string `json:"participant"`
		Source      string `json:"source"`
	}
	if !strictJSON(body, &pin) || pin == nil || pin.Participant == "" {
		return "", "", errPin
	}
	if err := names.Valid(pin.Participant); err != nil {
		return "", "", err
	}
	if pin.Source == "" {
		return pin.Participant, "", nil
	}
	return pin.Participant, pin.Source, names.Valid(pin.Source)
}

// maxPixels bounds what a page may say of a tile: more says nothing more.
const maxPixels = 1 << 16

// parseViews reads the body of a PATCH.
func parseViews(body []byte) ([]signaling.SlotView, error) {
	var said []struct {
		Slot      *int  `json:"slot"`
		MaxWidth  *int  `json:"maxWidth"`
		MaxHeight *int  `json:"maxHeight"`
		Hidden    *bool `json:"hidden"`
	}
	if !strictJSON(body, &said) || said == nil {
		return nil, errViews
	}
	seen := make(map[int]bool)
	views := make([]signaling.SlotView, 0, len(said))
	for _, s := range said {
		if s.Slot == nil || *s.Slot < 0 || seen[*s.Slot] || !pixels(s.MaxWidth) || !pixels(s.MaxHeight) {
			return nil, errViews
		}
		seen[*s.Slot] = true
		views = append(views, signaling.SlotView{Slot: *s.Slot, MaxWidth: s.MaxWidth, MaxHeight: s.MaxHeight, Hidden: s.Hidden})
	}
	return views, nil
}

func pixels(n *int) bool { return n == nil || *n >= 0 && *n <= maxPixels }

// strictJSON reads one document without members that nobody knows, and nothing after
// it.
func strictJSON(body []byte, to any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(to) != nil {
		return false
	}
	_, err := d.Token()
	return errors.Is(err, io.EOF)
}
