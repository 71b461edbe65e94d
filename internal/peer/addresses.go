package peer

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/netclass"
)

// addressBook knows what is advertised: public addresses, the machine's own, or
// the one media is bound to. Safe for concurrent use.
type addressBook struct {
	cfg  Config
	log  *slog.Logger
	port uint16
	// bound is set when media listens on one address only.
	bound netip.Addr
	// v4 and v6 tell which families have sockets.
	v4, v6 bool

	mu       sync.Mutex
	resolved map[string][]netip.Addr
	seen     []netip.Addr // by STUN servers
	local    []netip.Addr
	localAt  time.Time
}

const (
	// localAge is how long a list of the machine's addresses is used: listing
	// them costs more than a session should.
	localAge = 10 * time.Second
	// nameAge is the interval of resolving public names, nameRetry that after a
	// failure (M-125: dynamic DNS).
	nameAge, nameRetry = time.Minute, 10 * time.Second
	// lookupTimeout bounds one round of resolving.
	lookupTimeout = 5 * time.Second
	// maxPerFamily bounds the addresses advertised for one family.
	maxPerFamily = 8
)

// list returns what is advertised now: public before local, IPv4 before IPv6
// (an unreachable first candidate is fatal for FFmpeg).
func (b *addressBook) list(now time.Time) []netip.AddrPort {
	b.mu.Lock()
	defer b.mu.Unlock()
	addrs := b.publicAddrs()
	if len(addrs) == 0 || b.cfg.PublicKeepsLocal {
		addrs = append(addrs, b.localAddrs(now)...)
	}
	return b.arrange(addrs)
}

// arrange removes duplicates and families without sockets, and sorts.
func (b *addressBook) arrange(addrs []netip.Addr) []netip.AddrPort {
	var v4, v6 []netip.AddrPort
	seen := map[netip.Addr]bool{}
	for _, a := range addrs {
		ap := netip.AddrPortFrom(a, b.port)
		switch {
		case seen[a]:
		case a.Is4() && b.v4 && len(v4) < maxPerFamily:
			v4 = append(v4, ap)
		case a.Is6() && b.v6 && len(v6) < maxPerFamily:
			v6 = append(v6, ap)
		}
		seen[a] = true
	}
	return append(v4, v6...)
}

func (b *addressBook) publicAddrs() []netip.Addr {
	var addrs []netip.Addr
	for _, p := range b.cfg.PublicAddresses {
		if p == autoAddress {
			addrs = append(addrs, b.seen...)
			continue
		}
		if a, err := netip.ParseAddr(p); err == nil {
			addrs = append(addrs, a.Unmap())
			continue
		}
		addrs = append(addrs, b.resolved[p]...)
	}
	return addrs
}

func (b *addressBook) localAddrs(now time.Time) []netip.Addr {
	if b.bound.IsValid() {
		return []netip.Addr{b.bound}
	}
	if b.local != nil && now.Sub(b.localAt) < localAge && !now.Before(b.localAt) {
		return b.local
	}
	found, err := b.cfg.interfaces()
	if err != nil {
		b.log.Warn("cannot list network interfaces", "err", err)
		return b.local
	}
	b.local, b.localAt = b.choose(found), now
	return b.local
}

// choose picks the addresses worth telling. Loopback ones are left out (N-065)
// unless allowed, or unless there is nothing else: a client on a machine without
// a network is on that machine.
func (b *addressBook) choose(found []localInterface) []netip.Addr {
	usual, loopback := []netip.Addr{}, []netip.Addr{}
	for _, i := range found {
		for _, a := range i.addrs {
			a = a.Unmap()
			switch {
			case a.IsLoopback() && !slices.Contains(b.cfg.Interfaces, i.name):
				loopback = append(loopback, a)
			case wantedInterface(i.name, b.cfg.Interfaces) && (advertisable(a) || a.IsLoopback()):
				usual = append(usual, a)
			}
		}
	}
	if b.cfg.AllowLoopback || len(usual) == 0 {
		usual = append(usual, loopback...)
	}
	return usual
}

// advertisable leaves out what no client could use: link-local addresses need a
// zone the client does not know.
func advertisable(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsLinkLocalUnicast()
}

// discover sets what auto stands for.
func (b *addressBook) discover(seen []netip.Addr) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = seen
}

// hasNames tells whether there is anything to resolve.
func (b *addressBook) hasNames() bool { return slices.ContainsFunc(b.cfg.PublicAddresses, isHostName) }

// isHostName tells a name that wants to be resolved from what else may stand in
// Config.PublicAddresses.
func isHostName(s string) bool {
	_, err := netip.ParseAddr(s)
	return err != nil && s != autoAddress
}

// resolve looks every public name up once and reports whether all were found.
// A name that can't be resolved keeps its last addresses.
func (b *addressBook) resolve(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	all := true
	for _, name := range b.cfg.PublicAddresses {
		if !isHostName(name) {
			continue
		}
		addrs, err := b.cfg.lookup(ctx, name)
		if err != nil || len(addrs) == 0 {
			all = false
			if ctx.Err() == nil {
				b.log.Warn("cannot resolve a public address", "name", name, "err", err)
			}
			continue
		}
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		b.mu.Lock()
		b.resolved[name] = addrs
		b.mu.Unlock()
	}
	return all
}

// keepResolving runs until ctx ends.
func (b *addressBook) keepResolving(ctx context.Context, all bool) {
	for {
		wait := nameAge
		if !all {
			wait = nameRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			all = b.resolve(ctx)
		}
	}
}

// localInterface is a network interface that is up.
type localInterface struct {
	name  string
	addrs []netip.Addr
}

// machineInterfaces lists the interfaces that are up.
func machineInterfaces() ([]localInterface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var up []localInterface
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away meanwhile
		}
		up = append(up, localInterface{name: i.Name, addrs: prefixAddrs(addrs)})
	}
	return up, nil
}

func prefixAddrs(addrs []net.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr())
		}
	}
	return out
}

// wantedInterface tells whether addresses of an interface are advertised: those of
// the patterns in only, or, without any, of all that are not virtual.
func wantedInterface(name string, only []string) bool {
	if len(only) > 0 {
		return slices.ContainsFunc(only, func(p string) bool { return netclass.Matches(name, p) })
	}
	return !netclass.VirtualInterface(name)
}
