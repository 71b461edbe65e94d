package api

import (
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/names"
)

// Channel is a channel as the API tells it. Settings are told to administrators, of
// provisioned channels.
type Channel struct {
	Name         string           `json:"name"`
	Kind         string           `json:"kind"`
	Provisioned  bool             `json:"provisioned"`
	Title        string           `json:"title,omitempty"`
	Publications []Publication    `json:"publications"`
	Participants int              `json:"participants"`
	Viewers      int              `json:"viewers"`
	Settings     *ChannelSettings `json:"settings,omitempty"`
}

// ChannelSettings are those of a provisioned channel; what is left out is as
// configured for all. Password is written only: nil leaves it as it is, an empty one
// takes it away. HasPassword is read only.
type ChannelSettings struct {
	Kind            string    `json:"kind,omitempty"`
	Title           string    `json:"title,omitempty"`
	Video           []string  `json:"video,omitempty"`
	Audio           []string  `json:"audio,omitempty"`
	Duplicates      string    `json:"duplicates,omitempty"`
	Idle            string    `json:"idle,omitempty"`
	Standby         *bool     `json:"standby,omitempty"`
	MaxPublications int       `json:"max_publications,omitempty"`
	MaxViewers      int       `json:"max_viewers,omitempty"`
	MaxMembers      int       `json:"max_members,omitempty"`
	MaxBitrate      int       `json:"max_bitrate,omitempty"`
	ViewerLinger    int       `json:"viewer_linger_seconds,omitempty"`
	Lifetime        string    `json:"lifetime,omitempty"`
	Expires         time.Time `json:"expires,omitzero"`
	Password        *string   `json:"password,omitempty"`
	HasPassword     bool      `json:"has_password"`
}

func (h handlers) channels(c echo.Context) error {
	all, err := h.backend.Channels(c.Request().Context(), h.request(c))
	if err != nil {
		return err
	}
	for i := range all {
		h.address(c, all[i].Name, all[i].Publications)
	}
	return list(c, "channels", all, func(ch Channel) string { return ch.Name })
}

func (h handlers) channel(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	channel, err := h.backend.Channel(c.Request().Context(), h.request(c), p.Channel)
	if err != nil {
		return err
	}
	h.address(c, p.Channel, channel.Publications)
	return answer(c, http.StatusOK, channel)
}

func (h handlers) provision(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var wanted ChannelSettings
	if err := body(c, &wanted); err != nil {
		return err
	}
	if wanted.Password != nil && len(*wanted.Password) > maxPassword {
		return wrong("password", "must be at most %d bytes", maxPassword)
	}
	now, created, err := h.backend.Provision(c.Request().Context(), h.request(c), p.Channel, wanted)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		c.Response().Header().Set(echo.HeaderLocation, h.url(c, Prefix+"/channels/"+names.Join(p.Channel)))
	}
	return answer(c, status, now)
}

func (h handlers) disband(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	keep, err := flag(c, "keep")
	if err != nil {
		return err
	}
	return done(c, h.backend.Disband(c.Request().Context(), h.request(c), p.Channel, keep))
}

// flag reads true or false, or nothing, which is false.
func flag(c echo.Context, name string) (bool, error) {
	switch strings.ToLower(c.QueryParam(name)) {
	case "":
		return false, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errQuery.Because("The address says %s= and neither true nor false.", name)
}

// Cast names a publication.
type Cast struct {
	Participant string `json:"participant"`
	Source      string `json:"source,omitempty"`
}

// valid checks the names, and puts in the source that is meant when none is named.
func (c *Cast) valid() error {
	if c.Source == "" {
		c.Source = "main"
	}
	if err := names.Valid(c.Participant); err != nil {
		return err
	}
	return names.Valid(c.Source)
}

// Program is what a channel shows to players that did not ask for somebody: what is
// pinned, and whose picture and sound they get now. Each is nil for nobody.
type Program struct {
	Pinned *Cast `json:"pinned"`
	Video  *Cast `json:"video"`
	Audio  *Cast `json:"audio"`
}

func (h handlers) program(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	program, err := h.backend.Program(c.Request().Context(), h.request(c), p.Channel)
	if err != nil {
		return err
	}
	return answer(c, http.StatusOK, program)
}

func (h handlers) pin(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var cast Cast
	if err := body(c, &cast); err != nil {
		return err
	}
	if err := cast.valid(); err != nil {
		return err
	}
	if err := h.backend.Pin(c.Request().Context(), h.request(c), p.Channel, cast); err != nil {
		return err
	}
	return answer(c, http.StatusOK, cast)
}

func (h handlers) unpin(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	return done(c, h.backend.Pin(c.Request().Context(), h.request(c), p.Channel, Cast{}))
}
