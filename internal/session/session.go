package session

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
)

// media is the router's side of a session: a publisher's or a viewer's.
type media interface {
	// connected is called once, when DTLS is up.
	connected(now time.Time)
	// firstPacket is called once, when a publisher's media begins.
	firstPacket(now time.Time)
	// overdue returns why the session should end now, or nil. The sweeper calls it.
	overdue(now time.Time) *fault.Error
	// close lets go of the router and the egress. It is called once.
	close(now time.Time)
	// detail is what the roster may tell.
	detail(*Info)
}

// session is the HTTP resource behind a publisher or a viewer.
type session struct {
	service  *Service
	secret   string
	id       string // public
	action   auth.Action
	place    auth.Place // as in the request
	from     netip.Addr
	started  time.Time
	timeline Timeline
	progress progress
	leave    func() // gives a single-login token back
	part     part   // who it is in the call
	log      *slog.Logger

	// conn and media are set before the session is registered.
	conn  *peer.Conn
	media media
	// counter is nil unless the session began with a counter-offer.
	counter *counterOffer
	// closed is closed once nothing of the session is left.
	closed chan struct{}

	negotiation sync.Mutex // held during a PATCH; guards etag
	etag        string

	mu     sync.Mutex
	grant  auth.Grant
	open   bool // DTLS is up
	opened time.Time
	// registered tells that conn and media are there. Who ends the session before
	// (a takeover does while it is negotiated) only leaves the reason.
	registered bool
	ended      bool
	reason     *fault.Error
	// leaveCall is what is left of Enter; leftCall tells that it has been called, or
	// will be by whoever enters.
	leaveCall func(*fault.Error)
	leftCall  bool
}

// begin makes a session that is not registered yet.
func (s *Service) begin(action auth.Action, offer signaling.Offer) *session {
	secret := newSecret()
	sess := &session{
		service: s, secret: secret, id: publicID(secret), action: action, place: offer.Place,
		from: offer.From.Addr().Unmap(), started: s.parts.Now(), etag: newETag(), leave: func() {}, closed: make(chan struct{}),
	}
	sess.log = s.parts.Log.With("session", sess.id, "action", action, "channel", offer.Place.Channel)
	sess.progress.known = diagnose.Session{
		Publish: action == auth.Publish, Channel: offer.Place.Channel, Client: sess.from, Posted: sess.started,
	}
	sess.fact(FactRequest, string(action)+" from "+sess.from.String()+", "+clip(offer.UserAgent))
	return sess
}

// clip bounds what a client says about itself.
func clip(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most]
	}
	return s
}

// offered notes an offer that could be read.
func (sess *session) offered(o *negotiate.Offer) {
	sess.progress.offer(o)
	sess.fact(FactOffer, o.Summary())
}

// answered notes that the answer is ready.
func (sess *session) answered() {
	now := sess.service.parts.Now()
	if sess.counter != nil {
		sess.fact(FactCounterOffer, "until "+sess.counter.until.UTC().Format(time.RFC3339))
		return
	}
	sess.progress.note(func(f *diagnose.Session) { f.ICE.Answered = now })
	sess.fact(FactAnswer, "")
}

// asked notes a request for the session's URL.
func (sess *session) asked() {
	sess.progress.note(func(f *diagnose.Session) { f.Requests++ })
}

func (sess *session) fact(kind FactKind, detail string) {
	sess.timeline.add(sess.service.parts.Now(), kind, detail)
	sess.log.Debug("session", "fact", kind, "detail", detail)
}

func (sess *session) currentGrant() auth.Grant {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	return sess.grant
}

// notify takes the connection's events, in order, in the connection's goroutine.
func (sess *session) notify(e peer.Event) {
	sess.progress.event(e)
	sess.timeline.add(e.At, FactConnection, e.Kind.String()+detailOf(e))
	switch e.Kind {
	case peer.DTLSConnected:
		sess.connected(e.At, e.Detail)
	case peer.FirstPacket:
		sess.timeline.add(e.At, FactFirstPacket, "")
		sess.media.firstPacket(e.At)
	case peer.FirstKeyFrame:
		sess.timeline.add(e.At, FactFirstKeyFrame, e.Detail)
	case peer.ICEFailed:
		sess.finish(errICE)
	case peer.DTLSFailed:
		sess.finish(errDTLS)
	case peer.RemoteClosed:
		sess.finish(errHangup)
	case peer.TooManyStreams:
		sess.finish(errStreams)
	default: // a fact and nothing more
	}
}

