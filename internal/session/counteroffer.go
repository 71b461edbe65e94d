package session

import (
	"context"
	"fmt"
	"time"

	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/router"
)

// When players get a counter-offer (Config.CounterOffer).
const (
	CounterNever  = "never"
	CounterAsked  = "asked"
	CounterAlways = "always"
)

// counterOffer is what a viewer's session has more that began with an offer of
// ours (the playback draft, section 4.2.2). Until it is answered the session holds
// a connection that nothing is sent on, and counts as half-open.
type counterOffer struct {
	plan  *negotiate.Plan
	until time.Time // when it expires
	// forsaken is the ICE user name fragment of the offer that was not taken:
	// candidates of that connection may still come, and belong to nothing.
	forsaken string
	// early are candidates that came before the answer; the session's negotiation
	// lock guards them.
	early earlyCandidates
	// answered is zero while it is pending; the session's own lock guards it.
	answered time.Time
}

// counters tells whether a POST is answered by a counter-offer. The playback draft
// leaves that to the endpoint and gives players no way to ask, so who asks is who
// uses the address that says so, or offers nothing that could be answered. An offer
// of ours has no slots, so whoever offers some is answered.
func (s *Service) counters(raw signaling.Offer, offer *negotiate.Offer) bool {
	if offer.HasSlots() {
		return false
	}
	switch s.cfg.CounterOffer {
	case CounterAlways:
		return true
	case CounterAsked:
		return raw.Counter || offer.AsksForMedia()
	}
	return false
}

// negotiateCounterOffer makes the session-to-be of a POST.
func (s *Service) negotiateCounterOffer(ctx context.Context, sess *session, raw signaling.Offer, offer *negotiate.Offer) error {
	counter := &counterOffer{until: s.expiry(), forsaken: offer.Ufrag}
	v := newViewing(sess, raw)
	terms, err := s.parts.Router.Terms(raw.Place.Channel, v.selector, v.self)
	if err != nil {
		return err
	}
	sess.progress.note(func(f *diagnose.Session) { f.Wanted = carried(terms) })
	if counter.plan, err = negotiate.CounterOffer(s.counterPolicy(terms, raw.Place.Channel)); err != nil {
		return err
	}
	v.missing = s.missing(raw.Place.Channel, offer, counter.plan)
	conn, err := s.parts.Host.Offer(ctx, peer.PlayParams{
		Plan: counter.plan, Loopback: sess.from.IsLoopback(), Notify: sess.notify, RTCP: v.rtcp, Log: sess.log,
	})
	if err != nil {
		return err
	}
	sess.conn, sess.media, sess.counter = conn, v, counter
	return nil
}

// expiry is when a counter-offer of now ends. It is told in whole seconds, and
// holds no shorter than that.
func (s *Service) expiry() time.Time {
	return s.parts.Now().Add(s.cfg.CounterOfferValid + time.Second - 1).Truncate(time.Second)
}

// counterPolicy offers what is on air first, and then every codec of the channel's
// list: a player that takes more than one needs no new session when the publisher
// changes (the playback draft, section 4.2.6).
func (s *Service) counterPolicy(terms router.Terms, channel string) negotiate.CounterPolicy {
	video, audio := s.codecs(channel)
	return negotiate.CounterPolicy{
		Video: offeredMedia(terms, router.Video, video), Audio: offeredMedia(terms, router.Audio, audio), Adapts: terms.Adapts,
	}
}

func offeredMedia(terms router.Terms, kind router.Kind, list []string) negotiate.OfferedMedia {
	current, has := terms.Codecs[kind]
	if terms.Fixed && !has {
		return negotiate.OfferedMedia{}
	}
	m := negotiate.OfferedMedia{Current: terms.Fixed}
	if has {
		m.Codecs = append(m.Codecs, current)
	}
	for _, name := range list {
		m.Codecs = append(m.Codecs, router.Codec{Name: name})
	}
	return m
}

// Answer takes a player's answer to a counter-offer (the playback draft, section
// 4.2.2) and returns the entity-tag of the ICE session. A refused answer changes
// nothing: another one may follow while the counter-offer is valid.
//
// Errors wrap a fault: those of negotiate, ErrNoCounterOffer where none is pending,
// ErrStale, and the reason why the session ended.
func (s *Service) Answer(ctx context.Context, secret string, a signaling.Answer) (etag string, err error) {
	sess, err := s.authorised(ctx, secret, a.Request)
	if err != nil {
		return "", err
	}
	sess.negotiation.Lock()
	defer sess.negotiation.Unlock()
	if err := sess.awaitsAnswer(a.IfMatch); err != nil {
		return "", err
	}
	answer, err := negotiate.ParseAnswer(a.SDP)
	if err != nil {
		return "", sess.answerRefused(err)
	}
	agreed, err := sess.counter.plan.Answered(answer)
	if err != nil {
		return "", sess.answerRefused(err)
	}
	return sess.etag, sess.agree(answer, agreed)
}

