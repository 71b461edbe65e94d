package audience

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// checkEvery is the pace between first checks to several candidates (Ta of RFC
	// 8445 section 14.2), and the first wait for an answer; it doubles up to
	// maxCheckWait.
	checkEvery   = 50 * time.Millisecond
	maxCheckWait = 400 * time.Millisecond
	maxDatagram  = 1 << 11
)

// checks finds a candidate that answers and nominates it.
type checks struct {
	conn *net.UDPConn
	keys *credentials
	list []*pair
	buf  [maxDatagram]byte
}

// pair is one candidate under check.
type pair struct {
	addr      netip.AddrPort
	id        [stun.TransactionIDSize]byte
	due       time.Time
	wait      time.Duration
	nominated bool
}

// newChecks puts the addresses of near first: a server on our own machine is
// reached by the address that HTTP took, not by a detour over another.
func newChecks(conn *net.UDPConn, keys *credentials, candidates []candidate, near netip.Addr, now time.Time) *checks {
	c := &checks{conn: conn, keys: keys}
	for _, near := range []func(netip.Addr) bool{
		func(a netip.Addr) bool { return a == near },
		func(a netip.Addr) bool { return a != near },
	} {
		for _, candidate := range candidates {
			if near(candidate.addr.Addr()) {
				c.list = append(c.list, &pair{
					addr: candidate.addr, id: stun.NewTransactionID(), wait: checkEvery,
					due: now.Add(time.Duration(len(c.list)) * checkEvery), nominated: len(candidates) == 1,
				})
			}
		}
	}
	return c
}

// run returns the address that was nominated. Media and handshakes cannot arrive
// before; what else arrives is dropped.
func (c *checks) run(ctx context.Context) (netip.AddrPort, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for {
		now := time.Now()
		next := c.send(now)
		if err := ctx.Err(); err != nil {
			return netip.AddrPort{}, errors.Join(errors.New("no candidate answers"), err)
		}
		if err := c.conn.SetReadDeadline(next); err != nil {
			return netip.AddrPort{}, err
		}
		n, from, err := c.conn.ReadFromUDPAddrPort(c.buf[:])
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				continue
			}
			if n == 0 && !errors.Is(err, net.ErrClosed) {
				continue // a port nobody listens on, on some systems
			}
			return netip.AddrPort{}, err
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if isSTUN(c.buf[:n]) && c.receive(c.buf[:n], from) {
			return from, c.conn.SetReadDeadline(time.Time{})
		}
	}
}

// send sends what is due and returns when to look again.
func (c *checks) send(now time.Time) (next time.Time) {
	for i, p := range c.list {
		if !now.Before(p.due) {
			_, _ = c.conn.WriteToUDPAddrPort(c.keys.check(p.id, p.nominated), p.addr) // or the next time
			p.due = now.Add(p.wait)
			p.wait = min(2*p.wait, maxCheckWait)
		}
		if i == 0 || p.due.Before(next) {
			next = p.due
		}
	}
	return next
}

// receive reports whether b ends the search.
func (c *checks) receive(b []byte, from netip.AddrPort) bool {
	m := stun.Message{Raw: b}
	if m.Decode() != nil {
		return false
	}
	if m.Type == stun.BindingRequest {
		if reply := c.keys.answer(&m, from); reply != nil {
			_, _ = c.conn.WriteToUDPAddrPort(reply, from) // it will ask again
		}
		return false
	}
	i := slices.IndexFunc(c.list, func(p *pair) bool { return p.id == m.TransactionID && p.addr == from })
	if i < 0 || !c.keys.succeeds(&m) {
		return false
	}
	if p := c.list[i]; !p.nominated {
		*p = pair{addr: p.addr, id: stun.NewTransactionID(), wait: checkEvery, nominated: true}
		c.list = []*pair{p}
		return false
	}
	return true
}
