package turn

import (
	"net"
	"net/netip"
	"slices"
	"sync"
)

// clientKey is where a client's messages come from.
type clientKey struct {
	network string
	addr    netip.AddrPort
}

func keyOf(a net.Addr) clientKey { return clientKey{network: a.Network(), addr: addrPortOf(a)} }

// table holds the allocations. Safe for concurrent use; nothing is called with its
// lock held.
type table struct {
	mu       sync.RWMutex
	byAddr   map[netip.AddrPort]*allocation
	byClient map[clientKey]*allocation
	byUser   map[string][]*allocation
	byNet    map[netip.Addr]int
	// left counts allocations for whoever waits until there are none.
	left sync.WaitGroup
}

func newTable() *table {
	return &table{
		byAddr: map[netip.AddrPort]*allocation{}, byClient: map[clientKey]*allocation{},
		byUser: map[string][]*allocation{}, byNet: map[netip.Addr]int{},
	}
}

// add files a new allocation; false if its address is taken, or its user has as
// many as most.
func (t *table) add(a *allocation, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byAddr[a.addr] != nil || len(t.byUser[a.user]) >= most {
		return false
	}
	t.byAddr[a.addr] = a
	t.byUser[a.user] = append(t.byUser[a.user], a)
	t.left.Add(1)
	return true
}

// own says whose an allocation is. It is false if the client has another one, or
// its network has as many as most: of two requests at the same time both may come
// this far.
func (t *table) own(a *allocation, client clientKey, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byAddr[a.addr] != a {
		return true // it is over already
	}
	network := networkOf(client.addr.Addr())
	if other := t.byClient[client]; other != nil {
		other.doom(other.server.opt.Now())
		return false
	}
	a.client = client
	t.byClient[client] = a
	t.byNet[network]++
	return t.byNet[network] <= most
}

func (t *table) remove(a *allocation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byAddr[a.addr] != a {
		return
	}
	defer t.left.Done()
	delete(t.byAddr, a.addr)
	rest := slices.DeleteFunc(t.byUser[a.user], func(o *allocation) bool { return o == a })
	if t.byUser[a.user] = rest; len(rest) == 0 {
		delete(t.byUser, a.user)
	}
	if t.byClient[a.client] != a {
		return
	}
	delete(t.byClient, a.client)
	network := networkOf(a.client.addr.Addr())
	if t.byNet[network]--; t.byNet[network] <= 0 {
		delete(t.byNet, network)
	}
}

func (t *table) at(addr netip.AddrPort) *allocation {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byAddr[addr]
}

func (t *table) ofClient(c clientKey) *allocation {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byClient[c]
}

func (t *table) ofUser(user string) []*allocation {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Clone(t.byUser[user])
}

func (t *table) ofNetwork(a netip.Addr) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byNet[networkOf(a)]
}

func (t *table) size() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.byAddr)
}

func (t *table) all() []*allocation {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*allocation, 0, len(t.byAddr))
	for _, a := range t.byAddr {
		all = append(all, a)
	}
	return all
}

// networkOf is what limits per address count: an IPv4 address, or the /64 of an
// IPv6 one.
func networkOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return p.Addr()
}

// addrPortOf converts the address of a UDP or TCP socket, unmapped; anything else
// is invalid.
func addrPortOf(a net.Addr) netip.AddrPort {
	var ap netip.AddrPort
	switch a := a.(type) {
	case *net.UDPAddr:
		ap = a.AddrPort()
	case *net.TCPAddr:
		ap = a.AddrPort()
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
