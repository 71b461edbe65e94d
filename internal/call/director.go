package call

import (
	"sync"
	"time"

	"github.com/headgate/headgate/router"
)

// director decides what channels show: their programs and the slots of their viewers.
type director struct {
	measurer *measurer
	// woken asks the loop to look at once, at the stages that have changed.
	woken chan struct{}

	// mu guards what follows. Nothing else is locked while it is held.
	mu      sync.Mutex
	stages  map[string]*stage
	changed map[string]bool
}

func newDirector(now func() time.Time) *director {
	return &director{
		measurer: newMeasurer(now), woken: make(chan struct{}, 1),
		stages: make(map[string]*stage), changed: make(map[string]bool),
	}
}

// stir asks for a look at a channel where something has changed: publications, mutes,
// settings. It returns at once, whatever locks are held.
func (d *director) stir(channel string) {
	d.mu.Lock()
	d.changed[channel] = true
	d.mu.Unlock()
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// takeChanged returns the channels that were stirred.
func (d *director) takeChanged() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]string, 0, len(d.changed))
	for name := range d.changed {
		list = append(list, name)
	}
	clear(d.changed)
	return list
}

// all are the stages there are.
func (d *director) all() []*stage {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*stage, 0, len(d.stages))
	for _, st := range d.stages {
		list = append(list, st)
	}
	return list
}

// lockStage locks the stage of a channel, made if need be. unlockStage comes next.
func (s *Service) lockStage(channel string) *stage {
	d := s.director
	for {
		d.mu.Lock()
		st := d.stages[channel]
		if st == nil {
			st = newStage(s, channel)
			d.stages[channel] = st
		}
		d.mu.Unlock()
		st.mu.Lock()
		if !st.over {
			return st
		}
		st.mu.Unlock() // it was dropped meanwhile
	}
}

// unlockStage unlocks a stage, and drops it if there is nothing to direct.
func (s *Service) unlockStage(st *stage) {
	defer st.mu.Unlock()
	if st.kind == Call && len(st.voices) > 0 || len(st.seats) > 0 || st.pinned != (router.Cast{}) {
		return
	}
	st.over = true
	s.director.mu.Lock()
	defer s.director.mu.Unlock()
	delete(s.director.stages, st.channel)
}

// react looks at the channels where something has changed. It is called as soon as
// that happened.
func (s *Service) react(now time.Time) {
	for _, channel := range s.director.takeChanged() {
		st := s.lockStage(channel)
		st.refresh(now)
		st.direct(now)
		s.unlockStage(st)
	}
}

// listen looks who speaks. It is called every 100 ms.
func (s *Service) listen(now time.Time) {
	var silent []*router.Track
	for _, st := range s.director.all() {
		st.mu.Lock()
		if !st.over {
			silent = st.listen(now, silent)
			s.unlockStage(st)
			continue
		}
		st.mu.Unlock()
	}
	s.director.measurer.keep(silent)
}
