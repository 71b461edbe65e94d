package testkit

import (
	"fmt"
	"math"
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
}

// packetHeaders is what a datagram has besides what the network shows: IP and UDP.
const packetHeaders = 28

// NarrowClient makes another machine, to which the network sends at most bits per
// second; what would wait for longer than queue is dropped.
func (n *Internet) NarrowClient(bits int, queue time.Duration) (transport.Net, *Narrow) {
	n.t.Helper()
	n.next++
	ip := fmt.Sprintf("10.0.0.%d", n.next)
	h, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	must(n.t, err)
	// The filter decides what is dropped, because the stack's queue does not tell;
	// that queue only delays, and has room for everything.
	delay, err := vnet.NewQueue(h, vnet.NewTBFQueue(bits, 1500, math.MaxInt32))
	must(n.t, err)
	n.t.Cleanup(func() { must(n.t, delay.Close()) })
	must(n.t, n.router.AddNet(delay))
	line := &Narrow{bits: bits, queue: queue}
	address := addressOf(n, h)
	n.router.AddChunkFilter(func(c vnet.Chunk) bool {
		return hostOf(c.DestinationAddr().String()) != address || line.takes(time.Now(), len(c.UserData()))
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
	return true
}

// Dropped is how many datagrams there was no room for.
func (l *Narrow) Dropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped
}