func detailOf(e peer.Event) string {
	if e.Detail == "" {
		return ""
	}
	return ": " + e.Detail
}

func (sess *session) connected(at time.Time, detail string) {
	sess.mu.Lock()
	first := !sess.open && !sess.ended
	if first {
		sess.opened = at
	}
	sess.open = true
	sess.mu.Unlock()
	if !first {
		return
	}
	sess.service.opened(sess.from)
	took := at.Sub(sess.started).Round(time.Millisecond)
	sess.timeline.add(at, FactConnected, took.String()+" after the POST")
	told := []any{"after", took}
	if detail != "" {
		told = append(told, "srtp", detail)
	}
	sess.log.Info("session connected", told...)
	sess.media.connected(at)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// overdue returns why the session should end now, or nil.
func (sess *session) overdue(now time.Time) *fault.Error {
	sess.mu.Lock()
	open, opened, expires := sess.open, sess.opened, sess.grant.Expires
	sess.mu.Unlock()
	cfg := sess.service.cfg
	switch {
	case !expires.IsZero() && now.After(expires):
		return errExpired
	case !open:
		return sess.notYetConnected(now)
	case now.Sub(later(opened, sess.conn.LastSeen())) >= cfg.LostAfter:
		return errLost
	}
	return sess.media.overdue(now)
}

// settle marks the session as registered and returns why it ended before, or
// nil.
func (sess *session) settle() *fault.Error {
	sess.mu.Lock()
	sess.registered = true
	reason, open := sess.reason, sess.open
	sess.mu.Unlock()
	if reason != nil {
		sess.shut(reason, open)
	}
	return reason
}

// finish ends the session. The first reason wins; the connection is closed by a
// goroutine of its own, so that callbacks of the connection may call this. It tells
// whether this was the first.
func (sess *session) finish(reason *fault.Error) bool {
	sess.mu.Lock()
	if sess.ended {
		sess.mu.Unlock()
		return false
	}
	sess.ended, sess.reason = true, reason
	open, registered := sess.open, sess.registered
	sess.mu.Unlock()
	if registered {
		sess.shut(reason, open)
	}
	return true
}

// end is finish for those who do not ask whether they were the first.
func (sess *session) end(reason *fault.Error) { sess.finish(reason) }

// over tells that the session has ended.
func (sess *session) over() bool {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	return sess.ended
}

// shut does what finish promises. It is called once.
func (sess *session) shut(reason *fault.Error, open bool) {
	sess.service.bury(sess, reason)
	sess.farewell(reason)
	if !open {
		sess.service.opened(sess.from)
	}
	go func() { // Service.Close waits for it
		defer sess.service.unclosed.Done()
		defer close(sess.closed)
		sess.close(reason)
	}()
}

// close lets go of everything the session holds.
func (sess *session) close(reason *fault.Error) {
	f := sess.facts(sess.service.parts.Now())
	f.Ended, f.Reason = true, reason.Code
	sess.exitCall(reason)
	sess.media.close(sess.service.parts.Now())
	err := sess.conn.Close()
	sess.leave()
	sess.service.ledger.leave(sess, reason.Code)
	sess.fact(FactEnd, reason.Code)
	attrs := []any{"reason", reason.Code, "reached", sess.timeline.reached(),
		"lasted", sess.service.parts.Now().Sub(sess.started).Round(time.Millisecond)}
	attrs = append(attrs, diagnosed(f)...)
	if err != nil {
		attrs = append(attrs, "close_error", err)
	}
	sess.service.archive(sess, f)
	sess.log.Log(context.Background(), sess.endLevel(), "session ended", attrs...)
}

// endLevel is warning for sessions that never connected: those are what people
// look for in a log.
func (sess *session) endLevel() slog.Level {
	sess.mu.Lock()
	defer sess.mu.Unlock()
	if sess.open || sess.reason == errDeleted || sess.reason == errShutdown {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}
