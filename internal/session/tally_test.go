package session

import (
	"sync"
	"testing"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/router"
)

func TestTheTallyCountsWhatBecomesOfSessions(t *testing.T) {
	b := newBench(t, withTokens)
	created := b.publish(pubToken)
	_, err := b.Publish(t.Context(), offerOf("obs", otherToken))
	if err == nil {
		t.Fatal("a stranger was let in")
	}
	tally := b.Tally()
	if got := tally.Now[auth.Publish]; got != (Standing{Connecting: 1}) || tally.Started[auth.Publish] != 1 {
		t.Errorf("%+v, %d started", got, tally.Started[auth.Publish])
	}
	if got := tally.Refused; len(got) != 1 || got[Outcome{auth.Publish, auth.ErrNotAllowed.Code}] != 1 {
		t.Errorf("refused %v", got)
	}
	must(t, b.End(t.Context(), created.Secret, request(pubToken)))
	tally = b.Tally()
	if got := tally.Ended; len(got) != 1 || got[Outcome{auth.Publish, "deleted"}] != 1 || tally.Now[auth.Publish] != (Standing{}) {
		t.Errorf("ended %v, now %v", got, tally.Now)
	}
	b.publish(pubToken)
	b.pass(DefaultConfig().HandshakeTimeout)
	b.unclosed.Wait()
	tally = b.Tally()
	if got := tally.Ended[Outcome{auth.Publish, "handshake-timeout"}]; got != 1 || tally.Started[auth.Publish] != 2 {
		t.Errorf("%d timed out of %d", got, tally.Started[auth.Publish])
	}
	if joins := tally.Joins[auth.Publish]; joins.Connected.Count() != 0 || joins.FirstPacket.Count() != 0 {
		t.Error("a session that never connected has a time to its connection")
	}
}

// counting is media that has counted a packet more each time it is asked.
type counting struct {
	media
	stats router.IngestStats
}

func (c *counting) detail(info *Info) {
	c.stats.Kinds[router.Video].Packets++
	stats := c.stats
	info.Ingest = &stats
}

// A counter that goes down looks like a restart to whoever reads it.
func TestTheTallyNeverGoesDown(t *testing.T) {
	s := &Service{ledger: newLedger()}
	var sessions sync.WaitGroup
	for range 8 {
		sessions.Go(func() {
			for range 200 {
				sess := &session{service: s, action: auth.Publish, media: new(counting)}
				s.ledger.enter(sess)
				s.ledger.leave(sess, "deleted")
				s.ledger.leave(sess, "deleted") // the second one counts for nothing
			}
		})
	}
	done := make(chan struct{})
	go func() { sessions.Wait(); close(done) }()
	last := uint64(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		tally := s.Tally()
		now := tally.Received[router.Video].Packets
		if now < last {
			t.Fatalf("%d after %d", now, last)
		}
		last = now
	}
	if tally := s.Tally(); tally.Ended[Outcome{auth.Publish, "deleted"}] != 1600 || last < 1600 {
		t.Errorf("%v, %d packets", tally.Ended, last)
	}
}
