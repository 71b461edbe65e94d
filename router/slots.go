package router

import (
	"slices"
	"time"
)

// Filling is who fills a slot, and how much that matters above its lowest layer
// when the path is narrow: the higher Priority comes first, 0 for everybody else.
type Filling struct {
	Cast
	Priority int
}

// Fill says who fills the slots of a viewer that was attached with
// AttachRequest.Slots, by slot; those beyond the list are empty. A publication that
// is not on air, or that a section cannot play, leaves its section empty until that
// changes. The list is copied.
func (a *Attachment) Fill(now time.Time, slots []Filling) {
	a.router.mu.Lock()
	defer a.router.mu.Unlock()
	if a.over || slices.Equal(a.slots, slots) {
		return
	}
	a.slots = slices.Clone(slots)
	a.resolve(now) // ends nobody: what cannot be played is not shown
	for i := range a.req.Slots {
		a.prioritise(i, a.filling(i).Priority)
	}
}

// filling is what fills the slot of a section.
func (a *Attachment) filling(section int) Filling {
	if slot := a.req.Slots[section]; slot < len(a.slots) {
		return a.slots[slot]
	}
	return Filling{}
}

// inSlot is the publication that fills a section of a viewer with slots, if it has
// something that can be sent there.
func (a *Attachment) inSlot(section int) *publication {
	pub := a.channel.publications[publicationKey(a.filling(section).Cast)]
	if pub == nil || !pub.onAir() {
		return nil
	}
	if codec, ok := pub.codecs()[a.req.Kinds[section]]; !ok || !a.req.Viewer.Plays(section, codec) {
		return nil
	}
	return pub
}

func (a *Attachment) prioritise(section, priority int) {
	if a.priorities[section] == priority {
		return
	}
	a.priorities[section] = priority
	viewer := a.req.Viewer
	a.req.Worker.Do(func(now time.Time, s *Shard, out *Out) { s.Prioritise(now, viewer, section, priority, out) })
}

// Playable tells whether the sections of a slot negotiated the codecs of what is
// published there now. What nobody sends, and what the slot has no section for, is no
// obstacle.
func (a *Attachment) Playable(slot int, c Cast) (sound, picture bool) {
	a.router.mu.Lock()
	defer a.router.mu.Unlock()
	pub := a.channel.publications[publicationKey(c)]
	playable := [...]bool{Audio: true, Video: true}
	for i, s := range a.req.Slots {
		if pub == nil || s != slot {
			continue
		}
		kind := a.req.Kinds[i]
		if codec, sent := pub.codecs()[kind]; sent && !a.req.Viewer.Plays(i, codec) {
			playable[kind] = false
		}
	}
	return playable[Audio], playable[Video]
}

// Prioritise says how much a section of v matters above its lowest layer; see Filling.
func (s *Shard) Prioritise(now time.Time, v *Viewer, section, priority int, out *Out) {
	if _, ok := s.viewers[v]; !ok || section < 0 || section >= len(v.sections) {
		return
	}
	v.sections[section].priority = priority
	v.allocate(now, out)
	v.flush(now)
	s.settle()
}
