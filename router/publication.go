package router

import (
	"fmt"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// State is where a publication is in its life.
type State string

// The states of a publication. It is waiting from the POST to the first packet.
const (
	Waiting State = "waiting"
	Live    State = "live"
	Paused  State = "interrupted"
)

type publicationKey struct{ participant, source string }

// publication is a participant's source. It outlives its publisher's
// connection: tracks and viewers stay when a publisher comes back. The router's
// lock guards it.
type publication struct {
	channel *channel
	key     publicationKey
	state   State
	// liveSince orders publications for the program.
	liveSince    time.Time
	lastTakeover time.Time
	publisher    *Publisher
	audio, video *Track
	// codecs are what the publisher of now sends; nil where it has no such track.
	codecs map[Kind]Codec
}

func newPublication(c *channel, key publicationKey) *publication {
	clock := new(SourceClock)
	return &publication{
		channel: c, key: key, state: Waiting,
		audio: NewTrack(Audio, clock), video: NewTrack(Video, clock),
		codecs: make(map[Kind]Codec),
	}
}

func (p *publication) track(k Kind) *Track {
	if k == Video {
		return p.video
	}
	return p.audio
}

// onAir tells whether viewers may be sent here: media flows, or did a moment ago.
func (p *publication) onAir() bool { return p.state == Live || p.state == Paused }

// PublishRequest asks for a place to publish to.
type PublishRequest struct {
	Channel, Participant, Source string
	// Login tells a return from a duplicate; see auth.Grant.
	Login string
	// Session is the public session id, for the roster.
	Session string
	// LastSeen returns when the client was last heard, the zero time before it
	// was; it must not block.
	LastSeen func() time.Time
	// End is called at most once, in a goroutine of the caller of some other
	// method, when the router ends this publisher. It must not block.
	End func(reason *fault.Error)
}

// Publisher is one WHIP session's hold on a publication.
type Publisher struct {
	router   *Router
	pub      *publication
	req      PublishRequest
	replaced *Publisher
	since    time.Time
	sent     bool // media came; router.mu
	over     bool // router.mu
}

// Publish takes the place of a publication for a new publisher, or refuses with
// ErrBusy or ErrFull. The caller negotiates next and then calls Commit, or
// Abort if that failed.
func (r *Router) Publish(now time.Time, req PublishRequest) (*Publisher, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, err := r.channel(req.Channel)
	if err != nil {
		return nil, err
	}
	defer r.forget(c)
	pub, err := r.place(now, c, req)
	if err != nil {
		return nil, fmt.Errorf("publish %q in %q: %w", req.Participant, req.Channel, err)
	}
	p := &Publisher{router: r, pub: pub, req: req, replaced: pub.publisher, since: now}
	pub.publisher = p
	c.publications[pub.key] = pub
	return p, nil
}

// place finds the publication for req, new or to be taken over.
func (r *Router) place(now time.Time, c *channel, req PublishRequest) (*publication, error) {
	key := publicationKey{req.Participant, req.Source}
	if err := r.admitLogin(now, c, req, key); err != nil {
		return nil, err
	}
	pub := c.publications[key]
	if pub == nil {
		if len(c.publications) >= r.cfg.MaxPublications {
			return nil, ErrFull
		}
		return newPublication(c, key), nil
	}
	if cur := pub.publisher; cur != nil && cur.sent && !cur.silent(now) {
		if wait := r.cfg.TakeoverHold - now.Sub(pub.lastTakeover); wait > 0 && !pub.lastTakeover.IsZero() {
			return nil, ErrBusy.After(wait)
		}
		pub.lastTakeover = now
	}
	return pub, nil
}

// admitLogin applies the policy for duplicates: the same participant under
// another login, while that login is live.
func (r *Router) admitLogin(now time.Time, c *channel, req PublishRequest, key publicationKey) error {
	if r.cfg.Duplicates == ReplaceDuplicates {
		return nil // Commit ends the older login's sessions
	}
	for k, pub := range c.publications {
		cur := pub.publisher
		if k.participant == key.participant && cur != nil && cur.req.Login != req.Login && !cur.silent(now) {
			return ErrBusy.After(2 * time.Second)
		}
	}
	return nil
}

func (p *Publisher) silent(now time.Time) bool {
	return now.Sub(p.lastSeen()) >= p.router.cfg.SilentAfter
}

func (p *Publisher) lastSeen() time.Time {
	if seen := p.req.LastSeen(); seen.After(p.since) {
		return seen
	}
	return p.since
}

// wasHeard tells that the client has connected. How long it may take to is not
// the router's business: RFC 8863 section 4 gives it 39.5 s.
func (p *Publisher) wasHeard() bool { return !p.req.LastSeen().IsZero() }

// Track returns the publication's track of a kind, to be fed by this publisher.
func (p *Publisher) Track(k Kind) *Track { return p.pub.track(k) }

// Commit makes the takeover final: codecs are what was negotiated, whoever
// published here before ends with ErrReplaced, and with the policy "replace" so
// do the sessions of an older login, with ErrDuplicateID.
func (p *Publisher) Commit(now time.Time, codecs map[Kind]Codec) {
	for _, end := range p.commit(now, codecs) {
		end()
	}
}

func (p *Publisher) commit(now time.Time, codecs map[Kind]Codec) (ends []func()) {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.over {
		return nil
	}
	p.pub.codecs = codecs
	for old := p.replaced; old != nil; old = old.replaced {
		ends = append(ends, old.endWith(ErrReplaced)...)
	}
	if p.replaced != nil {
		r.observe(now, TakenOver, p.pub)
	}
	p.replaced = nil
	for k, other := range p.pub.channel.publications {
		cur := other.publisher
		if k.participant == p.pub.key.participant && cur != nil && cur != p && cur.req.Login != p.req.Login {
			ends = append(ends, cur.endWith(ErrDuplicateID)...)
			r.endPublication(now, other)
		}
	}
	return append(ends, p.pub.channel.resolve(now)...)
}

// Abort gives the place back after a failed negotiation; whoever published
// before goes on.
func (p *Publisher) Abort() {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	p.over = true
	if p.pub.publisher != p {
		p.pub.unchain(p)
		return
	}
	p.pub.publisher = p.replaced
	if p.replaced == nil || p.replaced.over {
		p.pub.publisher = nil
		delete(p.pub.channel.publications, p.pub.key)
		r.forget(p.pub.channel)
	}
}

// unchain takes an aborted publisher out of the list of those to be replaced.
func (p *publication) unchain(aborted *Publisher) {
	for at := p.publisher; at != nil; at = at.replaced {
		if at.replaced == aborted {
			at.replaced = aborted.replaced
			return
		}
	}
}

// Live tells that media flows. It may be called more than once.
func (p *Publisher) Live(now time.Time) {
	for _, end := range p.live(now) {
		end()
	}
}

func (p *Publisher) live(now time.Time) []func() {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	p.sent = true
	if p.over || p.pub.publisher != p || p.pub.state == Live {
		return nil
	}
	return r.goLive(now, p.pub)
}

// goLive enters the live state. r.mu is held.
func (r *Router) goLive(now time.Time, pub *publication) []func() {
	what := Published
	if pub.state == Paused {
		what = Resumed
	} else {
		pub.liveSince = now
	}
	pub.state = Live
	r.observe(now, what, pub)
	return pub.channel.resolve(now)
}

// End ends the publication at once: the client said goodbye. A publisher that
// was replaced ends alone.
func (p *Publisher) End(now time.Time) {
	for _, end := range p.end(now) {
		end()
	}
}

func (p *Publisher) end(now time.Time) []func() {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	p.over = true
	if p.pub.publisher != p {
		return nil
	}
	r.endPublication(now, p.pub)
	return p.pub.channel.resolve(now)
}

// endWith marks the publisher as over and returns the call that ends its session.
func (p *Publisher) endWith(reason *fault.Error) []func() {
	if p.over {
		return nil
	}
	p.over = true
	return []func(){func() { p.req.End(reason) }}
}

// endPublication removes the publication; its viewers keep their sessions.
// r.mu is held, the caller resolves afterwards.
func (r *Router) endPublication(now time.Time, pub *publication) {
	pub.publisher = nil
	delete(pub.channel.publications, pub.key)
	r.observe(now, Unpublished, pub)
	r.forget(pub.channel)
}

// sweepPublication moves a publication by the silence of its publisher.
func (r *Router) sweepPublication(now time.Time, pub *publication) (ends []func()) {
	p := pub.publisher
	silence := now.Sub(p.lastSeen())
	switch {
	case silence >= r.cfg.EndedAfter && p.wasHeard():
		ends = p.endWith(ErrLost)
		r.endPublication(now, pub)
		return append(ends, pub.channel.resolve(now)...)
	case silence >= r.cfg.InterruptedAfter && pub.state == Live:
		pub.state = Paused
		r.observe(now, Interrupted, pub)
		return pub.channel.resolve(now)
	case silence < r.cfg.InterruptedAfter && pub.state == Paused:
		return r.goLive(now, pub)
	}
	return nil
}
