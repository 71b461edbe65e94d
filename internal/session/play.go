package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// Play accepts an offer to play (WHEP section 4.2). ctx bounds the negotiation,
// never the session.
//
// Errors wrap a fault: those of auth and negotiate, router.ErrIdle,
// router.ErrFull, ErrDraining, ErrSessions, ErrHalfOpen, ErrOverloaded. On error
// nothing is left running.
func (s *Service) Play(ctx context.Context, offer signaling.Offer) (signaling.Created, error) {
	return s.open(ctx, auth.Play, offer, s.negotiatePlay)
}

func (s *Service) negotiatePlay(ctx context.Context, sess *session, raw signaling.Offer) error {
	offer, err := negotiate.ParseOffer(raw.SDP)
	if err != nil {
		return err
	}
	sess.offered(offer)
	if s.counters(raw, offer) {
		return s.negotiateCounterOffer(ctx, sess, raw, offer)
	}
	v := newViewing(sess, raw)
	terms, err := s.terms(v, offer)
	if err != nil {
		return err
	}
	sess.progress.note(func(f *diagnose.Session) { f.Wanted = carried(terms) })
	plan, err := offer.ForPlay(s.playPolicy(terms, v))
	if err != nil {
		return err
	}
	conn, err := s.parts.Host.Play(ctx, peer.PlayParams{
		Plan: plan, Loopback: sess.from.IsLoopback(), Notify: sess.notify, RTCP: v.rtcp, Log: sess.log,
		Data: s.talk(sess),
	})
	if err != nil {
		return err
	}
	sess.conn, sess.media = conn, v
	v.media, v.audience.live = mediaLines(plan, conn.Sections()), terms.Live
	v.missing = s.missing(sess.place.Channel, offer, plan)
	v.start(conn, plan.MaxBits)
	if plan.Slots {
		v.takeSeat(plan)
	}
	sess.takeCandidates(offer.Candidates, offer.EndOfCandidates)
	return nil
}

// carried are the codecs on air.
func carried(terms router.Terms) (names []string) {
	for _, kind := range []router.Kind{router.Video, router.Audio} {
		if c, ok := terms.Codecs[kind]; ok {
			names = append(names, c.Name)
		}
	}
	return names
}

// terms are what a viewer can be offered now. Slots are a place in the call, and wait
// for people.
func (s *Service) terms(v *viewing, offer *negotiate.Offer) (router.Terms, error) {
	if !offer.HasSlots() {
		return s.parts.Router.Terms(v.sess.place.Channel, v.selector, v.self)
	}
	if err := s.admitSlots(v.sess); err != nil {
		return router.Terms{}, err
	}
	return s.parts.Router.SlotTerms(v.sess.place.Channel, v.self)
}

// playPolicy says which codecs a viewer is answered: a session that plays one
// publication gets what it sends, one that may be refilled every codec it can
// take, the current one first. The address of one publication has no slots.
func (s *Service) playPolicy(terms router.Terms, v *viewing) negotiate.PlayPolicy {
	video, audio := s.codecs(v.sess.place.Channel)
	p := negotiate.PlayPolicy{
		Video:    mediaChoice(terms, router.Video, video),
		Audio:    mediaChoice(terms, router.Audio, audio),
		Adapts:   terms.Adapts,
		StreamID: v.sess.id,
	}
	if v.selector.Source == "" {
		p.MaxSections = s.parts.MaxSlots
	}
	return p
}

// missing are the codecs of the kinds that a player would take and plan does not have,
// since nobody sends them. One whose offer has no media takes all of the channel's.
func (s *Service) missing(channel string, offer *negotiate.Offer, plan *negotiate.Plan) map[router.Kind][]string {
	video, audio := s.codecs(channel)
	missing := make(map[router.Kind][]string)
	for kind, list := range map[router.Kind][]string{router.Video: video, router.Audio: audio} {
		if plan.Carries(kind) {
			continue
		}
		if !offer.AsksForMedia() {
			list = offer.Codecs(kind)
		}
		if len(list) > 0 {
			missing[kind] = list
		}
	}
	return missing
}

// codecs are those of a channel, in order of preference.
func (s *Service) codecs(channel string) (video, audio []string) {
	video, audio = s.parts.Calls.Codecs(channel)
	if video == nil {
		video = s.cfg.Video
	}
	if audio == nil {
		audio = s.cfg.Audio
	}
	return video, audio
}

