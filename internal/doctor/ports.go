package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// port is a socket the gateway wants.
type port struct{ network, address, setting string }

// ports tries every socket. A gateway that runs here with the same configuration
// holds them itself.
func ports(ctx context.Context, s Setup, bind func(ctx context.Context, network, address string) error, running bool) (findings []Finding) {
	for _, socket := range s.Sockets {
		p := port{socket[0], socket[1], socket[2]}
		findings = append(findings, portFinding(p, bind(ctx, p.network, p.address), running))
	}
	return findings
}

func portFinding(p port, err error, running bool) Finding {
	_, number, _ := net.SplitHostPort(p.address)
	switch {
	case err == nil:
		return ok("port-free", "%s %s (%s) is free.", p.network, p.address, p.setting)
	case errors.Is(err, syscall.EADDRINUSE) && running:
		return ok("port-held-by-headgate", "%s %s (%s) is held, and a headgate runs here.", p.network, p.address, p.setting)
	case errors.Is(err, syscall.EADDRINUSE):
		return fault("port-taken", fmt.Sprintf("Find out who has it with: ss -lnp 'sport = :%s'. End that, or set %s to another port.", number, p.setting),
			"%s %s (%s) is taken by another program.", p.network, p.address, p.setting)
	case errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM):
		return fault("port-forbidden", "Ports below 1024 need a right: AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit, or: setcap cap_net_bind_service=+ep on the binary. Or use a higher port.",
			"%s %s (%s) may not be opened by this user.", p.network, p.address, p.setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fault("port-address-missing", fmt.Sprintf("Set %s to an address this machine has, or leave the address out to listen on all: \":%s\". Public addresses belong into media.public_addresses.", p.setting, number),
			"%s %s (%s): this machine does not have that address.", p.network, p.address, p.setting)
	}
	return fault("port-unusable", "Correct "+p.setting+".", "%s %s (%s) cannot be opened: %v.", p.network, p.address, p.setting, err)
}
