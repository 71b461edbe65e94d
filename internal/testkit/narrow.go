package testkit

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/vnet"
)

// Narrow is a line in front of a client: a queue that drops what it has no room
// for, and a wire of a bit rate. It is safe for concurrent use.
type Narrow struct {
	bits  int
	queue time.Duration

	mu      sync.Mutex
	free    time.Time // when the wire has sent all that waits
	dropped int
	waits   []time.Duration // of each datagram that was let in
	wire    *vnet.TBFQueue
}

// packetHeaders is what a datagram has besides what the network shows: IP and UDP.
const packetHeaders = 28

// NarrowClient makes another machine, to which the network sends at most bits per
// second; what would wait for longer than queue is dropped.
func (n *Internet) NarrowClient(bits int, queue time.Duration) (transport.Net, *Narrow) {
	n.t.Helper()
	n.next++
	ip := fmt.Sprintf("10.0.0.%d", n.next)
	h := newMachine(n.t, ip)
	// The filter decides what is dropped, because the stack's queue does not tell;
	// that queue only delays, and has room for everything.
	wire := vnet.NewTBFQueue(bits, 1500, math.MaxInt32)
	delay, err := vnet.NewQueue(h, wire)
	must(n.t, err)
	n.t.Cleanup(func() { must(n.t, delay.Close()) })
	must(n.t, n.router.AddNet(delay))
	line := &Narrow{bits: bits, queue: queue, wire: wire}
	address := addressOf(n, h)
	n.router.AddChunkFilter(func(c vnet.Chunk) bool {
		return hostOf(c.DestinationAddr()) != address || line.takes(time.Now(), len(c.UserData()))
	})
	return h, line
}

// takes tells whether there is room for a datagram.
func (l *Narrow) takes(now time.Time, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := max(l.free.Sub(now), 0)
	wait += time.Duration(size+packetHeaders) * 8 * time.Second / time.Duration(l.bits)
	if wait > l.queue {
		l.dropped++
		return false
	}
	l.free = now.Add(wait)
	l.waits = append(l.waits, wait)
	return true
}

// Change sets the bit rate from now on.
func (l *Narrow) Change(bits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.free = now.Add(max(l.free.Sub(now), 0) * time.Duration(l.bits) / time.Duration(bits))
	l.bits = bits
	l.wire.SetRate(bits)
}

// Wait returns how long the given share of the datagrams waited at most, 0 to 1,
// since the last call.
func (l *Narrow) Wait(share float64) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.waits)
	defer func() { l.waits = nil }()
	if len(l.waits) == 0 {
		return 0
	}
	return l.waits[int(share*float64(len(l.waits)-1))]
}

// Dropped is how many datagrams there was no room for.
func (l *Narrow) Dropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}
