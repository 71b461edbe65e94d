package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// AskedServers are the STUN servers that a host with this configuration asks.
func (c Config) AskedServers() []string { return c.stunServers() }

// Preview lists what a host with this configuration would advertise now, without
// opening a socket or asking a STUN server. Names that cannot be resolved are an error beside the rest.
func Preview(ctx context.Context, cfg Config) ([]netip.AddrPort, error) {
	m, err := parseMedia(cfg.Media)
	if err != nil {
		return nil, err
	}
	b := &addressBook{cfg: cfg, log: cfg.logger(), port: m.port, resolved: map[string][]netip.Addr{}}
	if b.cfg.lookup == nil {
		b.cfg.lookup = lookupName
	}
	if b.cfg.interfaces == nil {
		b.cfg.interfaces = machineInterfaces
	}
	both := m.both && cfg.IPv6
	b.v4, b.v6 = m.addr.Is4() || both, m.addr.Is6() || both
	if !m.addr.IsUnspecified() {
		b.bound = m.addr
	}
	if b.hasNames() && !b.resolve(ctx) {
		err = b.unresolved()
	}
	return b.list(time.Now()), err
}

// unresolved names the public names without addresses.
func (b *addressBook) unresolved() error {
	var errs []error
	for _, name := range b.cfg.PublicAddresses {
		if isHostName(name) && len(b.resolved[name]) == 0 {
			errs = append(errs, fmt.Errorf("the public address %s cannot be resolved", name))
		}
	}
	return errors.Join(errs...)
}

func lookupName(ctx context.Context, name string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", name)
}
