package peer

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
)

// firstResend is the pause before a question is asked again; it doubles
// (RFC 8489 section 6.2.1).
const firstResend = 500 * time.Millisecond

var errStrangeAnswer = errors.New("the STUN server's answer has no address")

// questions are binding requests to STUN servers, asked from the sockets of media
// so that the answer tells of the very mapping clients will meet. Safe for
// concurrent use.
type questions struct {
	// waiting spares every datagram the lock while nothing is asked.
	waiting atomic.Int32
	mu      sync.Mutex
	open    map[[stun.TransactionIDSize]byte]question
}

type question struct {
	server netip.AddrPort
	answer chan netip.AddrPort // of one; invalid where the server told no address
}

// ask sends a question by write until it is answered or ctx ends, and returns
// where the server saw it come from.
func (q *questions) ask(ctx context.Context, write func([]byte, netip.AddrPort) (int, error), server netip.AddrPort) (netip.AddrPort, error) {
	request, err := stun.Build(stun.TransactionID, stun.BindingRequest)
	if err != nil {
		return netip.AddrPort{}, err
	}
	answer := q.add(request.TransactionID, server)
	defer q.remove(request.TransactionID)
	for wait := firstResend; ; wait *= 2 {
		if _, err := write(request.Raw, server); err != nil {
			return netip.AddrPort{}, err
		}
		select {
		case seen := <-answer:
			if !seen.IsValid() {
				return seen, errStrangeAnswer
			}
			return seen, nil
		case <-ctx.Done():
			return netip.AddrPort{}, ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (q *questions) add(id [stun.TransactionIDSize]byte, server netip.AddrPort) <-chan netip.AddrPort {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = make(map[[stun.TransactionIDSize]byte]question)
	}
	answer := make(chan netip.AddrPort, 1)
	q.open[id] = question{server: server, answer: answer}
	q.waiting.Add(1)
	return answer
}

func (q *questions) remove(id [stun.TransactionIDSize]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
	q.waiting.Add(-1)
}

// answered takes a received datagram if it answers a question: a success response
// with the question's transaction, from the server that was asked. Everything else
// is ICE's.
func (q *questions) answered(b []byte, from netip.AddrPort) bool {
	if q.waiting.Load() == 0 || len(b) < 20 || b[0] != 1 || b[1] != 1 {
		return false
	}
	m := stun.Message{Raw: b}
	if m.Decode() != nil {
		return false
	}
	q.mu.Lock()
	asked, ok := q.open[m.TransactionID]
	q.mu.Unlock()
	if !ok || asked.server != from {
		return false
	}
	select {
	case asked.answer <- mappedAddress(&m):
	default: // answered before
	}
	return true
}

// mappedAddress is where the server saw the request come from (RFC 8489 section
// 14.2), invalid if it does not say.
func mappedAddress(m *stun.Message) netip.AddrPort {
	var x stun.XORMappedAddress
	if x.GetFrom(m) != nil {
		return netip.AddrPort{}
	}
	addr, ok := netip.AddrFromSlice(x.IP)
	if !ok || addr.IsUnspecified() || x.Port <= 0 || x.Port > 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(x.Port))
}
