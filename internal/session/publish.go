package session

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// defaultSource is the source of a publication whose path names none.
const defaultSource = "main"

// Publish accepts an offer to publish (RFC 9725 section 4.2). Media need not be
// flowing when it returns. ctx bounds the negotiation, never the session.
//
// Errors wrap a fault: those of auth, of negotiate, router.ErrBusy,
// router.ErrFull, ErrDraining, ErrSessions, ErrHalfOpen, ErrOverloaded. On error
// nothing is left running.
func (s *Service) Publish(ctx context.Context, offer signaling.Offer) (signaling.Created, error) {
	return s.open(ctx, auth.Publish, offer, s.negotiatePublish)
}

// open is the common way of a POST: authorise, count in, negotiate, register.
func (s *Service) open(ctx context.Context, action auth.Action, offer signaling.Offer,
	negotiation func(context.Context, *session, signaling.Offer) error,
) (signaling.Created, error) {
	sess := s.begin(action, offer)
	if err := s.make(ctx, sess, offer, negotiation); err != nil {
		return signaling.Created{}, s.refuse(sess, offer.Credential, err)
	}
	return signaling.Created{
		Secret: sess.secret, PublicID: sess.id, ETag: sess.etag, SDP: sess.conn.Answer(), Slots: sess.hasSlots(), ValidUntil: sess.validUntil(),
	}, nil
}

// make does what open promises. On error nothing is left running.
func (s *Service) make(ctx context.Context, sess *session, offer signaling.Offer,
	negotiation func(context.Context, *session, signaling.Offer) error,
) error {
	grant, err := s.parts.Authority.Authorize(ctx, offer.Credential, sess.action, offer.Place)
	if err != nil {
		return fmt.Errorf("%s in %q: %w", sess.action, offer.Place.Channel, err)
	}
	sess.mu.Lock()
	sess.grant = grant
	sess.mu.Unlock()
	sess.part = s.partOf(ctx, sess.action, offer, grant)
	grant.Login = sess.part.login // a viewer's is that of the member it says it is
	if err := s.admit(sess.action, sess); err != nil {
		return err
	}
	// Whoever is put out from here on is found, so nobody slips in with what was asked before.
	if err := s.admitPart(sess); err != nil {
		s.giveUp(sess)
		return err
	}
	return s.establish(ctx, sess, offer, grant, negotiation)
}

// establish negotiates and registers. On error it undoes everything.
func (s *Service) establish(ctx context.Context, sess *session, offer signaling.Offer, grant auth.Grant,
	negotiation func(context.Context, *session, signaling.Offer) error,
) (err error) {
	leave, err := s.parts.Authority.Enter(grant)
	if err != nil {
		s.giveUp(sess)
		return err
	}
	sess.leave = sync.OnceFunc(leave)
	if err := negotiation(ctx, sess, offer); err != nil {
		leave()
		s.giveUp(sess)
		return err
	}
	sess.answered()
	if err := s.register(sess); err != nil {
		return err
	}
	s.enterCall(sess)
	return nil
}

func (s *Service) negotiatePublish(ctx context.Context, sess *session, raw signaling.Offer) error {
	offer, err := negotiate.ParseOffer(raw.SDP)
	if err != nil {
		return err
	}
	sess.offered(offer)
	video, audio := s.codecs(raw.Place.Channel)
	sess.progress.note(func(f *diagnose.Session) { f.Wanted = append(slices.Clone(video), audio...) })
	most := s.parts.Router.MaxBitrate(raw.Place.Channel)
	sess.progress.note(func(f *diagnose.Session) { f.Cap.Most = most })
	plan, err := offer.ForPublish(negotiate.PublishPolicy{Video: video, Audio: audio, MaxBits: most})
	if err != nil {
		return err
	}
	pub, err := s.reserve(sess, raw.Place)
	if err != nil {
		return err
	}
	conn, err := s.parts.Host.Publish(ctx, peer.PublishParams{
		Plan: plan, Tracks: tracksFor(plan, pub), Loopback: sess.from.IsLoopback(), Notify: sess.notify,
		Data: s.talk(sess),
	})
	if err != nil {
		pub.Abort()
		return err
	}
	sess.conn, sess.media = conn, newPublishing(sess, pub, most)
	sess.takeCandidates(offer.Candidates, offer.EndOfCandidates)
	pub.Commit(s.parts.Now(), codecsOf(plan))
	s.watchStandbys()
	return nil
}

// reserve takes the place in the router.
func (s *Service) reserve(sess *session, place auth.Place) (*router.Publisher, error) {
	return s.parts.Router.Publish(s.parts.Now(), router.PublishRequest{
		Channel: place.Channel, Participant: sess.part.participant, Source: sess.part.source,
		Login: sess.part.login, Session: sess.id, Name: sess.part.name, Tags: sess.part.tags,
		LastSeen: sess.lastSeen,
		End:      sess.end,
	})
}

// lastSeen returns when the client was last heard; the zero time before there is
// a connection.
func (sess *session) lastSeen() time.Time {
	sess.mu.Lock()
	open, opened := sess.open, sess.opened
	sess.mu.Unlock()
	if !open {
		return time.Time{}
	}
	return later(opened, sess.conn.LastSeen())
}

func (sess *session) takeCandidates(lines []string, end bool) {
	if len(lines) == 0 && !end {
		return
	}
	sess.progress.note(func(f *diagnose.Session) { f.Offer.Candidates.Count(lines) })
	taken, dropped := sess.conn.AddCandidates(lines, end)
	sess.fact(FactCandidates, fmt.Sprintf("%d taken, %d dropped", taken, dropped))
}

func tracksFor(plan *negotiate.Plan, pub *router.Publisher) map[int]*router.Track {
	tracks := make(map[int]*router.Track)
	for _, sec := range plan.Sections {
		if !sec.Application && !sec.Rejected {
			tracks[sec.Index] = pub.Track(sec.Kind)
		}
	}
	return tracks
}

func codecsOf(plan *negotiate.Plan) map[router.Kind]router.Codec {
	codecs := make(map[router.Kind]router.Codec)
	for _, sec := range plan.Sections {
		if !sec.Application && !sec.Rejected && len(sec.PayloadTypes) > 0 {
			codecs[sec.Kind] = sec.PayloadTypes[0].Codec
		}
	}
	return codecs
}

// publishing is the media of a WHIP session.
type publishing struct {
	pub  *router.Publisher
	sess *session
	// limit is nil without a cap. Only the sweeper touches it.
	limit  *capWatch
	looked looked
}

// newPublishing makes the media of a publisher that may send most bits per second;
// 0 is any number.
func newPublishing(sess *session, pub *router.Publisher, most int) *publishing {
	p := &publishing{pub: pub, sess: sess}
	if most > 0 {
		p.limit = newCapWatch(most)
	}
	return p
}

func (p *publishing) connected(time.Time)       {}
func (p *publishing) firstPacket(now time.Time) { p.pub.Live(now) }
func (p *publishing) close(now time.Time)       { p.pub.End(now) }

func (p *publishing) detail(info *Info) {
	stats := p.sess.conn.Ingest().Stats()
	info.Ingest = &stats
	p.sess.mu.Lock()
	defer p.sess.mu.Unlock()
	info.Participant = p.sess.grant.Participant
}
