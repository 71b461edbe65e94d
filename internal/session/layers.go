package session

import (
	"context"
	"slices"
	"time"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// SelectLayer changes what a viewer is sent in a section of video. What nobody sends
// is refused; where nobody publishes, everything is taken, and what does not fit then
// is ignored.
//
// Errors wrap router.ErrNoLayer, ErrNoExtensions and those of authorised requests.
func (s *Service) SelectLayer(ctx context.Context, session string, choice signaling.LayerChoice) error {
	v, err := s.viewer(ctx, session, choice.Request)
	if err != nil {
		return err
	}
	v.sess.negotiation.Lock() // the sections may be about to be agreed on
	defer v.sess.negotiation.Unlock()
	section, err := v.section(choice.Media)
	if err != nil {
		return err
	}
	sel := router.Selection{
		RID: choice.RID, Spatial: choice.Spatial, Temporal: choice.Temporal,
		MaxSpatial: choice.MaxSpatial, MaxTemporal: choice.MaxTemporal,
		MaxWidth: choice.MaxWidth, MaxHeight: choice.MaxHeight,
		Hidden: v.selections[section].Hidden, // which only a slot is told
	}
	if err := v.choose(section, sel); err != nil {
		return err
	}
	v.selections[section] = sel
	return nil
}

// section is the viewer's section of video with this index of its m= line; negative
// is the first.
func (v *viewing) section(media int) (int, error) {
	for i, kind := range v.kinds {
		if kind == router.Video && (media < 0 || v.media[i] == media) {
			return i, nil
		}
	}
	if media < 0 {
		return 0, router.ErrNoLayer.Because("This session has no video.")
	}
	return 0, router.ErrNoLayer.Because("The media section %d of this session is not one of video.", media)
}

func (v *viewing) choose(section int, sel router.Selection) error {
	if a := v.attachment.Load(); a != nil {
		return a.Select(section, sel)
	}
	if v.seat == nil {
		if err := v.sess.service.parts.Router.CanSelect(v.sess.place.Channel, v.selector, v.self, sel); err != nil {
			return err
		}
	}
	v.demand(section, sel)
	return nil
}

// demand selects without asking whether there is such a thing.
func (v *viewing) demand(section int, sel router.Selection) {
	client := v.client.Load()
	client.Worker().Do(func(now time.Time, s *router.Shard, out *router.Out) {
		s.Select(now, client.Viewer(), section, sel, out)
	})
}

// mediaLines are the indexes of the m= lines of a viewer's sections, by section.
func mediaLines(plan *negotiate.Plan, sections []router.SectionConfig) (lines []int) {
	for _, sec := range sections {
		i := slices.IndexFunc(plan.Sections, func(s negotiate.Section) bool { return s.Mid == sec.Mid })
		lines = append(lines, plan.Sections[i].Index)
	}
	return lines
}

// look tells the viewer's event streams what changed since the last time.
func (v *viewing) look(now time.Time) {
	v.audience.show(now, v.sess.service.parts.Router.Viewers(v.sess.place.Channel), v.layers(now))
}

// layers are what the viewer may select from; nil before it is connected. What has no
// name cannot be selected and is left out.
func (v *viewing) layers(now time.Time) (all signaling.Layers) {
	a := v.attachment.Load()
	if a == nil {
		return nil
	}
	for i, state := range a.Sections(now) {
		if state.Kind != router.Video {
			continue
		}
		section := signaling.SectionLayers{Media: v.media[i]}
		for _, l := range state.Layers {
			if l.RID == "" && l.Spatial == router.Any && l.Temporal == router.Any {
				continue
			}
			section.Layers = append(section.Layers, signaling.Layer{
				RID: l.RID, Spatial: l.Spatial, Temporal: l.Temporal, Bits: l.Bits, Width: l.Width, Height: l.Height, Sent: l.Sent,
			})
		}
		all = append(all, section)
	}
	return all
}
