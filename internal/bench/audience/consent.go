package audience

import (
	"math/rand/v2"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// consentEvery is how often libwebrtc checks a pair that is stable.
	consentEvery = 2500 * time.Millisecond
	// consentLimit ends consent without an answer (RFC 7675 section 5.1).
	consentLimit = 30 * time.Second
)

// consent asks the server every few seconds whether it is still there, which is
// also what keeps the server's own consent.
type consent struct {
	due, heard time.Time
	id         [stun.TransactionIDSize]byte
}

func (c *consent) begin(now time.Time) {
	c.heard = now
	c.due = now.Add(spread(consentEvery))
}

// spread varies d by a fifth, so that viewers who joined together do not ask
// together.
func spread(d time.Duration) time.Duration {
	return d*4/5 + time.Duration(rand.Int64N(int64(d)*2/5+1))
}

// tick returns a check to send if it is time for one.
func (c *consent) tick(now time.Time, keys *credentials) []byte {
	if now.Before(c.due) {
		return nil
	}
	c.due = now.Add(spread(consentEvery))
	c.id = stun.NewTransactionID()
	return keys.check(c.id, true)
}

func (c *consent) answered(now time.Time, id [stun.TransactionIDSize]byte) {
	if id == c.id {
		c.heard = now
	}
}

func (c *consent) lost(now time.Time) bool { return now.Sub(c.heard) > consentLimit }
