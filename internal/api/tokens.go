package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// The bounds of a token.
const (
	maxPatterns     = 64
	maxTokenSeconds = 366 * 24 * 3600
	defaultTokenFor = 12 * time.Hour
)

// TokenWish is what a token shall say; package auth explains its members.
type TokenWish struct {
	Subject     string            `json:"subject"`
	Participant string            `json:"participant"`
	Name        string            `json:"name"`
	Tags        map[string]string `json:"tags"`
	Publish     []string          `json:"publish"`
	Play        []string          `json:"play"`
	Admin       bool              `json:"admin"`
	ExpiresIn   *int              `json:"expires_in"`
	JoinBy      time.Time         `json:"join_by"`
	Once        bool              `json:"once"`
}

// Valid is how long the token shall work.
func (w TokenWish) Valid() time.Duration {
	if w.ExpiresIn == nil {
		return defaultTokenFor
	}
	return time.Duration(*w.ExpiresIn) * time.Second
}

func (w TokenWish) valid() error {
	if err := (Join{Name: w.Name, Tags: w.Tags}).valid(); err != nil {
		return err
	}
	switch {
	case len(w.Publish)+len(w.Play) == 0 && !w.Admin:
		return errBody.Because("The token would allow nothing: name channels in publish or play, or say admin.")
	case len(w.Publish) > maxPatterns || len(w.Play) > maxPatterns:
		return wrong("publish", "and play must have at most %d channels each", maxPatterns)
	case w.ExpiresIn != nil && (*w.ExpiresIn < 1 || *w.ExpiresIn > maxTokenSeconds):
		return wrong("expires_in", "must be 1 to %d seconds", maxTokenSeconds)
	case len(w.Subject) > maxTagBytes:
		return wrong("subject", "must be at most %d bytes", maxTagBytes)
	}
	return nil
}

type madeToken struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

func (h handlers) makeToken(c echo.Context) error {
	var w TokenWish
	if err := body(c, &w); err != nil {
		return err
	}
	if err := w.valid(); err != nil {
		return err
	}
	token, expires, err := h.backend.MakeToken(c.Request().Context(), h.request(c), w)
	if err != nil {
		return err
	}
	return answer(c, http.StatusCreated, madeToken{token, expires})
}

// ErrToken refuses a token that nobody would believe, with what is wrong about it.
func ErrToken(reason error) error {
	return errBody.Because("Such a token cannot be made: %s.", strings.ReplaceAll(reason.Error(), "\n", "; "))
}
