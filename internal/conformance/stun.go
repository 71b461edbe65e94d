package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
	"golang.org/x/sync/errgroup"
)

// credentials are the four of an ICE session, seen from the client.
type credentials struct {
	localUfrag, localPwd   string
	remoteUfrag, remotePwd string
}

// iceOf reads the credentials out of an offer and its answer.
func iceOf(offer, answer string) credentials {
	o, a := parseDescription(offer), parseDescription(answer)
	return credentials{
		localUfrag: o.transport("ice-ufrag"), localPwd: o.transport("ice-pwd"),
		remoteUfrag: a.transport("ice-ufrag"), remotePwd: a.transport("ice-pwd"),
	}
}

// check makes a connectivity check of the controlling agent (RFC 8445 section
// 7.2.2).
func (c credentials) check(nominate bool) (*stun.Message, error) {
	setters := []stun.Setter{
		stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(c.remoteUfrag + ":" + c.localUfrag),
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)},
		// The priority of the client's own checks: it does not know that it moved.
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x7e, 0xff, 0xff, 0xff}},
	}
	if nominate {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	return stun.Build(append(setters, stun.NewShortTermIntegrity(c.remotePwd), stun.Fingerprint)...)
}

var errNoSTUN = errors.New("no answer to a STUN check")

// probe sends checks from conn until one is answered with success. The answers
// of other kinds do not count.
func (c credentials) probe(ctx context.Context, conn net.PacketConn, to netip.AddrPort, nominate bool, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	b := make([]byte, 1500)
	for time.Now().Before(deadline) && ctx.Err() == nil {
		m, err := c.check(nominate)
		if err != nil {
			return err
		}
		if _, err := conn.WriteTo(m.Raw, net.UDPAddrFromAddrPort(to)); err != nil {
			return fmt.Errorf("send a check: %w", err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			return err
		}
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				break // next try
			}
			if isSuccess(b[:n], m.TransactionID) {
				return nil
			}
		}
	}
	return errNoSTUN
}

func isSuccess(b []byte, id [stun.TransactionIDSize]byte) bool {
	m := stun.New()
	return stun.Decode(b, m) == nil && m.Type == stun.BindingSuccess && m.TransactionID == id
}

// canary is a socket whose address is told as a candidate, to see whether the
// server looks for it.
//
// Ownership: its goroutine ends with close, which waits for it.
type canary struct {
	conn  net.PacketConn
	ufrag string // of the client, which every check for it begins with
	// hits counts checks for that user name, any all checks.
	hits, any atomic.Int64
	work      sync.WaitGroup
}

// canary opens a socket for a session whose client has this ufrag.
func (r *run) canary(ufrag string) (*canary, error) {
	ip, err := r.target.localIP()
	if err != nil {
		return nil, err
	}
	conn, err := listenUDP(ip)
	if err != nil {
		return nil, err
	}
	c := &canary{conn: conn, ufrag: ufrag}
	c.work.Go(c.listen)
	r.later(func() {
		_ = conn.Close() // ends listen
		c.work.Wait()
	})
	return c, nil
}

// canaries opens several.
func (r *run) canaries(ufrag string, n int) ([]*canary, error) {
	all := make([]*canary, n)
	for i := range all {
		c, err := r.canary(ufrag)
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

func (c *canary) listen() {
	b := make([]byte, 1500)
	for {
		n, _, err := c.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if isCheckFor(b[:n], c.ufrag) {
			c.hits.Add(1)
		}
		if isCheckFor(b[:n], "") {
			c.any.Add(1)
		}
	}
}

// isCheckFor recognises a check for a client with this user name; empty means
// any.
func isCheckFor(b []byte, ufrag string) bool {
	m := stun.New()
	var name stun.Username
	if stun.Decode(b, m) != nil || m.Type != stun.BindingRequest || name.GetFrom(m) != nil {
		return false
	}
	client, _, _ := strings.Cut(name.String(), ":")
	return ufrag == "" || client == ufrag
}

// candidates are the values of candidate lines for the canary: one for each
// address of this machine that the server may see.
func (r *run) candidatesOf(c *canary, answer string) []string {
	var lines []string
	port := netip.MustParseAddrPort(c.conn.LocalAddr().String()).Port()
	for i, ip := range r.ownAddresses(answer) {
		lines = append(lines, fmt.Sprintf("%d 1 udp %d %s %d typ host", i+1, 2130706431-i, ip, port))
	}
	return lines
}

// ownAddresses are those from which HTTP and media of the server are reached.
func (r *run) ownAddresses(answer string) []netip.Addr {
	var own []netip.Addr
	add := func(ip netip.Addr) {
		for _, known := range own {
			if known == ip {
				return
			}
		}
		own = append(own, ip)
	}
	if ip, err := r.target.localIP(); err == nil {
		add(ip)
	}
	if to, err := mediaAddress(answer); err == nil {
		if conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to)); err == nil {
			if local, err := netip.ParseAddrPort(conn.LocalAddr().String()); err == nil {
				add(local.Addr().Unmap())
			}
			_ = conn.Close() // nothing was sent
		}
	}
	return own
}

var errNoUDPHost = errors.New("the answer has no UDP host candidate")

// mediaAddress is the first UDP host candidate of an answer.
func mediaAddress(answer string) (netip.AddrPort, error) {
	for _, value := range parseDescription(answer).candidates() {
		f := strings.Fields(value)
		if len(f) < 8 || !strings.EqualFold(f[2], "udp") || f[7] != "host" {
			continue
		}
		if ap, err := netip.ParseAddrPort(net.JoinHostPort(f[4], f[5])); err == nil {
			return ap, nil
		}
	}
	return netip.AddrPort{}, errNoUDPHost
}

// allHit waits until every canary was checked.
func allHit(ctx context.Context, limit time.Duration, list ...*canary) error {
	return eventually(ctx, limit, func() (bool, error) {
		for _, c := range list {
			if c.hits.Load() == 0 {
				return false, nil
			}
		}
		return true, nil
	})
}

// together runs f n times at once and returns the first error.
func together(n int, f func(i int) error) error {
	var group errgroup.Group
	for i := range n {
		group.Go(func() error { return f(i) })
	}
	return group.Wait()
}
