package session

import (
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/events"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// layersEvery is how often the layers are told even if only their rates changed.
const layersEvery = 5 * time.Second

// audience are the event streams of one viewer's session, and the state they tell
// of. It is safe for concurrent use. Its lock may be taken with the router's held
// and has only logs beneath it: nothing of the router is called with it.
type audience struct {
	mu      sync.Mutex
	streams map[string]*stream // by secret
	over    bool

	// member is told what goes to the member stream of the viewer, nil for nobody.
	// It must not call back.
	member func(name string, data any)

	live     bool
	greeted  bool            // the member was told what held at first
	more     bool            // a new session would get a kind that this one lacks
	slots    signaling.Slots // nil without
	viewers  int
	layers   signaling.Layers // nil while nothing is known of them
	layersAt time.Time        // when they were told last
}

// stream is what one client asked to be told.
type stream struct {
	log   *events.Log
	names []string
	// begun tells that somebody has read it; until then all of it waits.
	begun  bool
	reader *events.Reader // nil for nobody
	unread time.Time      // since then, while there is no reader
}

func (s *stream) tell(name string, data any) {
	if slices.Contains(s.names, name) {
		s.log.Tell(name, data)
	}
}

func (a *audience) tell(name string, data any) {
	for _, s := range a.streams {
		s.tell(name, data)
	}
}

// tellAll tells the member stream too.
func (a *audience) tellAll(name string, data any) {
	a.tell(name, data)
	a.tellMember(name, data)
}

func (a *audience) tellMember(name string, data any) {
	if a.member != nil && !a.over {
		a.member(name, data)
	}
}

// setSlots tells who is in the slots.
func (a *audience) setSlots(slots signaling.Slots) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Equal(a.slots, slots) {
		return
	}
	a.slots = slots
	a.tellAll(signaling.EventSlots, slots)
}

// admit adds a stream, which begins with the state of now.
func (a *audience) admit(now time.Time, secret string, names []string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.over:
		return ErrUnknown
	case len(a.streams) >= maxStreams:
		return ErrStreams
	case a.streams == nil:
		a.streams = make(map[string]*stream)
	}
	s := &stream{log: events.NewLog(streamKeeps), names: names, unread: now}
	for _, e := range a.state() {
		s.tell(e.Name, e.Data)
	}
	a.streams[secret] = s
	return nil
}

// state is what holds now. That nobody publishes is not told: a stream must not
// begin with inactive.
func (a *audience) state() (state []events.Event) {
	if a.live {
		state = append(state, events.Event{Name: signaling.EventActive})
	}
	if a.more {
		state = append(state, events.Event{Name: signaling.EventReconnect})
	}
	if a.viewers > 0 {
		state = append(state, events.Event{Name: signaling.EventViewerCount, Data: a.viewers})
	}
	if a.slots != nil {
		state = append(state, events.Event{Name: signaling.EventSlots, Data: a.slots})
	}
	if a.layers != nil {
		state = append(state, events.Event{Name: signaling.EventLayers, Data: a.layers})
	}
	return state
}

// open makes reader the one of a stream.
func (a *audience) open(secret, lastID string) (*events.Reader, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.streams[secret]
	if s == nil {
		return nil, false
	}
	if s.reader != nil {
		s.reader.Close()
	}
	if !s.begun {
		lastID = s.log.Start()
	}
	s.reader, s.begun = s.log.Open(lastID, s.wanted(a.state())), true
	return s.reader, true
}

func (s *stream) wanted(state []events.Event) []events.Event {
	return slices.DeleteFunc(state, func(e events.Event) bool { return !slices.Contains(s.names, e.Name) })
}

// left notes that a reader has gone, unless another one took its place.
func (a *audience) left(now time.Time, secret string, reader *events.Reader) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.streams[secret]; s != nil && s.reader == reader {
		s.reader, s.unread = nil, now
	}
}

func (a *audience) dismiss(secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.streams[secret]; s != nil {
		s.log.End()
		delete(a.streams, secret)
	}
}

// expire ends the streams that were unread for too long and returns their secrets.
func (a *audience) expire(now time.Time) (secrets []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for secret, s := range a.streams {
		if s.reader == nil && now.Sub(s.unread) >= streamUnread {
			s.log.End()
			delete(a.streams, secret)
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// end tells readers to reconnect, or nothing, and ends every stream. There are none
// afterwards.
func (a *audience) end(reconnect bool) (secrets []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	if reconnect {
		a.tell(signaling.EventReconnect, nil)
	}
	for secret, s := range a.streams {
		s.log.End()
		secrets = append(secrets, secret)
	}
	a.streams = nil
	return secrets
}

// comeAgain tells whether a new session would go on where this one ended.
func comeAgain(reason *fault.Error) bool {
	return reason.Is(router.ErrCodecChanged) || reason.Is(errShutdown)
}

// setLive is told by the router whether there is something to see, with its lock
// held.
func (a *audience) setLive(live bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := signaling.EventInactive
	if live {
		name = signaling.EventActive
	}
	switch {
	case live != a.live:
		a.tellAll(name, nil)
	case live && !a.greeted: // streams begin with it, a member's began before
		a.tellMember(name, nil)
	}
	a.live, a.greeted = live, true
}

// setMore is told by the router, as setLive is, whether a new session would get a kind
// that this one has no section for.
func (a *audience) setMore(more bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.more = more
	if more {
		a.tell(signaling.EventReconnect, nil)
	}
}

// show tells what is different from the last time.
func (a *audience) show(now time.Time, viewers int, layers signaling.Layers) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if viewers != a.viewers {
		a.viewers = viewers
		a.tell(signaling.EventViewerCount, viewers)
	}
	due := now.Sub(a.layersAt) >= layersEvery && anything(layers)
	if changed := !slices.EqualFunc(layers, a.layers, alike); !changed && !due {
		return
	}
	a.layers, a.layersAt = layers, now
	if layers != nil {
		a.tellAll(signaling.EventLayers, layers)
	}
}

func anything(layers signaling.Layers) bool {
	return slices.ContainsFunc(layers, func(s signaling.SectionLayers) bool { return len(s.Layers) > 0 })
}

// alike compares everything but rates, of which it counts only whether there is one.
func alike(a, b signaling.SectionLayers) bool {
	return a.Media == b.Media && slices.EqualFunc(a.Layers, b.Layers, func(x, y signaling.Layer) bool {
		if (x.Bits == 0) != (y.Bits == 0) {
			return false
		}
		x.Bits, y.Bits = 0, 0
		return x == y
	})
}
