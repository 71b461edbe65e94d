package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/diagnose"
)

// Session is a session as the API tells it, to administrators and to whoever made
// it. It is kept for ten minutes after its end; docs/diagnoses.md describes it.
type Session struct {
	// ID is the public id, as in the 201 (Headgate-Session), in the problem document
	// of a refusal ("session") and in the log.
	ID string `json:"session"`
	// Action is publish or play.
	Action      string `json:"action"`
	Channel     string `json:"channel"`
	Participant string `json:"participant,omitempty"`
	Source      string `json:"source,omitempty"`
	// State is connecting, connected, ended or refused; Reached how far it got.
	State   string    `json:"state"`
	Reached string    `json:"reached"`
	Started time.Time `json:"started"`
	// Ended and Reason are left out while the session lives.
	Ended  time.Time `json:"ended,omitzero"`
	Reason string    `json:"reason,omitempty"`
	// Diagnosis is left out when nothing is wrong.
	Diagnosis *diagnose.Diagnosis `json:"diagnosis,omitempty"`
	Timeline  []Fact              `json:"timeline"`
	// Dropped is how many facts were left out of a timeline that was too long.
	Dropped int              `json:"timeline_dropped,omitempty"`
	Facts   diagnose.Session `json:"facts"`
}

// Fact is one thing that happened to a session. Detail is for people.
type Fact struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

func (h handlers) session(c echo.Context) error {
	session, err := h.backend.Session(c.Request().Context(), h.request(c), segment(c, "id"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, session)
}
