package call

import (
	"slices"

	"github.com/headgate/headgate/router"
)

// seating is who fills the slots of one viewer. It is pure: what is there goes in, the
// slots come out.
//
// Whoever is in a slot stays there while he is on air. The rules, the first ones
// first: a pin holds its slot, whether the publication is there or not; nobody sees
// himself; somebody who speaks, and is not seen and heard as well as the slots allow,
// takes an empty slot or that of whoever has been silent longest and does not speak;
// empty slots go to the longest live; pictures come before sound without one. A picture
// that the viewer cannot decode is none: its sound is heard all the same.
type seating struct {
	self, only   string
	audio, video int
	playable     func(slot int, c router.Cast) (sound, picture bool)
	seats        []chair
}

// chair is one slot.
type chair struct {
	cast   router.Cast // zero for nobody
	pinned bool
	// pin is what was asked for; without a source until that is decided.
	pin        router.Cast
	unplayable bool
}

func newSeating(self, only string, audio, video int, playable func(int, router.Cast) (sound, picture bool)) *seating {
	return &seating{self: self, only: only, audio: audio, video: video, playable: playable, seats: make([]chair, max(audio, video))}
}

// arrange fills the slots anew.
func (t *seating) arrange(a *assembly) {
	clear(a.slot)
	all := a
	a = t.asPlayed(a)
	t.stay(a)
	t.honour(a)
	for i := range a.list {
		if a.list[i].speaking {
			t.seatSpeaker(a, i)
		}
	}
	t.fill(a)
	if t.preferPictures(a) {
		t.fill(a)
	}
	t.judge(all)
}

// asPlayed is the assembly without what no slot of the viewer can take; it is the same
// one where that is nothing.
func (t *seating) asPlayed(a *assembly) *assembly {
	played := a
	for i := range a.list {
		c := a.list[i]
		if !t.admits(c.Cast) {
			continue
		}
		sound, picture := t.takesSomewhere(c.Cast)
		if (sound || picture) && (sound || !c.sound) && (picture || !c.picture) {
			continue
		}
		if played == a {
			played = &assembly{list: slices.Clone(a.list), index: a.index, slot: a.slot}
		}
		c.sound, c.picture = c.sound && sound, c.picture && picture
		c.unplayable = !c.sound && !c.picture
		played.list[i] = c
	}
	return played
}

// takesSomewhere tells whether any slot can take the sound of a publication, and
// whether any can take its picture.
func (t *seating) takesSomewhere(c router.Cast) (sound, picture bool) {
	for n := range t.seats {
		heard, seen := t.playable(n, c)
		sound, picture = sound || heard, picture || seen
		if sound && picture {
			break
		}
	}
	return sound, picture
}

// judge notes of every slot whether it lacks the codec of what is in it.
func (t *seating) judge(a *assembly) {
	for n := range t.seats {
		s := &t.seats[n]
		s.unplayable = false
		if i := a.find(s.cast); i >= 0 {
			c := &a.list[i]
			sound, picture := t.playable(n, c.Cast)
			s.unplayable = c.picture && n < t.video && !picture || !c.picture && c.sound && !sound
		}
	}
}

// stay keeps those where they are who may be there.
func (t *seating) stay(a *assembly) {
	for n := range t.seats {
		s := &t.seats[n]
		i := a.find(s.cast)
		switch {
		case i >= 0 && (s.pinned || t.may(n, &a.list[i])):
			a.slot[i] = n + 1
		case !s.pinned:
			s.cast = router.Cast{}
		}
	}
}

// may tells whether a publication may be in a slot.
func (t *seating) may(n int, c *candidate) bool {
	if c.unplayable || !t.admits(c.Cast) {
		return false
	}
	sound, picture := t.playable(n, c.Cast)
	return (sound || !c.sound) && (picture || !c.picture)
}

// admits tells whether a publication is for this viewer at all.
func (t *seating) admits(c router.Cast) bool {
	return (t.self == "" || c.Participant != t.self) && (t.only == "" || c.Participant == t.only)
}

// honour puts the pinned where they are pinned. Whoever was there changes places with
// them, if they had one.
func (t *seating) honour(a *assembly) {
	for n := range t.seats {
		s := &t.seats[n]
		if !s.pinned {
			continue
		}
		if s.pin.Source == "" {
			if s.pin = a.resolve(s.pin); t.pinnedTwice(n) {
				if t.unpin(n); a.find(s.cast) < 0 {
					s.cast = router.Cast{}
				}
				continue
			}
		}
		want := orMain(s.pin)
		if i := a.find(want); want != s.cast || i >= 0 && a.slot[i] != n+1 {
			t.put(a, n, want)
		}
	}
}

// put puts a publication, there or not, into a slot. Whoever was there goes where it
// was, if he may and has something to show there.
func (t *seating) put(a *assembly, n int, c router.Cast) {
	i, old := a.find(c), a.find(t.seats[n].cast)
	if old == i {
		old = -1
	}
	if old >= 0 {
		a.slot[old] = 0
	}
	if i >= 0 {
		if from := a.slot[i] - 1; from >= 0 && from != n {
			t.seats[from].cast = router.Cast{}
			if old >= 0 && t.worth(from, &a.list[old]) > 0 && t.may(from, &a.list[old]) {
				t.seats[from].cast, a.slot[old] = a.list[old].Cast, from+1
			}
		}
		a.slot[i] = n + 1
	}
	t.seats[n].cast = c
}

