package doctor

import (
	"context"
	"net/netip"
	"slices"
	"strings"
)

// stunView compares what is told with what the outside sees, when the operator
// named somebody to ask.
func stunView(ctx context.Context, s Setup, reflexive func(context.Context, string) (netip.Addr, error), advertised func(context.Context) ([]netip.AddrPort, error)) (findings []Finding) {
	told, _ := advertised(ctx) // judged by addresses
	for _, server := range s.STUNServers {
		seen, err := reflexive(ctx, server)
		if err != nil {
			findings = append(findings, warning("stun-silent", "Check that UDP may leave this machine, and the server's name.", "The STUN server %s did not answer: %v.", server, err))
			continue
		}
		if s.Discovers {
			findings = append(findings, ok("stun-discovered", "%s sees this machine at %s, which clients will be told (auto).", server, seen))
			continue
		}
		if slices.ContainsFunc(told, func(a netip.AddrPort) bool { return a.Addr() == seen }) {
			findings = append(findings, ok("stun-same", "%s sees this machine at %s, which clients are told.", server, seen))
			continue
		}
		findings = append(findings, warning("stun-differs", "Set --public-ip "+seen.String()+" and forward the media port to this machine, if clients elsewhere are to take part.",
			"%s sees this machine at %s, and clients are told %s.", server, seen, list(told)))
	}
	return findings
}

func list(addrs []netip.AddrPort) string {
	if len(addrs) == 0 {
		return "nothing"
	}
	var text []string
	for _, a := range addrs {
		text = append(text, a.Addr().String())
	}
	return strings.Join(text, ", ")
}
