package api

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/names"
)

// memberKeepAlive is how long a member stream is silent at most: who is gone without
// a word is noticed by writing.
const memberKeepAlive = 5 * time.Second

// The bounds of what members say about themselves; those of tokens are the same.
const (
	maxDisplayName = 128 // bytes
	maxTags        = 32
	maxTagBytes    = 256
	// maxTagsBytes bounds all tags of somebody: every member's snapshot has them.
	maxTagsBytes = 2048
)

// Join asks for a member stream. Where the token says who somebody is, it says so.
type Join struct {
	Participant string            `json:"participant,omitempty"`
	Name        string            `json:"name,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Kind        string            `json:"kind,omitempty"`
	// Origin is that of the gateway as the request has it: absolute addresses in
	// events begin with it.
	Origin string `json:"-"`
}

func (j Join) valid() error {
	switch {
	case len(j.Name) > maxDisplayName || !printable(j.Name):
		return wrong("name", "must be at most %d bytes of text without control characters", maxDisplayName)
	case len(j.Tags) > maxTags:
		return wrong("tags", "must have at most %d members", maxTags)
	case j.Kind != "" && j.Kind != "call" && j.Kind != "broadcast":
		return wrong("kind", "must be call or broadcast")
	}
	all := 0
	for key, value := range j.Tags {
		if all += len(key) + len(value); all > maxTagsBytes {
			return wrong("tags", "must have at most %d bytes of names and values together", maxTagsBytes)
		}
		if len(key) > maxDisplayName || len(value) > maxTagBytes || !printable(key) || !printable(value) {
			return wrong("tags", "must have names of at most %d and values of at most %d bytes of text without control characters", maxDisplayName, maxTagBytes)
		}
	}
	return optionalName(j.Participant)
}

// printable tells that s has nothing that would not be seen where it is shown.
func printable(s string) bool { return strings.IndexFunc(s, unicode.IsControl) < 0 }

func optionalName(name string) error {
	if name == "" {
		return nil
	}
	return names.Valid(name)
}

// Membership is what joining made.
type Membership struct {
	Participant string `json:"participant"`
	// Events is the absolute address of the member stream.
	Events string `json:"events"`
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	// Secret is the id in the stream's address: 128 bits.
	Secret string `json:"-"`
}

func (h handlers) join(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var j Join
	if err := body(c, &j); err != nil {
		return err
	}
	if err := j.valid(); err != nil {
		return err
	}
	j.Origin = h.url(c, "")
	made, err := h.backend.Join(c.Request().Context(), h.request(c), p.Channel, j)
	if err != nil {
		return err
	}
	made.Events = h.url(c, Prefix+"/events/"+made.Secret)
	c.Response().Header().Set(echo.HeaderLocation, made.Events)
	return answer(c, http.StatusCreated, made)
}

// listen answers with the events themselves. What the reader saw last is told by a
// header when an EventSource comes again, and by ?after= else.
func (h handlers) listen(c echo.Context) error {
	noStore(c)
	lastID := c.Request().Header.Get("Last-Event-ID")
	if lastID == "" {
		lastID = c.QueryParam("after")
	}
	ctx := c.Request().Context()
	reader, left, err := h.backend.Listen(ctx, segment(c, "secret"), lastID)
	if err != nil {
		return err
	}
	defer left()
	// The answer has begun, so that an error is nobody's to read.
	_ = events.ServeEvery(ctx, c.Response(), reader, memberKeepAlive, nil)
	return nil
}

func (h handlers) leave(c echo.Context) error {
	if err := h.backend.Leave(c.Request().Context(), segment(c, "secret")); err != nil {
		return err
	}
	noStore(c)
	return c.NoContent(http.StatusOK)
}
