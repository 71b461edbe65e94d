// Package netclass tells what kind of network an address belongs to, and so who
// can reach it: the whole Internet, a LAN, one machine, or nobody. It is pure and
// knows only addresses and interface names.
package netclass

import "net/netip"

// Class is the kind of network an address belongs to.
type Class string

// The classes. Every valid address has exactly one.
const (
	// Public addresses can be reached from the Internet, a firewall permitting.
	Public Class = "public"
	// Private addresses (RFC 1918) are reached inside one LAN or VPN.
	Private Class = "private"
	// UniqueLocal is the same for IPv6 (RFC 4193, fc00::/7).
	UniqueLocal Class = "unique-local"
	// CarrierNAT addresses (RFC 6598, 100.64.0.0/10) lie behind a provider's NAT;
	// Tailscale uses the range too.
	CarrierNAT Class = "carrier-nat"
	// Container addresses are of a range that a container engine or hypervisor
	// takes by default; see Engine. They are reached from that machine only.
	Container Class = "container"
	// LinkLocal addresses (RFC 3927, RFC 4291) are reached on one cable.
	LinkLocal Class = "link-local"
	// Loopback addresses are reached from the same machine.
	Loopback Class = "loopback"
	// Reserved is everything no client can be at: unspecified, multicast, broadcast,
	// documentation and benchmark ranges.
	Reserved Class = "reserved"
	// Metadata addresses are services of a cloud, not clients. Those that are
	// link-local as well (169.254.169.254) are of this class.
	Metadata Class = "metadata"
	// Invalid is the class of the zero netip.Addr.
	Invalid Class = "invalid"
)

// Of returns the class of an address. Addresses of IPv4 mapped into IPv6 count as
// IPv4; zones do not matter.
func Of(a netip.Addr) Class {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid():
		return Invalid
	case metadata[a]:
		return Metadata
	case a.IsLoopback():
		return Loopback
	case a.IsLinkLocalUnicast():
		return LinkLocal
	case a.IsUnspecified() || a.IsMulticast() || within(a, reserved):
		return Reserved
	case Engine(a) != "":
		return Container
	case carrierNAT.Contains(a):
		return CarrierNAT
	case a.Is6() && a.IsPrivate():
		return UniqueLocal
	case a.IsPrivate():
		return Private
	}
	return Public
}

// Reaches tells whether a client at from can be expected to reach an address of
// ours. It errs on the side of yes: a private address may be routed from another
// private one, by a VPN. A client in a documentation range counts as one outside.
func Reaches(from, to netip.Addr) bool {
	f, t := Of(from), Of(to)
	switch t {
	case Public:
		return true
	case Loopback:
		return f == Loopback
	case Container:
		return f == Loopback || f == Container
	case Private, UniqueLocal, CarrierNAT:
		return f != Public && f != Reserved
	default:
		return false
	}
}

// String returns the class as it stands in a sentence: "a private address".
func (c Class) String() string {
	switch c {
	case UniqueLocal:
		return "a private IPv6 address"
	case CarrierNAT:
		return "an address behind a provider's NAT"
	case Metadata:
		return "the address of a cloud's metadata service"
	case Invalid, "":
		return "no address"
	default:
		return "a " + string(c) + " address"
	}
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// reserved are the ranges of RFC 6890 without clients, beside those that netip
// knows.
var reserved = prefixes("0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "100::/64", "2001:db8::/32")

// metadata are the services of the larger clouds.
var metadata = map[netip.Addr]bool{
	netip.MustParseAddr("169.254.169.254"): true,
	netip.MustParseAddr("fd00:ec2::254"):   true,
	netip.MustParseAddr("fd20:ce::254"):    true,
	netip.MustParseAddr("100.100.100.200"): true,
	netip.MustParseAddr("192.0.0.192"):     true,
	netip.MustParseAddr("168.63.129.16"):   true,
}

func prefixes(text ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(text))
	for i, s := range text {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}
