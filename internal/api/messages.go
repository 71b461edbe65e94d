package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// maxText bounds a message, in bytes.
const maxText = 16384

// Saying is what somebody wants to say, to all or to one. Participant is who says it,
// where the token does not say so.
type Saying struct {
	Text        string `json:"text"`
	To          string `json:"to"`
	Participant string `json:"participant"`
}

// Message is something somebody said in a channel.
type Message struct {
	ID   string    `json:"id"`
	From string    `json:"from"`
	Name string    `json:"name"`
	Text string    `json:"text"`
	To   string    `json:"to,omitempty"`
	At   time.Time `json:"at"`
}

func (s Saying) valid() error {
	if s.Text == "" || len(s.Text) > maxText {
		return wrong("text", "must be 1 to %d bytes of text", maxText)
	}
	if err := optionalName(s.To); err != nil {
		return err
	}
	return optionalName(s.Participant)
}

func (h handlers) say(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var s Saying
	if err := body(c, &s); err != nil {
		return err
	}
	if err := s.valid(); err != nil {
		return err
	}
	said, err := h.backend.Say(c.Request().Context(), h.request(c), p.Channel, s)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, said)
}
