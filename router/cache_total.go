package router

import (
	"sync"
	"sync/atomic"
)

// groupCache bounds what the groups of all layers together take. Each layer says
// after a burst how large its group is; when the sum is above the limit, the least
// watched layer loses its group, the largest of several, until the sum fits. What is
// kept warm for a watched publication counts as watched, too. Until a layer's next
// burst its account may be off by that burst.
//
// It is safe for concurrent use. Accounting is atomic; the lock is for layers that
// come and go, and for making room.
type groupCache struct {
	limit int64
	used  atomic.Int64

	mu     sync.Mutex
	layers map[*Layer]struct{}
}

// packetCost is what a packet takes in a group besides its payload: the packet
// itself and its places in the group.
const packetCost = 256

// newGroupCache makes a cache of limit bytes; 0 is no limit, and makes none.
func newGroupCache(limit int64) *groupCache {
	if limit == 0 {
		return nil
	}
	return &groupCache{limit: limit, layers: make(map[*Layer]struct{})}
}

// add makes l one of the layers. A nil cache takes no notice of anything.
func (c *groupCache) add(l *Layer) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layers[l] = struct{}{}
}

// remove forgets l. Who has its group keeps it.
func (c *groupCache) remove(l *Layer) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.layers, l)
	c.used.Add(-l.charged.Swap(0))
}

// charge notes the size of l's group as it is now. Only the Ingest of l calls it.
func (c *groupCache) charge(l *Layer) {
	if c == nil {
		return
	}
	size := l.history.groupSize()
	if c.used.Add(size-l.charged.Swap(size)) > c.limit {
		c.makeRoom()
	}
}

// makeRoom lets groups go until the rest fits.
func (c *groupCache) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.used.Load() > c.limit {
		var victim *Layer
		for l := range c.layers {
			if l.charged.Load() > 0 && (victim == nil || l.lessWorth(victim)) {
				victim = l
			}
		}
		if victim == nil {
			return
		}
		victim.history.dropGroup()
		c.used.Add(-victim.charged.Swap(0))
	}
}

// lessWorth tells whether the group of l is to go before that of o.
func (l *Layer) lessWorth(o *Layer) bool {
	if a, b := l.worth(), o.worth(); a != b {
		return a < b
	}
	if a, b := l.watchers.Load(), o.watchers.Load(); a != b {
		return a < b
	}
	return l.charged.Load() > o.charged.Load()
}

// worth is how many watch l, or would if its publisher took over: those who watch
// the layer of the same name that is on air, or the most watched one without such.
func (l *Layer) worth() int64 {
	own := l.watchers.Load()
	shown := l.track.onAir()
	if shown == nil || shown == l.track {
		return own
	}
	most := int64(0)
	for _, s := range shown.Layers() {
		n := s.watchers.Load()
		if s.rid == l.rid {
			return max(own, n)
		}
		most = max(most, n)
	}
	return max(own, most)
}
