package router

import (
	"time"

	"github.com/headgate/headgate/internal/bwe"
)

// option is one thing a section may be sent: a layer of the track it shows, or a
// part of one.
type option struct {
	layer *trackLayer
	reach reach
}

// demand says what the section may be sent now, for the allocator. Its options
// keep their places as long as the track keeps its layers.
func (s *section) demand(now time.Time) bwe.Demand {
	s.options, s.steps = s.options[:0], s.steps[:0]
	d := bwe.Demand{Audio: s.cfg.Kind == Audio, Hidden: s.selection.Hidden, Current: bwe.Paused}
	if s.want == nil {
		return d
	}
	trusted := false
	for _, l := range s.want.layers {
		if s.viewer.plays(s, l.layer.Codec()) && s.selection.admits(l.layer) {
			s.addOptions(l)
			trusted = trusted || l.health.trusted(now)
		}
	}
	if len(s.options) == 0 {
		s.addSmallest()
	}
	for i, o := range s.options {
		if o.layer == s.aimed() && o.reach == s.thin.goal {
			d.Current = i
		}
		s.steps = append(s.steps, bwe.Step{Bits: o.bits(now, trusted && o.layer != s.cur)})
	}
	d.Steps = s.steps
	return d
}

// addOptions adds a layer, and what of its temporal layers may be left out: down
// to half the pictures, of the lowest layer down to the fewest. A quarter of the
// pictures is worse than smaller ones.
func (s *section) addOptions(l *trackLayer) {
	top := l.layer.Temporal()
	from := max(top-1, 0)
	if len(s.options) == 0 {
		from = 0
	}
	sel := &s.selection
	if sel.MaxTemporal != Any {
		top = min(top, max(sel.MaxTemporal, 0))
	}
	if sel.Temporal != Any {
		from, top = min(max(sel.Temporal, 0), top), min(max(sel.Temporal, 0), top)
	}
	for id := min(from, top); id <= top; id++ {
		r := wholeLayer
		if id < l.layer.Temporal() {
			r.temporal = uint8(id)
		}
		s.options = append(s.options, option{l, r})
	}
}

// addSmallest is for a selection that nothing there fits: too small a picture, or
// an encoding that is gone.
func (s *section) addSmallest() {
	for _, l := range s.want.layers {
		if s.viewer.plays(s, l.layer.Codec()) {
			s.options = append(s.options, option{l, wholeLayer})
			if s.selection.RID == "" { // the lowest: bounded by size
				return
			}
		}
	}
}

// bits is what sending it takes of the path, 0 while the layer is silent, or not
// to be trusted yet and there are others that are.
func (o option) bits(now time.Time, trustedOnly bool) int {
	h, l := &o.layer.health, o.layer.layer
	if !h.live() || trustedOnly && !h.trusted(now) {
		return 0
	}
	if n := l.WireRateUpTo(now, int(o.reach.temporal)); n > 0 {
		return n
	}
	return max(l.Bitrate(now), 1) // it has only just started
}

// aimed is the layer that the section is on its way to, or sends.
func (s *section) aimed() *trackLayer {
	if s.target != nil {
		return s.target
	}
	return s.cur
}

// grant carries out what the allocator has decided: step is the index of an
// option, or bwe.Paused.
func (s *section) grant(now time.Time, step int, out *Out) {
	switch {
	case s.want == nil:
	case s.selection.Hidden:
		s.hide(now, out)
	case len(s.want.layers) == 0: // what is shown goes on until there is media
		s.aim(now, nil, out)
	case len(s.options) == 0:
		s.hide(now, out)
	case !s.anyLive():
		s.keepAim(now, out)
	case step == bwe.Paused && !s.onlyLayer() && s.cfg.Kind == Video && s.givesUp(now):
		s.pause(now, out)
	default:
		if step != bwe.Paused {
			s.refusedAt = time.Time{}
		}
		o := s.options[max(step, 0)]
		s.unpause(now, pausedByAllocator)
		s.thin.goal = o.reach
		s.aim(now, o.layer, out)
	}
}

// onlyLayer tells that there is nothing smaller to be sent instead.
func (s *section) onlyLayer() bool { return len(s.options) == 1 }

func (s *section) anyLive() bool {
	for _, step := range s.steps {
		if step.Bits > 0 {
			return true
		}
	}
	return false
}

// keepAim stays with what the section shows of a track that is silent; the highest
// is as good as any other where it shows nothing yet.
func (s *section) keepAim(now time.Time, out *Out) {
	for _, o := range s.options {
		if o.layer == s.aimed() {
			return
		}
	}
	s.aim(now, s.options[len(s.options)-1].layer, out)
}
