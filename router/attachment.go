package router

import (
	"slices"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// Selector says what a viewer asked to see: the program of the channel when
// Participant is empty, any source of the participant when Source is.
type Selector struct{ Participant, Source string }

// Executor runs control functions in the goroutine that owns a Shard.
type Executor interface {
	// Do queues f and returns at once. Functions run in order.
	Do(f func(now time.Time, s *Shard, out *Out))
}

// AttachRequest connects a viewer that is ready for packets to what it asked for.
type AttachRequest struct {
	Channel  string
	Selector Selector
	Self     string
	// Viewer was added to its Shard through Worker already.
	Viewer *Viewer
	Worker Executor
	// Kinds are the kinds of the viewer's sections, by index.
	Kinds []Kind
	// Slots are the slots of the sections, by index; nil for a viewer that is fed by
	// its Selector. With slots, Fill says who is shown.
	Slots []int
	// End is called at most once when the router ends the viewer. It must not
	// block.
	End func(reason *fault.Error)
	// Notify is told whether there is something to see, which is not so while a
	// publisher is interrupted: when the viewer is attached, and whenever that
	// changes. It is called with the router's lock held: it must
	// return at once and must not call back. nil is allowed.
	Notify func(live bool)
	// Missing are the codecs of kinds that the viewer would take and has no section for,
	// because nobody sent any. Appeared is told, as Notify is, when something that is
	// live has one of them, and when that is no longer so.
	Missing  map[Kind][]string
	Appeared func(there bool)
}

// Attachment is a viewer's place in a channel.
type Attachment struct {
	router  *Router
	channel *channel
	req     AttachRequest
	// sources are the publishers that feed the sections, by index; nil for nobody.
	// fed are their tracks, nil also where they are muted.
	sources []*Publisher
	fed     []*Track
	// slots say who fills them, priorities what was told the sections; nil for a
	// viewer without slots.
	slots      []Filling
	priorities []int
	emptySince time.Time
	// live is what Notify was told, appeared what Appeared was.
	live, appeared bool
	over           bool
}

// Attach starts to feed a viewer. A viewer may be attached where nobody
// publishes; it is fed as soon as somebody does.
func (r *Router) Attach(now time.Time, req AttachRequest) (*Attachment, error) {
	a, ends, err := r.attach(now, req)
	for _, end := range ends {
		end()
	}
	return a, err
}

func (r *Router) attach(now time.Time, req AttachRequest) (*Attachment, []func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := r.channel(req.Channel)
	if err != nil {
		return nil, nil, err
	}
	n := len(req.Kinds)
	a := &Attachment{
		router: r, channel: c, req: req, emptySince: now,
		sources: make([]*Publisher, n), fed: make([]*Track, n), priorities: make([]int, n),
	}
	c.attachments[a] = struct{}{}
	ends := a.resolve(now)
	if !a.live {
		a.notify(false)
	}
	return a, ends, nil
}

// Detach ends the feeding. It may be called more than once.
func (a *Attachment) Detach() {
	a.router.mu.Lock()
	defer a.router.mu.Unlock()
	a.over = true
	delete(a.channel.attachments, a)
	a.router.forget(a.channel)
}

// resolve looks up what the viewer should see and switches to it. The router's lock
// is held.
func (a *Attachment) resolve(now time.Time) []func() {
	live := false
	wasEmpty := a.empty()
	for i := range a.req.Kinds {
		pub, refused := a.wanted(i)
		if refused {
			return a.endWith(ErrCodecChanged)
		}
		// An interrupted publication is not left at once, but its viewers are told.
		live = live || pub != nil && pub.state == Live
		a.feed(i, pub)
	}
	if live != a.live {
		a.live = live
		a.notify(live)
	}
	if appeared := a.hasMissing(); appeared != a.appeared {
		a.appeared = appeared
		a.req.Appeared(appeared)
	}
	if !wasEmpty && a.empty() {
		a.emptySince = now
	}
	return nil
}

// hasMissing tells whether a new session would get more than this one.
func (a *Attachment) hasMissing() bool {
	for kind, codecs := range a.req.Missing {
		pub := a.channel.shown(a.req.Selector, a.req.Self, kind, anything)
		if pub == nil {
			pub = a.channel.pick(a.req.Selector, a.req.Self, anything)
		}
		if pub == nil || pub.state != Live {
			continue
		}
		if codec, sent := pub.codecs()[kind]; sent && slices.Contains(codecs, codec.Name) {
			return true
		}
	}
	return false
}

// wanted is the publication that should fill a section, nil for none; refused tells
// that the one there is cannot be played.
func (a *Attachment) wanted(section int) (pub *publication, refused bool) {
	if a.req.Slots != nil {
		return a.inSlot(section), false
	}
	kind := a.req.Kinds[section]
	playable := func(p *publication) bool { return a.plays(kind, p) }
	if pub = a.channel.shown(a.req.Selector, a.req.Self, kind, playable); pub != nil {
		return pub, false
	}
	pub = a.channel.pick(a.req.Selector, a.req.Self, a.playsAll)
	if pub == nil || !pub.onAir() {
		return nil, false
	}
	return pub, !a.playsAll(pub)
}

// empty tells that nobody feeds the viewer.
func (a *Attachment) empty() bool {
	return !slices.ContainsFunc(a.sources, func(p *Publisher) bool { return p != nil })
}

// waits tells that the viewer stays though nobody feeds it: slots wait for people.
func (a *Attachment) waits() bool { return a.req.Slots != nil }

func (a *Attachment) notify(live bool) {
	if a.req.Notify != nil {
		a.req.Notify(live)
	}
}

// plays tells whether every section of a kind negotiated the codec of what it would
// be fed.
func (a *Attachment) plays(kind Kind, pub *publication) bool {
	codec, sent := pub.codecs()[kind]
	for i, k := range a.req.Kinds {
		if sent && k == kind && !a.req.Viewer.Plays(i, codec) {
			return false
		}
	}
	return true
}

func (a *Attachment) playsAll(pub *publication) bool {
	return a.plays(Video, pub) && a.plays(Audio, pub)
}

// feed tells the viewer's shard where a section gets its packets from.
func (a *Attachment) feed(section int, pub *publication) {
	var source *Publisher
	var track *Track
	if pub != nil {
		source = pub.active
	}
	if kind := a.req.Kinds[section]; source != nil && !pub.muted.of(kind) {
		track = source.Track(kind)
	}
	a.sources[section] = source
	if track == a.fed[section] {
		return
	}
	a.fed[section] = track
	viewer := a.req.Viewer
	a.req.Worker.Do(func(now time.Time, s *Shard, out *Out) { s.SetSource(now, viewer, section, track, out) })
}

// endWith marks the viewer as over and returns the call that ends its session.
func (a *Attachment) endWith(reason *fault.Error) []func() {
	if a.over {
		return nil
	}
	a.over = true
	return []func(){func() { a.req.End(reason) }}
}
