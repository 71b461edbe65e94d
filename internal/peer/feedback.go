package peer

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/egress"
)

// feedback reads the RTCP of one viewer whose keys we have. The stack would hand every
// packet through four goroutines and parse and print it again, which for an audience
// that reports ten times a second costs nearly as much as sending to it.
//
// Who reads is decided as for sending, once: while ours is set, what the stack
// decrypts is dropped, so that there is one memory of what came and nothing is taken
// twice. It is set from the beginning, as viewers have nothing to say before media
// flows, and cleared if there turn out to be no keys.
//
// Safe for concurrent use. Packets are handed on one at a time.
type feedback struct {
	c    *Conn
	ours atomic.Bool
	// table is nil where there is none to be found in.
	table *feedbackTable

	mu     sync.Mutex
	opener *egress.Opener // nil until there are keys, and after close
	closed bool
	at     netip.AddrPort // in the table; invalid if not
	// signs is the pause between signs of life for the agent, signed when it last
	// got one.
	signs    time.Duration
	signed   time.Time
	reported bool // that there are too many senders
}

const (
	// signBytes is what the agent gets of a packet now and then: it counts as life, and
	// is enough to be told for RTCP, but not to be decrypted.
	signBytes = 4
	// maxSigns bounds the pause between two of them.
	maxSigns = time.Second
)

func newFeedback(c *Conn) *feedback {
	f := &feedback{c: c, signs: min(maxSigns, c.host.cfg.Keepalive/2)}
	if c.host.sockets != nil {
		f.table = &c.host.sockets.feedback
	}
	f.ours.Store(true)
	return f
}

// begin makes o read what comes from now on.
func (f *feedback) begin(o *egress.Opener) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.opener = o
	}
}

// verdict is what became of a datagram.
type verdict uint8

const (
	// unread: it is the stack's.
	unread verdict = iota
	// refused: it is RTCP, but not of this viewer, or came before.
	refused
	// taken: it was handed on.
	taken
	// takenAndShown: it was handed on, and the agent is due a sign of life.
	takenAndShown
)

// take reads a datagram, which is left as it is.
func (f *feedback) take(b []byte) verdict {
	if len(b) <= signBytes || !egress.IsRTCP(b) {
		return unread
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opener == nil {
		return unread
	}
	plain, err := f.opener.Open(b)
	if err != nil {
		f.report(err)
		return refused
	}
	now := time.Now()
	f.c.seen(now)
	if f.c.intake.rtcp != nil {
		f.c.intake.rtcp(now, plain)
	}
	if now.Sub(f.signed) < f.signs {
		return taken
	}
	f.signed = now
	return takenAndShown
}

// report tells the session of a viewer that pretends to be a crowd. The lock is held.
func (f *feedback) report(err error) {
	if !f.reported && errors.Is(err, egress.ErrTooManySenders) {
		f.reported = true
		f.c.emit(TooManyStreams, "")
	}
}

// move notes the selected pair: packets from there need not wait for the stack.
func (f *feedback) move(remote netip.AddrPort, proto string) {
	if proto != "udp" {
		remote = netip.AddrPort{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.table == nil || f.closed || f.at == remote {
		return
	}
	f.table.replace(f.at, remote, f)
	f.at = remote
}

// close ends the reading. Nothing is handed on when it has returned.
func (f *feedback) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed, f.opener = true, nil
	if f.table != nil {
		f.table.replace(f.at, netip.AddrPort{}, f)
		f.at = netip.AddrPort{}
	}
}

// feedbackTable finds viewers by the addresses of their selected pairs. An address is
// no proof of anything, and may by now be somebody else's: it only says whose keys to
// try first. Safe for concurrent use.
type feedbackTable struct {
	mu sync.RWMutex
	by map[netip.AddrPort]*feedback
}

// replace makes f be found at to, and at from no longer. Either may be invalid, which
// is nowhere. The newest viewer at an address has it.
func (t *feedbackTable) replace(from, to netip.AddrPort, f *feedback) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by[from] == f {
		delete(t.by, from)
	}
	if !to.IsValid() {
		return
	}
	if t.by == nil {
		t.by = map[netip.AddrPort]*feedback{}
	}
	t.by[to] = f
}

func (t *feedbackTable) find(from netip.AddrPort) *feedback {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.by[from]
}

// inspect hands a datagram to the viewer that seems to have sent it. n is how much of
// it goes the stack's way; nothing does if pass is false. What is refused goes on:
// the stack may know that somebody else has the address now.
func (t *feedbackTable) inspect(b []byte, from netip.AddrPort) (n int, pass bool) {
	if !egress.IsRTCP(b) {
		return len(b), true
	}
	f := t.find(from)
	if f == nil {
		return len(b), true
	}
	switch f.take(b) {
	case taken:
		return 0, false
	case takenAndShown:
		return signBytes, true
	default:
		return len(b), true
	}
}
