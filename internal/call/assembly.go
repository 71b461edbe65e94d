package call

import (
	"time"

	"github.com/headgate/headgate/router"
)

// The priorities of what fills a slot, where not all of it can be sent in full.
const (
	prioritySpeaker = 1 + iota
	priorityScreen
	priorityPinned
)

// sourceScreen is the source of a shared screen; sourceMain is what an address
// without a source names.
const (
	sourceScreen = "screen"
	sourceCamera = "camera"
	sourceMain   = "main"
)

// candidate is a publication on air that may fill slots.
type candidate struct {
	router.Cast
	// picture and sound tell what there is of it, and is not muted.
	picture, sound bool
	since          time.Time
	// quiet is since when its participant has said nothing.
	quiet time.Time
	// speaking tells that its sound is somebody who speaks, heard that it is the one
	// whom all hear.
	speaking, heard bool
	// unplayable tells that the viewer in hand can take nothing of it.
	unplayable bool
}

// assembly is all that may fill slots in a channel, the longest live first. One
// goroutine at a time uses it.
type assembly struct {
	list  []candidate
	index map[router.Cast]int
	// slot is where each is with the viewer in hand: its number + 1, or 0.
	slot []int
}

func newAssembly(list []candidate) *assembly {
	a := &assembly{list: list, index: make(map[router.Cast]int, len(list)), slot: make([]int, len(list))}
	for i, c := range list {
		a.index[c.Cast] = i
	}
	return a
}

// find is the place of a publication in the list, -1 for one that is not there.
func (a *assembly) find(c router.Cast) int {
	if i, ok := a.index[c]; ok {
		return i
	}
	return -1
}

// resolve decides the source of a pin without one: main, else what the participant
// has been sending longest, with a picture if there is any. It stays undecided while
// nothing is there.
func (a *assembly) resolve(pin router.Cast) router.Cast {
	if a.find(orMain(pin)) >= 0 {
		return orMain(pin)
	}
	for i := range a.list {
		c := &a.list[i]
		if c.Participant != pin.Participant {
			continue
		}
		if c.picture {
			return c.Cast
		}
		if pin.Source == "" {
			pin = c.Cast
		}
	}
	return pin
}

// orMain is c with a source.
func orMain(c router.Cast) router.Cast {
	if c.Source == "" {
		c.Source = sourceMain
	}
	return c
}
