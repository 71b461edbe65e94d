package api

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
)

var errParticipantUnknown = fault.New(fault.NotFound, "participant-unknown",
	"There is no such participant in this channel; the roster lists those who are.")

// Participant is one of the roster. Muted are the sources whose sound or picture the
// server does not pass on.
type Participant struct {
	ID       string            `json:"participant"`
	Name     string            `json:"name"`
	Tags     map[string]string `json:"tags"`
	Joined   time.Time         `json:"joined"`
	Speaking bool              `json:"speaking"`
	// Quality is made by its owner: {"up": 0..5, "down": 0..5}, each left out while
	// unknown.
	Quality any              `json:"quality,omitempty"`
	Sources []string         `json:"sources"`
	Muted   map[string]Muted `json:"muted"`
	// SelfMuted are those of which their holder says that something is off.
	SelfMuted map[string]Muted `json:"self_muted"`
}

// Ban shuts a participant out of a channel until a time.
type Ban struct {
	Participant string    `json:"participant"`
	Until       time.Time `json:"until"`
	Reason      string    `json:"reason,omitempty"`
}

func (h handlers) participants(c echo.Context) error {
	_, all, err := inPlace(h, c, h.backend.Participants)
	if err != nil {
		return err
	}
	return list(c, "participants", all, func(p Participant) string { return p.ID })
}

func (h handlers) participant(c echo.Context) error {
	p, all, err := inPlace(h, c, h.backend.Participants)
	if err != nil {
		return err
	}
	for _, one := range all {
		if one.ID == p.Participant {
			return answer(c, http.StatusOK, one)
		}
	}
	return errParticipantUnknown
}

// The bounds of a kick.
const (
	maxReason     = 256 // bytes
	maxBanSeconds = 366 * 24 * 3600
)

// kicking is how somebody is put out; in the body or, for clients whose DELETE has
// none, in the query.
type kicking struct {
	Reason     string `json:"reason"`
	BanSeconds int    `json:"ban_seconds"`
}

func (k kicking) valid() error {
	if len(k.Reason) > maxReason || !printable(k.Reason) {
		return wrong("reason", "must be at most %d bytes of text without control characters", maxReason)
	}
	if k.BanSeconds < 0 || k.BanSeconds > maxBanSeconds {
		return wrong("ban_seconds", "must be 0 to %d", maxBanSeconds)
	}
	return nil
}

func (h handlers) kick(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	k := kicking{Reason: c.QueryParam("reason")}
	if seconds := c.QueryParam("ban_seconds"); seconds != "" {
		if k.BanSeconds, err = strconv.Atoi(seconds); err != nil {
			return errQuery.Because("The address says ban_seconds= and no number of seconds.")
		}
	}
	if err := k.valid(); err != nil {
		return err
	}
	if err := optionalBody(c, &k); err != nil {
		return err
	}
	if err := k.valid(); err != nil {
		return err
	}
	ban := time.Duration(k.BanSeconds) * time.Second
	return done(c, h.backend.Kick(c.Request().Context(), h.request(c), p.Channel, p.Participant, k.Reason, ban))
}

func (h handlers) bans(c echo.Context) error {
	_, all, err := inPlace(h, c, h.backend.Bans)
	if err != nil {
		return err
	}
	return list(c, "bans", all, func(b Ban) string { return b.Participant })
}

func (h handlers) unban(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	return done(c, h.backend.Unban(c.Request().Context(), h.request(c), p.Channel, p.Participant))
}
