package api

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/names"
)

// maxPassword is what bcrypt looks at, in bytes.
const maxPassword = 72

// Login is somebody who knows the password of a channel. Participant is who they want
// to be.
type Login struct {
	Channel     string `json:"channel"`
	Password    string `json:"password"`
	Name        string `json:"name"`
	Participant string `json:"participant"`
}

// LoggedIn is what a login made. Token and Expires are nil where no token is needed.
type LoggedIn struct {
	Token       *string    `json:"token"`
	Participant string     `json:"participant"`
	Expires     *time.Time `json:"expires"`
}

func (l Login) valid() error {
	if l.Password == "" || len(l.Password) > maxPassword {
		return wrong("password", "must be 1 to %d bytes", maxPassword)
	}
	if err := (Join{Participant: l.Participant, Name: l.Name}).valid(); err != nil {
		return err
	}
	return names.Valid(l.Channel)
}

func (h handlers) login(c echo.Context) error {
	var l Login
	if err := body(c, &l); err != nil {
		return err
	}
	if err := l.valid(); err != nil {
		return err
	}
	in, err := h.backend.Login(c.Request().Context(), h.request(c), l)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, in)
}
