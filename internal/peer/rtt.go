package peer

import "time"

// RTT is the round trip of the newest answered connectivity check on the
// selected pair, 0 before the first: the path as it is while nothing else is
// sent. Safe for concurrent use.
func (c *Conn) RTT() time.Duration { return c.paths.rtt() }

func (p *paths) rtt() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	pair := p.pairs[p.selected]
	if pair == nil {
		return 0
	}
	return time.Duration(pair.CurrentRoundTripTime() * float64(time.Second))
}
