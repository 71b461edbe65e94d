package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

type settings struct {
	Version string `json:"version"`
	// Open tells that no token is needed.
	Open bool   `json:"open"`
	WHIP string `json:"whip"`
	WHEP string `json:"whep"`
	// Forwarded is "believed" or "ignored" once forwarding headers of a proxy came.
	Forwarded string `json:"forwarded,omitempty"`
}

func (h handlers) settings(c echo.Context) error {
	origin := h.cfg.Origin(c.Request())
	told := settings{
		Version: h.cfg.Version, Open: !h.backend.TokenRequired(),
		WHIP: origin + "/whip/", WHEP: origin + "/whep/",
	}
	if h.cfg.Forwarded != nil {
		told.Forwarded = h.cfg.Forwarded()
	}
	return answer(c, http.StatusOK, told)
}
