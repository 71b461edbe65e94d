package session

import (
	"maps"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/histogram"
	"github.com/headgate/headgate/router"
)

// joinBounds are those of the times from a POST until something happened, in
// seconds; the last is about Config.HandshakeTimeout.
var joinBounds = []float64{.05, .1, .2, .3, .5, .75, 1, 1.5, 2, 3, 5, 10, 20, 45}

// Outcome is what became of the sessions, or the POSTs, of an action: a code of
// docs/errors.md or of the reasons why sessions end.
type Outcome struct {
	Action auth.Action
	Code   string
}

// Standing is how many sessions of an action there are in a state.
type Standing struct{ Connecting, Connected int }

// Joins are the times of an action from the POST until DTLS was up, and until the
// first packet came from a publisher or was sent to a viewer, in seconds.
type Joins struct{ Connected, FirstPacket histogram.Histogram }

// Tally is what all sessions have done so far, those that ended included: all but
// Now only grows. It holds no name and no address.
type Tally struct {
	Now            map[auth.Action]Standing
	Started        map[auth.Action]uint64
	Ended, Refused map[Outcome]uint64
	Joins          map[auth.Action]Joins
	// Received is what came from publishers, by kind; Unusable are packets that
	// could not be read or belonged to nothing.
	Received [2]router.IngestCount
	Unusable uint64
	// Viewers sums up what viewers were sent and asked for; only its counters mean
	// something. Unsent are packets of theirs that could not be sent, Dropped those
	// of them there was no room for.
	Viewers         router.ViewerStats
	Unsent, Dropped uint64
}

func newTally() Tally {
	joins := Joins{histogram.New(joinBounds), histogram.New(joinBounds)}
	return Tally{
		Now: make(map[auth.Action]Standing), Started: make(map[auth.Action]uint64),
		Ended: make(map[Outcome]uint64), Refused: make(map[Outcome]uint64),
		Joins: map[auth.Action]Joins{auth.Publish: joins, auth.Play: joins},
	}
}

func (t *Tally) clone() Tally {
	c := *t
	c.Now, c.Started, c.Joins = maps.Clone(t.Now), maps.Clone(t.Started), maps.Clone(t.Joins)
	c.Ended, c.Refused = maps.Clone(t.Ended), maps.Clone(t.Refused)
	return c
}

// ledger counts sessions, and keeps what those that ended had counted. A session
// is in it from its registration until nothing of it is left, and then in past.
// Its lock is held while sessions are looked at, so that none is counted twice or
// not at all; a session's own locks are taken under it.
type ledger struct {
	mu   sync.Mutex
	live map[*session]struct{}
	past Tally
}

func newLedger() ledger { return ledger{live: make(map[*session]struct{}), past: newTally()} }

func (l *ledger) enter(sess *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.live[sess] = struct{}{}
	l.past.Started[sess.action]++
}

func (l *ledger) leave(sess *session, code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, entered := l.live[sess]; !entered {
		return
	}
	delete(l.live, sess)
	l.past.add(sess)
	l.past.Ended[Outcome{sess.action, code}]++
}

func (l *ledger) refuse(action auth.Action, code string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past.Refused[Outcome{action, code}]++
}

// Tally returns what was counted so far.
func (s *Service) Tally() Tally {
	l := &s.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.past.clone()
	for sess := range l.live {
		t.add(sess)
		t.stand(sess)
	}
	return t
}

// stand counts where a session is now.
func (t *Tally) stand(sess *session) {
	sess.mu.Lock()
	open, ended := sess.open, sess.ended
	sess.mu.Unlock()
	now := t.Now[sess.action]
	switch {
	case ended:
		return
	case open:
		now.Connected++
	default:
		now.Connecting++
	}
	t.Now[sess.action] = now
}

// add adds what one session has counted.
func (t *Tally) add(sess *session) {
	var info Info
	sess.media.detail(&info)
	first := time.Time{}
	if in := info.Ingest; in != nil {
		first = in.FirstPacket
		t.addIngest(in)
	}
	if v := info.Viewer; v != nil {
		first = v.FirstPacket
		t.addViewer(v)
	}
	t.Unsent += info.Unsent
	t.Dropped += info.Dropped
	sess.mu.Lock()
	opened := sess.opened
	sess.mu.Unlock()
	t.addJoin(sess, opened, first)
}

func (t *Tally) addJoin(sess *session, opened, first time.Time) {
	joins := t.Joins[sess.action]
	if !opened.IsZero() {
		joins.Connected.ObserveTime(opened.Sub(sess.started))
	}
	if !first.IsZero() {
		joins.FirstPacket.ObserveTime(first.Sub(sess.started))
	}
	t.Joins[sess.action] = joins
}

func (t *Tally) addIngest(in *router.IngestStats) {
	for kind := range t.Received {
		t.Received[kind].Add(&in.Kinds[kind])
	}
	t.Unusable += in.Malformed + in.Unbound
}

func (t *Tally) addViewer(v *router.ViewerStats) {
	sum := &t.Viewers
	for kind := range sum.Sent {
		sum.Sent[kind].Packets += v.Sent[kind].Packets
		sum.Sent[kind].Bytes += v.Sent[kind].Bytes
	}
	sum.NACKs += v.NACKs
	sum.Retransmitted += v.Retransmitted
	sum.NotFound += v.NotFound
	sum.Suppressed += v.Suppressed
	sum.PLIs += v.PLIs
	sum.KeyFrames += v.KeyFrames
	sum.Switches += v.Switches
	sum.Replays += v.Replays
	sum.Stalls += v.Stalls
	sum.Padding += v.Padding
}
