package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/names"
)

var errPublicationUnknown = fault.New(fault.NotFound, "publication-unknown",
	"There is no such publication in this channel; the list of publications has those there are.")

// Publication is a publication as the API tells it. Session is the public id of
// the session that is on air, Standbys are those that are kept warm, the first in
// line first. Video and Audio are codec names; Width and Height are in pixels, left
// out while unknown.
type Publication struct {
	Participant string   `json:"participant"`
	Source      string   `json:"source"`
	State       string   `json:"state"`
	Session     string   `json:"session,omitempty"`
	Standbys    []string `json:"standbys,omitempty"`
	Video       string   `json:"video,omitempty"`
	Audio       string   `json:"audio,omitempty"`
	Width       int      `json:"width,omitempty"`
	Height      int      `json:"height,omitempty"`
	// Layers are those of simulcast that come, lowest first.
	Layers []Layer `json:"layers,omitempty"`
	// WHEP is the absolute address to play it at.
	WHEP  string `json:"whep"`
	Muted Muted  `json:"muted"`
	// SelfMuted is what its holder says is off.
	SelfMuted Muted `json:"self_muted"`
	// LiveSince is left out while nothing comes.
	LiveSince time.Time `json:"live_since,omitzero"`
}

// Layer is one encoding of a picture as the API tells it. Width and Height are in
// pixels, left out while unknown; Bits are 0 while nothing of it comes.
type Layer struct {
	RID    string `json:"rid"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
	Bits   int    `json:"bits_per_second"`
}

// Muted is what of a publication the server does not pass on.
type Muted struct {
	Audio bool `json:"audio"`
	Video bool `json:"video"`
}

// address puts in where publications are played.
func (h handlers) address(c echo.Context, channel string, publications []Publication) {
	for i, p := range publications {
		publications[i].WHEP = h.url(c, "/whep/"+names.Join(channel, p.Participant, p.Source))
	}
}

// publicationKey orders publications by participant and source: no name has a NUL.
func publicationKey(p Publication) string { return p.Participant + "\x00" + p.Source }

func (h handlers) publications(c echo.Context) error {
	p, all, err := inPlace(h, c, h.backend.Publications)
	if err != nil {
		return err
	}
	h.address(c, p.Channel, all)
	return list(c, "publications", all, publicationKey)
}

func (h handlers) publication(c echo.Context) error {
	p, all, err := inPlace(h, c, h.backend.Publications)
	if err != nil {
		return err
	}
	h.address(c, p.Channel, all)
	for _, one := range all {
		if one.Participant == p.Participant && one.Source == p.Source {
			return answer(c, http.StatusOK, one)
		}
	}
	return errPublicationUnknown
}

func (h handlers) endPublication(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	return done(c, h.backend.EndPublication(c.Request().Context(), h.request(c), p.Channel, Cast{p.Participant, p.Source}))
}

func (h handlers) mute(c echo.Context) error   { return h.setMuted(c, h.backend.Mute) }
func (h handlers) unmute(c echo.Context) error { return h.clearMuted(c, h.backend.Mute) }

func (h handlers) muteSelf(c echo.Context) error   { return h.setMuted(c, h.backend.MuteSelf) }
func (h handlers) unmuteSelf(c echo.Context) error { return h.clearMuted(c, h.backend.MuteSelf) }

// muting makes of a publication muted what m says, and nothing else.
type muting func(ctx context.Context, r Request, channel string, c Cast, m Muted) error

func (h handlers) setMuted(c echo.Context, mute muting) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	var m Muted
	if err := body(c, &m); err != nil {
		return err
	}
	if err := mute(c.Request().Context(), h.request(c), p.Channel, Cast{p.Participant, p.Source}, m); err != nil {
		return err
	}
	return answer(c, http.StatusOK, m)
}

func (h handlers) clearMuted(c echo.Context, mute muting) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	return done(c, mute(c.Request().Context(), h.request(c), p.Channel, Cast{p.Participant, p.Source}, Muted{}))
}

// Viewer is a WHEP session of a channel. Slots is how many it has, 0 for a plain
// one.
type Viewer struct {
	ID          string    `json:"id"`
	Participant string    `json:"participant,omitempty"`
	Started     time.Time `json:"started"`
	Connected   bool      `json:"connected"`
	Slots       int       `json:"slots"`
}

func (h handlers) viewers(c echo.Context) error {
	_, all, err := inPlace(h, c, h.backend.Viewers)
	if err != nil {
		return err
	}
	return list(c, "viewers", all, func(v Viewer) string { return v.ID })
}

func (h handlers) endViewer(c echo.Context) error {
	p, err := place(c)
	if err != nil {
		return err
	}
	return done(c, h.backend.EndViewer(c.Request().Context(), h.request(c), p.Channel, segment(c, "id")))
}