// awaitsAnswer tells whether an answer may be taken now. The negotiation lock is
// held.
func (sess *session) awaitsAnswer(ifMatch signaling.Precondition) error {
	switch now := sess.service.parts.Now(); {
	case !sess.pending():
		return ErrNoCounterOffer
	case ifMatch.Present && !ifMatch.Matches(sess.etag):
		return ErrStale
	case !now.Before(sess.counter.until):
		sess.finish(errCounterOfferExpired)
		return errCounterOfferExpired
	}
	return nil
}

func (sess *session) answerRefused(err error) error {
	f := fault.Of(err)
	sess.fact(FactVerdict, "answer refused: "+f.Code+": "+f.Public)
	return err
}

// agree begins the connection as it was agreed. The negotiation lock is held.
func (sess *session) agree(answer *negotiate.Answer, agreed *negotiate.Answered) error {
	now := sess.service.parts.Now()
	if reason := sess.settleAnswer(now); reason != nil {
		return reason // it ended meanwhile
	}
	sess.progress.note(func(f *diagnose.Session) { f.ICE.Answered = now })
	sess.fact(FactAnswer, answer.Summary())
	err := sess.conn.Agree(agreed)
	if err == nil {
		v := sess.media.(*viewing)
		v.media = mediaLines(agreed.Plan, sess.conn.Sections())
		v.audience.setLive(sess.live(v))
		v.start(sess.conn, agreed.Plan.MaxBits)
		err = sess.conn.Connect()
	}
	if err != nil {
		sess.finish(errAnswerUnusable)
		return fmt.Errorf("session %s: %w", sess.id, err)
	}
	lines := append(sess.counter.early.of(answer.Ufrag), answer.Candidates...)
	sess.takeCandidates(lines, answer.EndOfCandidates || sess.counter.early.ended(answer.Ufrag))
	sess.counter.early = earlyCandidates{}
	return nil
}

// live tells whether there is something to see now; much may have changed since the
// counter-offer.
func (sess *session) live(v *viewing) bool {
	terms, err := sess.service.parts.Router.Terms(sess.place.Channel, v.selector, v.self)
	return err == nil && terms.Live
}

// settleAnswer makes the counter-offer an answered one, unless the session has
// ended; then it returns why.
func (sess *session) settleAnswer(now time.Time) *fault.Error {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	if sess.ended {
		return sess.reason
	}
	sess.counter.answered = now
	return nil
}

// pending tells that the session waits for the answer to a counter-offer.
func (sess *session) pending() bool {
	return sess.counter != nil && sess.answeredAt().IsZero()
}

// answeredAt is when the connection could begin: at the POST, or at the answer to a
// counter-offer, and zero before that.
func (sess *session) answeredAt() time.Time {
	if sess.counter == nil {
		return sess.started
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	return sess.counter.answered
}

// validUntil is what a POST is told of a counter-offer; zero where the offer was
// taken.
func (sess *session) validUntil() time.Time {
	if sess.counter == nil {
		return time.Time{}
	}
	return sess.counter.until
}

// notYetConnected returns why a session that has no connection should end now, or
// nil.
func (sess *session) notYetConnected(now time.Time) *fault.Error {
	since := sess.answeredAt()
	switch {
	case since.IsZero() && !now.Before(sess.counter.until):
		return errCounterOfferExpired
	case !since.IsZero() && now.Sub(since) >= sess.service.cfg.HandshakeTimeout:
		return errHandshake
	}
	return nil
}

// beforehand takes candidates that are not for the connection there is: those that
// come before the answer, which are kept, and those of the offer that was not
// taken, which are dropped. done tells that nothing is left to do. The negotiation
// lock is held.
func (sess *session) beforehand(p signaling.Patch) (done bool, err error) {
	if sess.counter == nil {
		return false, nil
	}
	ufrag := p.Fragment.Ufrag
	forsaken := ufrag != "" && ufrag == sess.counter.forsaken
	switch {
	case !sess.pending():
		return forsaken && ufrag != sess.conn.RemoteUfrag(), nil
	case p.IfMatch.Present && !p.IfMatch.Matches(sess.etag):
		return true, ErrStale
	case sess.service.cfg.NoTrickle:
		return true, ErrNoTrickle
	case !forsaken:
		sess.counter.early.keep(p.Fragment)
	}
	return true, nil
}
