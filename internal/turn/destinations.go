package turn

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// destinations are the media addresses of the gateway, asked for once in a while:
// the machine's addresses and public names change. Safe for concurrent use.
type destinations struct {
	ask   func() []netip.AddrPort
	known atomic.Pointer[knownAddresses]
}

type knownAddresses struct {
	at   time.Time
	list []netip.AddrPort
}

// destinationsAge is how long a list is used.
const destinationsAge = time.Second

func (d *destinations) list(now time.Time) []netip.AddrPort {
	k := d.known.Load()
	if k == nil || now.Sub(k.at) >= destinationsAge || now.Before(k.at) {
		k = &knownAddresses{at: now, list: d.ask()}
		d.known.Store(k)
	}
	return k.list
}

func (d *destinations) contain(now time.Time, a netip.AddrPort) bool {
	return slices.Contains(d.list(now), a)
}

func (d *destinations) haveIP(now time.Time, ip netip.Addr) bool {
	return slices.ContainsFunc(d.list(now), func(a netip.AddrPort) bool { return a.Addr() == ip })
}

// onlyIPv6 tells whether clients have to be given IPv6 allocations, to reach media
// at all.
func (d *destinations) onlyIPv6(now time.Time) bool {
	list := d.list(now)
	return len(list) > 0 && !slices.ContainsFunc(list, func(a netip.AddrPort) bool { return a.Addr().Is4() })
}
