package api

import (
	"cmp"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/names"
)

// The bounds of an invitation.
const (
	maxInvitation      = 1024 // bytes of its message
	maxInvitedSeconds  = 3600
	defaultInvitedFor  = 60 * time.Second
	invitationsPrefix  = Prefix + "/invitations/"
	invitationAccepted = "accepted"
	invitationDeclined = "declined"
)

// Inviting asks somebody into a channel. In is where they are told, this channel
// unless it is named. Participant is who asks, where the token does not say so.
type Inviting struct {
	To           string `json:"to"`
	In           string `json:"in"`
	Message      string `json:"message"`
	ValidSeconds *int   `json:"valid_seconds"`
	Participant  string `json:"participant"`
}

// Valid is how long the invitation may be answered.
func (i Inviting) Valid() time.Duration {
	if i.ValidSeconds == nil {
		return defaultInvitedFor
	}
	return time.Duration(*i.ValidSeconds) * time.Second
}

func (i Inviting) valid() error {
	switch {
	case len(i.Message) > maxInvitation:
		return wrong("message", "must be at most %d bytes", maxInvitation)
	case i.ValidSeconds != nil && (*i.ValidSeconds < 1 || *i.ValidSeconds > maxInvitedSeconds):
		return wrong("valid_seconds", "must be 1 to %d", maxInvitedSeconds)
	}
	if err := names.Valid(i.To); err != nil {
		return err
	}
	if err := optionalName(i.In); err != nil {
		return err
	}
	return optionalName(i.Participant)
}

// Invitation is an invitation and what became of it.
type Invitation struct {
	ID      string    `json:"id"`
	Channel string    `json:"channel"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	In      string    `json:"in"`
	Message string    `json:"message,omitempty"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// acceptedInvitation has the token for the channel, null where none could be made or
// none is needed.
type acceptedInvitation struct {
	Invitation
	Token *string `json:"token"`
}

func (h handlers) invite(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var i Inviting
	if err := body(c, &i); err != nil {
		return err
	}
	i.In = cmp.Or(i.In, p.Channel)
	if err := i.valid(); err != nil {
		return err
	}
	made, err := h.backend.Invite(c.Request().Context(), h.request(c), p.Channel, i)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderLocation, h.url(c, invitationsPrefix+made.ID))
	return answer(c, http.StatusCreated, made)
}

func (h handlers) invitation(c echo.Context) error {
	i, err := h.backend.Invitation(c.Request().Context(), h.request(c), segment(c, "id"))
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, i)
}

func (h handlers) settle(c echo.Context) error {
	var wanted struct {
		State string `json:"state"`
	}
	if err := body(c, &wanted); err != nil {
		return err
	}
	if wanted.State != invitationAccepted && wanted.State != invitationDeclined {
		return wrong("state", "must be accepted or declined")
	}
	i, token, err := h.backend.Settle(c.Request().Context(), h.request(c), segment(c, "id"), wanted.State)
	switch {
	case err != nil:
		return err
	case i.State == invitationAccepted:
		return answer(c, http.StatusOK, acceptedInvitation{i, token})
	}
	return answer(c, http.StatusOK, i)
}

func (h handlers) cancel(c echo.Context) error {
	return done(c, h.backend.Cancel(c.Request().Context(), h.request(c), segment(c, "id")))
}
