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
	terms, err := s.parts.Router.Terms(raw.Place.Channel, v.selector, v.self)
	if err != nil {
		return err
	}
	sess.progress.note(func(f *diagnose.Session) { f.Wanted = carried(terms) })
	plan, err := offer.ForPlay(s.playPolicy(terms, sess.id))
	if err != nil {
		return err
	}
	conn, err := s.parts.Host.Play(ctx, peer.PlayParams{
		Plan: plan, Loopback: sess.from.IsLoopback(), Notify: sess.notify, RTCP: v.rtcp, Log: sess.log,
	})
	if err != nil {
		return err
	}
	sess.conn, sess.media = conn, v
	v.media, v.audience.live = mediaLines(plan, conn.Sections()), terms.Live
	v.start(conn, plan.MaxBits)
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

// self is who the viewer is: by token, else by its own word.
func self(sess *session, raw signaling.Offer) string {
	if p := sess.currentGrant().Participant; p != "" {
		return p
	}
	return raw.As
}

// playPolicy says which codecs a viewer is answered: a session that plays one
// publication gets what it sends, one that may be refilled every codec it can
// take, the current one first.
func (s *Service) playPolicy(terms router.Terms, streamID string) negotiate.PlayPolicy {
	return negotiate.PlayPolicy{
		Video:    mediaChoice(terms, router.Video, s.cfg.Video),
		Audio:    mediaChoice(terms, router.Audio, s.cfg.Audio),
		Adapts:   terms.Adapts,
		StreamID: streamID,
	}
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
	media      []int // the indexes of their m= lines
	rtt        func() time.Duration
	client     atomic.Pointer[egress.Client] // RTCP may come before start returned
	attachment atomic.Pointer[router.Attachment]
	audience   audience
	oldLayers  bool

	// starting orders start, which a counter-offer puts off, and close.
	starting sync.Mutex
	closed   bool
}

// newViewing is the media of a session that raw asks for, not yet started.
func newViewing(sess *session, raw signaling.Offer) *viewing {
	return &viewing{
		sess: sess, oldLayers: raw.OldLayers, self: self(sess, raw),
		selector: router.Selector{Participant: raw.Place.Participant, Source: raw.Place.Source},
	}
}

func (v *viewing) start(conn *peer.Conn, maxBits int) {
	sections := conn.Sections()
	v.rtt = conn.RTT
	for _, sec := range sections {
		v.kinds = append(v.kinds, sec.Kind)
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
		Viewer: client.Viewer(), Worker: client.Worker(), Kinds: v.kinds, End: v.sess.end, Notify: v.audience.setLive,
	})
	if err != nil {
		v.sess.finish(router.ErrFull)
		return
	}
	v.attachment.Store(a)
}

func (v *viewing) firstPacket(time.Time)          {}
func (v *viewing) overdue(time.Time) *fault.Error { return nil }

func (v *viewing) close(time.Time) {
	if a := v.attachment.Load(); a != nil {
		a.Detach()
	}
	v.starting.Lock()
	defer v.starting.Unlock()
	v.closed = true
	if client := v.client.Load(); client != nil { // a counter-offer may have none
		client.Remove()
	}
}

func (v *viewing) detail(info *Info) {
	info.Participant = v.self
	client := v.client.Load()
	if client == nil {
		return
	}
	stats := client.Viewer().Stats()
	info.Viewer = &stats
	info.Unsent, info.Dropped = client.Line().Failed(), client.Line().Dropped()
}
