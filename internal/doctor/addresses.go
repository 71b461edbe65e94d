package doctor

import (
	"context"
	"net/netip"
	"strings"

	"github.com/headgate/headgate/internal/netclass"
)

// publicIP is the remedy for most addresses.
const publicIP = "Tell the gateway which address clients reach it at: --public-ip ADDRESS, or media.public_addresses in the configuration."

// addresses judges what clients are told.
func addresses(ctx context.Context, s Setup, advertised func(context.Context) ([]netip.AddrPort, error)) []Finding {
	list, err := advertised(ctx)
	switch {
	case s.Discovers:
		return []Finding{ok("address-discovered", "Clients are told what STUN servers see (auto); see below.")}
	case err != nil:
		return []Finding{fault("address-unresolved", "Correct media.public_addresses, or the DNS entry; the gateway asks again every minute.",
			"%v.", err)}
	case len(list) == 0:
		return []Finding{fault("address-none", publicIP, "There is no address to tell clients: media cannot reach this machine.")}
	}
	var findings []Finding
	onlyContainer := true
	for _, a := range list {
		onlyContainer = onlyContainer && netclass.Of(a.Addr()) == netclass.Container
	}
	for _, a := range list {
		findings = append(findings, address(a, s, onlyContainer))
	}
	return findings
}

// address judges one of them.
func address(a netip.AddrPort, s Setup, onlyContainer bool) Finding {
	class := netclass.Of(a.Addr())
	switch {
	case class == netclass.Public:
		return ok("address-public", "%s is a public address.", a)
	case s.isConfigured(a.Addr()) && class != netclass.Metadata && class != netclass.LinkLocal:
		return ok("address-configured", "%s, %s, is what you configured.", a, class)
	}
	switch class {
	case netclass.Container:
		return containerAddress(a, s, onlyContainer)
	case netclass.Private, netclass.UniqueLocal:
		return note("address-private", "Right for a LAN or VPN. For clients elsewhere: "+publicIP, "%s is %s: only clients in the same network reach it.", a, class)
	case netclass.CarrierNAT:
		return warning("address-carrier-nat", "Clients elsewhere need a port forwarded to this machine, which a provider's NAT does not give: use a server with a public address, or IPv6. In a VPN such as Tailscale it is right as it is.",
			"%s is %s: only others behind it reach it.", a, class)
	case netclass.Loopback:
		return note("address-loopback", "Right as long as only programs on this machine are to take part. "+publicIP, "%s is a loopback address: only programs on this machine reach it, and Firefox uses none.", a)
	default:
		return warning("address-useless", publicIP, "%s is %s: clients cannot reach it.", a, class)
	}
}

func containerAddress(a netip.AddrPort, s Setup, only bool) Finding {
	engine := netclass.Engine(a.Addr())
	switch {
	case !only:
		return note("address-bridge-beside", "Nothing, if the others are right; clients skip it. media.interfaces leaves it out.", "%s is of the range that %s gives its containers; clients elsewhere cannot reach it, but other addresses are told too.", a, engine)
	case s.LoopbackOnly:
		return note("address-bridge-local", "Right as long as only this machine is served. "+publicIP+" Publish the media port of the container by UDP and TCP.",
			"%s is of the range that %s gives its containers: clients elsewhere cannot reach it.", a, engine)
	}
	return fault("address-bridge", publicIP+" Publish the media port of the container by UDP and TCP, with the same number outside; or run it in the host's network.",
		"%s is all that clients are told, and it is of the range that %s gives its containers: no client elsewhere can reach it, sessions will be made and never connect.", a, engine)
}

// isConfigured tells that the operator named an address, or only names.
func (s Setup) isConfigured(a netip.Addr) bool {
	for _, text := range s.PublicAddresses {
		configured, err := netip.ParseAddr(strings.Trim(text, "[]"))
		if err != nil || configured.Unmap() == a.Unmap() {
			return true
		}
	}
	return false
}
