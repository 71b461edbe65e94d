package router

import (
	"slices"
	"time"

	"github.com/headgate/headgate/internal/fault"
)

// PublishRequest asks for a place to publish to.
type PublishRequest struct {
	Channel, Participant, Source string
	// Login tells a return from a duplicate; see auth.Grant.
	Login string
	// Session is the public session id, for the roster.
	Session string
	// Name and Tags are what is told of the participant.
	Name string
	Tags map[string]string
	// LastSeen returns when the client was last heard, the zero time before it
	// was; it must not block.
	LastSeen func() time.Time
	// End is called at most once, in a goroutine of the caller of some other
	// method, when the router ends this publisher. It must not block.
	End func(reason *fault.Error)
}

// Publisher is one WHIP session's hold on a publication. It has tracks of its
// own; the publication shows those of one publisher at a time.
type Publisher struct {
	router       *Router
	pub          *publication
	req          PublishRequest
	audio, video *Track
	pulse        *pulse
	since        time.Time

	// codecs are what was negotiated; nil before Commit. router.mu guards this and
	// what follows.
	codecs map[Kind]Codec
	// replaces is whom Commit ends, with whoever that one replaces, and so on.
	replaces *Publisher
	// standby tells that p is in line for the active place, or asked to be.
	standby bool
	sent    bool // media came
	over    bool
	reason  string // the code of why the router ended it
	// probes counts the key frames a standby was asked for unasked.
	probes int
	probed time.Time
}

func newPublisher(now time.Time, r *Router, pub *publication, req PublishRequest) *Publisher {
	clock := NewSourceClock()
	p := &Publisher{
		router: r, pub: pub, req: req, since: now, pulse: &pulse{born: now},
		audio: NewTrack(Audio, clock), video: NewTrack(Video, clock),
	}
	p.audio.pulse, p.video.pulse = p.pulse, p.pulse
	p.video.cache, p.video.shown = r.cache, &pub.shown
	return p
}

// Track returns the publisher's track of a kind, for it to feed.
func (p *Publisher) Track(k Kind) *Track {
	if k == Video {
		return p.video
	}
	return p.audio
}

func (p *Publisher) silent(now time.Time) bool {
	return now.Sub(p.lastSeen()) >= p.router.cfg.SilentAfter
}

// live tells that replacing this publisher would take something from viewers.
func (p *Publisher) live(now time.Time) bool { return p.sent && !p.over && !p.silent(now) }

func (p *Publisher) lastSeen() time.Time {
	if seen := p.req.LastSeen(); seen.After(p.since) {
		return seen
	}
	return p.since
}

// wasHeard tells that the client has connected. How long it may take to is not
// the router's business: RFC 8863 section 4 gives it 39.5 s.
func (p *Publisher) wasHeard() bool { return !p.req.LastSeen().IsZero() }

// Commit makes the takeover final: codecs are what was negotiated, whoever
// published here before ends with ErrReplaced, and with the policy "replace" the
// sessions of an older login with ErrDuplicateID. Viewers wait for this
// publisher's first key frame and see the last picture meanwhile. Where standbys
// are kept and somebody publishes already, p becomes a standby instead.
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
	p.codecs = codecs
	p.pub.remove(p)
	ends = r.replace(now, p)
	if p.pub.active != nil {
		r.enlist(now, p)
		return ends
	}
	p.pub.show(p)
	ends = append(ends, r.endDuplicates(now, p)...)
	return append(ends, p.pub.channel.resolve(now)...)
}

// Abort gives the place back after a failed negotiation; whoever published
// before goes on.
func (p *Publisher) Abort() {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	p.over = true
	for _, q := range p.pub.pending {
		if q.replaces == p {
			q.replaces = p.replaces
		}
	}
	r.release(p.since, p) // it was never on air: nobody is told of a time
}

// Live tells that media flows. It may be called more than once.
func (p *Publisher) Live(now time.Time) {
	for _, end := range p.goLive(now) {
		end()
	}
}

func (p *Publisher) goLive(now time.Time) []func() {
	r := p.router
	r.mu.Lock()
	defer r.mu.Unlock()
	first := !p.sent
	p.sent = true
	switch active := p.pub.active; {
	case first && slices.Contains(p.pub.standbys, p) && !active.sent:
		return r.promote(now, p) // whoever sends first is on air
	case active == p && p.pub.state != Live:
		return r.goLive(now, p.pub)
	}
	return nil
}

// End ends the publisher, and the publication at once unless a standby takes
// over: the client said goodbye. One that was replaced ends alone.
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
	return r.release(now, p)
}

// endWith marks the publisher as over and returns the call that ends its session.
func (p *Publisher) endWith(reason *fault.Error) []func() {
	if p.over {
		return nil
	}
	p.over, p.reason = true, reason.Code
	return []func(){func() { p.req.End(reason) }}
}