func mediaChoice(terms router.Terms, kind router.Kind, list []string) negotiate.MediaChoice {
	current, has := terms.Codecs[kind]
	if terms.Fixed {
		if !has {
			return negotiate.MediaChoice{Absent: true}
		}
		return negotiate.MediaChoice{Codecs: []router.Codec{current}}
	}
	choice := negotiate.MediaChoice{All: true}
	if has {
		choice.Codecs = append(choice.Codecs, current)
	}
	for _, name := range list {
		if name != current.Name {
			choice.Codecs = append(choice.Codecs, router.Codec{Name: name})
		}
	}
	return choice
}

// viewing is the media of a WHEP session.
type viewing struct {
	sess       *session
	selector   router.Selector
	self       string
	kinds      []router.Kind
	seat       *seat                    // nil without slots
	media      []int                    // the indexes of their m= lines
	missing    map[router.Kind][]string // see router.AttachRequest
	rtt        func() time.Duration
	client     atomic.Pointer[egress.Client] // RTCP may come before start returned
	attachment atomic.Pointer[router.Attachment]
	audience   audience
	oldLayers  bool

	// selections are what the sections were asked to be sent, by index; the session's
	// negotiation lock guards them.
	selections []router.Selection

	// starting orders start, which a counter-offer puts off, connected and close.
	starting sync.Mutex
	closed   bool
}

// newViewing is the media of a session that raw asks for, not yet started.
func newViewing(sess *session, raw signaling.Offer) *viewing {
	v := &viewing{
		sess: sess, oldLayers: raw.OldLayers, self: sess.part.participant,
		selector: router.Selector{Participant: raw.Place.Participant, Source: raw.Place.Source},
	}
	v.audience.member = v.tellMember
	return v
}

func (v *viewing) start(conn *peer.Conn, maxBits int) {
	sections := conn.Sections()
	v.rtt = conn.RTT
	for _, sec := range sections {
		v.kinds = append(v.kinds, sec.Kind)
		v.selections = append(v.selections, router.Automatic())
	}
	v.starting.Lock()
	defer v.starting.Unlock()
	if v.closed {
		return
	}
	client := v.sess.service.parts.Egress.Add(router.ViewerConfig{
		ID: v.sess.id, Sections: sections, CNAME: conn.StreamID(), MaxBits: maxBits, Settings: router.DefaultViewerSettings(),
	}, conn.Line())
	v.client.Store(client)
}

func (v *viewing) rtcp(_ time.Time, b []byte) {
	if c := v.client.Load(); c != nil {
		c.RTCP(b)
	}
}

// connected starts the feeding: not at the POST, so that nobody asks for key
// frames before they can be received.
func (v *viewing) connected(now time.Time) {
	client := v.client.Load()
	if client == nil {
		return // it is being closed
	}
	rtt := v.rtt() // now, while nothing waits in any queue
	client.Worker().Do(func(time.Time, *router.Shard, *router.Out) { client.Viewer().NoteRTT(rtt) })
	a, err := v.sess.service.parts.Router.Attach(now, router.AttachRequest{
		Channel: v.sess.place.Channel, Selector: v.selector, Self: v.self,
		Viewer: client.Viewer(), Worker: client.Worker(), Kinds: v.kinds, Slots: v.seat.sections(), End: v.sess.end, Notify: v.audience.setLive,
		Missing: v.missing, Appeared: v.audience.setMore,
	})
	if err != nil {
		v.sess.finish(router.ErrFull)
		return
	}
	v.attached(now, a)
}

// attached notes the viewer's place in the channel, unless it has gone meanwhile.
func (v *viewing) attached(now time.Time, a *router.Attachment) {
	v.starting.Lock()
	closed := v.closed
	if !closed {
		v.attachment.Store(a)
	}
	v.starting.Unlock()
	if closed {
		a.Detach()
		return
	}
	v.seat.attached(now, a)
}

func (v *viewing) firstPacket(time.Time)          {}
func (v *viewing) overdue(time.Time) *fault.Error { return nil }

func (v *viewing) close(time.Time) {
	v.seat.leave()
	v.starting.Lock()
	defer v.starting.Unlock()
	v.closed = true
	if a := v.attachment.Load(); a != nil {
		a.Detach()
	}
	if client := v.client.Load(); client != nil { // a counter-offer may have none
		client.Remove()
	}
}

func (v *viewing) detail(info *Info) {
	info.Participant = v.self
	if v.seat != nil {
		info.Slots = v.seat.count
	}
	client := v.client.Load()
	if client == nil {
		return
	}
	stats := client.Viewer().Stats()
	info.Viewer = &stats
	info.Unsent, info.Dropped = client.Line().Failed(), client.Line().Dropped()
}
