package turn

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
)

// madeUp are the addresses of allocations. IPv4 ones are of a network kept for
// documentation (RFC 5737), which nobody may route; IPv6 ones of a random
// local network (RFC 4193) that this process alone knows.
type madeUp struct{ v4, v6 netip.Prefix }

// lowestPort keeps away from the ports that browsers refuse.
const lowestPort = 10_000

func newMadeUp() madeUp {
	var v6 [16]byte
	_, _ = rand.Read(v6[:8]) // never fails
	v6[0] = 0xfd
	return madeUp{v4: netip.MustParsePrefix("192.0.2.0/24"), v6: netip.PrefixFrom(netip.AddrFrom16(v6), 64)}
}

func (m madeUp) owns(a netip.AddrPort) bool {
	return m.v4.Contains(a.Addr()) || m.v6.Contains(a.Addr())
}

// pick returns a random address; whether it is free is for the caller to see.
func (m madeUp) pick(v6 bool) netip.AddrPort {
	var r [10]byte
	_, _ = rand.Read(r[:])
	port := lowestPort + binary.BigEndian.Uint16(r[:2])%(1<<16-lowestPort)
	if v6 {
		a := m.v6.Addr().As16()
		copy(a[8:], r[2:])
		return netip.AddrPortFrom(netip.AddrFrom16(a), port)
	}
	a := m.v4.Addr().As4()
	a[3] = 1 + r[2]%254
	return netip.AddrPortFrom(netip.AddrFrom4(a), port)
}
