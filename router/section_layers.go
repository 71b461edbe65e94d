package router

import (
	"slices"
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
	d := bwe.Demand{Audio: s.cfg.Kind == Audio, Hidden: s.selection.Hidden, Priority: s.priority, Current: bwe.Paused}
	if s.want == nil {
		return d
	}
	s.offer(&s.selection)
	if len(s.options) == 0 {
		s.offerSmallest()
	}
	trusted := slices.ContainsFunc(s.options, func(o option) bool { return o.layer.health.trusted(now) })
	for i, o := range s.options {
		if o.layer == s.aimed() && o.reach == s.thin.goal {
			d.Current = i
		}
		s.steps = append(s.steps, bwe.Step{Bits: o.bits(now, trusted && o.layer != s.cur)})
	}
	d.Steps = s.steps
	return d
}

// offer makes options of what a selection leaves.
func (s *section) offer(sel *Selection) {
	for _, l := range s.want.layers {
		if s.may(l, sel) {
			s.addOptions(l, sel)
		}
	}
}

func (s *section) may(l *trackLayer, sel *Selection) bool {
	return s.viewer.plays(s, l.layer.Codec()) && (sel.RID == "" || sel.RID == l.layer.rid)
}

// offerSmallest is for a selection that nothing there fits: an encoding that is gone,
// or too small a picture.
func (s *section) offerSmallest() {
	sel := s.selection
	if !slices.ContainsFunc(s.want.layers, func(l *trackLayer) bool { return s.may(l, &sel) }) {
		sel.RID = ""
		s.offer(&sel)
	}
	sel.MaxWidth, sel.MaxHeight, sel.Spatial = 0, 0, 0
	for _, l := range s.want.layers {
		if len(s.options) == 0 && s.may(l, &sel) {
			s.addOptions(l, &sel)
		}
	}
}

// addOptions adds a layer, and what of its scalability layers may be left out: spatial
// layers from the top, and of each down to half the pictures, of the lowest down to
// the fewest. A quarter of the pictures is worse than smaller ones.
func (s *section) addOptions(l *trackLayer, sel *Selection) {
	top := l.layer.Temporal()
	least, most := choice(top, sel.Temporal, sel.MaxTemporal)
	low, high := choice(l.layer.Spatial(), sel.Spatial, sel.MaxSpatial)
	lowest := s.onlyLowest(l.layer)
	if lowest {
		low, high = 0, 0
	}
	for sid := low; sid <= high; sid++ {
		if w, h := l.layer.SizeUpTo(sid); !sel.fits(w, h) {
			return
		}
		from := least
		if len(s.options) > 0 {
			from = min(max(least, top-1), most)
		}
		for tid := from; tid <= most; tid++ {
			r := reachOf(l.layer, sid, tid)
			if lowest {
				r.spatial = 0
			}
			s.options = append(s.options, option{l, r})
		}
	}
}

// choice is what a selection leaves of the ids from 0 to top: one that is fixed, or all
// up to a bound. What is not there counts as the highest.
func choice(top, fixed, bound int) (from, to int) {
	if bound != Any {
		top = min(top, max(bound, 0))
	}
	if fixed != Any {
		top = min(max(fixed, 0), top)
		return top, top
	}
	return 0, top
}

// reachOf is the reach that ends with two ids; the highest ids there are leave
// nothing out.
func reachOf(l *Layer, sid, tid int) reach {
	r := wholeLayer
	if sid < l.Spatial() {
		r.spatial = uint8(sid)
	}
	if tid < l.Temporal() {
		r.temporal = uint8(tid)
	}
	return r
}

// bits is what sending it takes of the path, 0 while the layer is silent, or not
// to be trusted yet and there are others that are.
func (o option) bits(now time.Time, trustedOnly bool) int {
	h, l := &o.layer.health, o.layer.layer
	if !h.live() || trustedOnly && !h.trusted(now) {
		return 0
	}
	if n := l.WireRateUpTo(now, int(o.reach.spatial), int(o.reach.temporal)); n > 0 {
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
	case step == bwe.Paused && s.cfg.Kind == Video && s.givesUp(now):
		s.pause(now, out)
	default:
		if step != bwe.Paused {
			s.refusedAt = time.Time{}
		}
		o := s.options[max(step, 0)]
		s.unpause(now, pausedByAllocator)
		s.thin.goal = o.reach
		s.aim(now, o.layer, out)
		s.askToClimb(now)
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