// worth is what of a publication a slot shows: 0 for nothing, sound counts for more
// than a picture.
func (t *seating) worth(n int, c *candidate) (worth int) {
	if c.sound && n < t.audio {
		worth += 2
	}
	if c.picture && n < t.video {
		worth++
	}
	return worth
}

// seatSpeaker finds a better slot for somebody who speaks, if there is one.
func (t *seating) seatSpeaker(a *assembly, i int) {
	c, now := &a.list[i], 0
	if at := a.slot[i] - 1; at >= 0 {
		if t.seats[at].pinned {
			return
		}
		now = t.worth(at, c)
	}
	best, most := -1, now
	for n := range t.seats {
		worth := t.worth(n, c)
		if worth < most || worth == now || !t.yields(a, n) {
			continue
		}
		if (best < 0 || worth > most || t.sooner(a, n, best)) && t.may(n, c) {
			best, most = n, worth
		}
	}
	if best >= 0 {
		t.put(a, best, c.Cast)
	}
}

// yields tells whether a speaker may take a slot.
func (t *seating) yields(a *assembly, n int) bool {
	if t.seats[n].pinned {
		return false
	}
	i := a.find(t.seats[n].cast)
	return i < 0 || !a.list[i].speaking
}

// sooner tells whether slot n is to be given up sooner than slot m: it is empty, or
// whoever is in it has been silent for longer.
func (t *seating) sooner(a *assembly, n, m int) bool {
	i, j := a.find(t.seats[n].cast), a.find(t.seats[m].cast)
	switch {
	case j < 0:
		return false // the first empty one
	case i < 0:
		return true
	}
	// Of two who said nothing since the same time the later one goes.
	return !a.list[i].quiet.After(a.list[j].quiet)
}

// fill gives empty slots to those who have none, the longest live first: slots with a
// picture to whoever is not seen, before those who are heard only.
func (t *seating) fill(a *assembly) {
	for n := range t.seats {
		if t.seats[n].pinned || t.seats[n].cast.Participant != "" {
			continue
		}
		if i := t.newcomer(a, n); i >= 0 {
			t.put(a, n, a.list[i].Cast)
		}
	}
}

// newcomer is who comes into an empty slot, -1 for nobody.
func (t *seating) newcomer(a *assembly, n int) int {
	found := -1
	for i := range a.list {
		c := &a.list[i]
		if a.slot[i] > 0 && !t.unseen(a, i, n) || t.worth(n, c) == 0 {
			continue
		}
		first := c.picture == (n < t.video) // the kind of publication this slot is for
		if (found < 0 || first) && t.may(n, c) {
			found = i
			if first {
				return i
			}
		}
	}
	return found
}

// unseen tells that a publication with a picture has no slot that shows it, and slot n
// would.
func (t *seating) unseen(a *assembly, i, n int) bool {
	at := a.slot[i] - 1
	return a.list[i].picture && n < t.video && (at < 0 || at >= t.video && !t.seats[at].pinned)
}

// preferPictures gives slots with a picture, whose publications have none and do not
// speak, to those that have one, and tells whether there were any.
func (t *seating) preferPictures(a *assembly) (any bool) {
	for i := range a.list {
		if !t.unseen(a, i, 0) {
			continue
		}
		best := -1
		for n := range t.video {
			j := a.find(t.seats[n].cast)
			if j < 0 || a.list[j].picture || !t.yields(a, n) {
				continue
			}
			if (best < 0 || t.sooner(a, n, best)) && t.may(n, &a.list[i]) {
				best = n
			}
		}
		if best >= 0 {
			t.put(a, best, a.list[i].Cast)
			any = true
		}
	}
	return any
}

// pin keeps a slot for a publication, that was kept another one for, perhaps.
func (t *seating) pin(n int, c router.Cast) {
	for i, s := range t.seats {
		if s.pinned && i != n && orMain(s.pin) == orMain(c) {
			t.unpin(i)
		}
	}
	t.seats[n].pinned, t.seats[n].pin = true, c
}

// pinnedTwice tells that another slot is kept for what this one is kept for.
func (t *seating) pinnedTwice(n int) bool {
	for i, s := range t.seats {
		if s.pinned && i != n && orMain(s.pin) == orMain(t.seats[n].pin) {
			return true
		}
	}
	return false
}

// unpin leaves a slot to the rules; whoever is in it stays.
func (t *seating) unpin(n int) {
	t.seats[n] = chair{cast: t.seats[n].cast}
}

// slots lists them.
func (t *seating) slots() []Slot {
	list := make([]Slot, len(t.seats))
	for n, s := range t.seats {
		list[n] = Slot{Index: n, Cast: s.cast, Pinned: s.pinned, Unplayable: s.unplayable}
	}
	return list
}

// fillings are the slots as the router is told them.
func (t *seating) fillings(a *assembly) []router.Filling {
	list := make([]router.Filling, len(t.seats))
	for n, s := range t.seats {
		list[n].Cast = s.cast
		i := a.find(s.cast)
		switch {
		case s.pinned:
			list[n].Priority = priorityPinned
		case s.cast.Source == sourceScreen:
			list[n].Priority = priorityScreen
		case i >= 0 && a.list[i].heard:
			list[n].Priority = prioritySpeaker
		}
	}
	return list
}
