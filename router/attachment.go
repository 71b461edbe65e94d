package router

import (
	"fmt"
	"maps"
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

// Terms are what a viewer can be offered at the time of its POST.
type Terms struct {
	// Live tells that media flows, or did a moment ago.
	Live bool
	// Fixed tells that the session plays one publication and nothing else, so
	// that one codec per kind is enough.
	Fixed bool
	// Adapts tells that what is wanted can be sent in more than one way, now or when
	// something else takes its place.
	Adapts bool
	// Codecs are those of the publication of now; kinds it lacks are missing.
	Codecs map[Kind]Codec
}

// Terms returns what a viewer would get now, or ErrIdle where nobody publishes
// and the policy is to refuse, or ErrFull. self is who the viewer is, or "".
func (r *Router) Terms(channelName string, sel Selector, self string) (Terms, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.channels[channelName]
	if c != nil && len(c.attachments) >= r.cfg.MaxViewers {
		return Terms{}, fmt.Errorf("%d viewers in %q: %w", len(c.attachments), channelName, ErrFull)
	}
	var pub *publication
	if c != nil {
		pub = c.pick(sel, self, func(*publication) bool { return true })
	}
	if pub == nil || !pub.onAir() {
		if r.cfg.Idle == RefuseIdle {
			return Terms{}, ErrIdle
		}
		return Terms{Adapts: true}, nil
	}
	fixed := (sel.Source != "" || len(c.publications) == 1) && pub.uniform()
	return Terms{
		Live: true, Fixed: fixed, Adapts: !fixed || pub.active.video.Adapts(), Codecs: maps.Clone(pub.codecs()),
	}, nil
}

// uniform tells whether a standby would go on with the codecs of now.
func (p *publication) uniform() bool {
	for _, s := range p.standbys {
		if s.codecs[Video].Name != p.active.codecs[Video].Name || s.codecs[Audio].Name != p.active.codecs[Audio].Name {
			return false
		}
	}
	return true
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
}

// Attachment is a viewer's place in a channel.
type Attachment struct {
	router  *Router
	channel *channel
	req     AttachRequest
	// source is the publisher that feeds the viewer, nil for nobody.
	source     *Publisher
	emptySince time.Time
	// live is what Notify was told.
	live bool
	over bool
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
	a := &Attachment{router: r, channel: c, req: req, emptySince: now}
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

// resolve looks up what the viewer should see and switches to it.
func (a *Attachment) resolve(now time.Time) []func() {
	pub := a.channel.pick(a.req.Selector, a.req.Self, a.plays)
	if pub != nil && !pub.onAir() {
		pub = nil
	}
	if pub != nil && !a.plays(pub) {
		return a.endWith(ErrCodecChanged)
	}
	// An interrupted publication is not left at once, but its viewers are told.
	if live := pub != nil && pub.state == Live; live != a.live {
		a.live = live
		a.notify(live)
	}
	var source *Publisher
	if pub != nil {
		source = pub.active
	}
	if source == a.source {
		return nil
	}
	if source == nil {
		a.emptySince = now
	}
	a.source = source
	a.feed(source)
	return nil
}

func (a *Attachment) notify(live bool) {
	if a.req.Notify != nil {
		a.req.Notify(live)
	}
}

// plays tells whether the viewer negotiated the codec of everything it would
// be fed.
func (a *Attachment) plays(pub *publication) bool {
	for i, kind := range a.req.Kinds {
		if codec, ok := pub.codecs()[kind]; ok && !a.req.Viewer.Plays(i, codec) {
			return false
		}
	}
	return true
}

// feed tells the viewer's shard where its sections get their packets from.
func (a *Attachment) feed(source *Publisher) {
	viewer := a.req.Viewer
	for i, kind := range a.req.Kinds {
		var track *Track
		if source != nil {
			track = source.Track(kind)
		}
		a.req.Worker.Do(func(now time.Time, s *Shard, out *Out) {
			s.SetSource(now, viewer, i, track, out)
		})
	}
}

// endWith marks the viewer as over and returns the call that ends its session.
func (a *Attachment) endWith(reason *fault.Error) []func() {
	if a.over {
		return nil
	}
	a.over = true
	return []func(){func() { a.req.End(reason) }}
}
