package whep

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
)

// selection is the body of a POST to the layer resource. Members that nobody knows
// are ignored; null counts as missing.
type selection struct {
	Media       *string `json:"mediaId"`
	RID         *string `json:"rid"`
	Spatial     *int    `json:"spatialLayerId"`
	Temporal    *int    `json:"temporalLayerId"`
	MaxSpatial  *int    `json:"maxSpatialLayerId"`
	MaxTemporal *int    `json:"maxTemporalLayerId"`
	MaxWidth    *int    `json:"maxWidth"`
	MaxHeight   *int    `json:"maxHeight"`
	oldSelection
}

// selectLayer is the POST: 200 if what is asked for can be sent. It replaces the
// selection before it, so one that fixes nothing leaves the choice to the gateway.
func (x *extensions) selectLayer(c echo.Context) error {
	body, err := x.cfg.JSON(c)
	if err != nil {
		return err
	}
	choice, refusal := parseSelection(body)
	if refusal != nil {
		return refusal
	}
	return x.choose(c, choice)
}

func (x *extensions) choose(c echo.Context, choice signaling.LayerChoice) error {
	choice.Request = x.cfg.Request(c)
	if err := x.backend.SelectLayer(c.Request().Context(), sessionOf(c, layerPath), choice); err != nil {
		return err
	}
	wish.NoStore(c.Response().Header())
	return c.NoContent(http.StatusOK)
}

// parseSelection reads the body of a POST.
func parseSelection(body []byte) (signaling.LayerChoice, *fault.Error) {
	var s *selection
	if err := json.Unmarshal(body, &s); err != nil || s == nil {
		return signaling.LayerChoice{}, errSelection
	}
	choice := automatic()
	if s.Media != nil {
		index, err := strconv.ParseUint(*s.Media, 10, 8)
		if err != nil {
			return choice, errSelection.Because("mediaId must be the number of a media section as a text, such as \"0\".")
		}
		choice.Media = int(index)
	}
	if rid := s.rid(); rid != nil {
		choice.RID = *rid
	}
	for to, value := range map[*int]*int{
		&choice.Spatial: s.Spatial, &choice.Temporal: s.Temporal, &choice.MaxSpatial: s.MaxSpatial, &choice.MaxTemporal: s.MaxTemporal,
		&choice.MaxWidth: s.MaxWidth, &choice.MaxHeight: s.MaxHeight,
	} {
		if value == nil {
			continue
		}
		if *value < 0 {
			return choice, errSelection
		}
		*to = *value
	}
	return choice, nil
}

// automatic leaves everything to the gateway.
func automatic() signaling.LayerChoice {
	return signaling.LayerChoice{
		Media: -1, Spatial: signaling.AnyLayer, Temporal: signaling.AnyLayer,
		MaxSpatial: signaling.AnyLayer, MaxTemporal: signaling.AnyLayer,
	}
}
