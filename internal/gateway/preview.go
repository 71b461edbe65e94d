package gateway

import (
	"context"
	"net/netip"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/peer"
)

// Advertised lists the addresses that a gateway with this configuration would tell
// clients now, without starting it.
func (c Config) Advertised(ctx context.Context) ([]netip.AddrPort, error) {
	return peer.Preview(ctx, c.peer(nil))
}

// LoopbackOnly tells whether HTTP serves this machine only.
func (c Config) LoopbackOnly() bool { return c.loopbackOnly() }

// KeyFile names the file of the gateway's own key; empty where it would need none.
func (c Config) KeyFile() (string, error) {
	if !c.noAuth() || c.loopbackOnly() {
		return "", nil
	}
	dir, err := c.stateDir()
	if err != nil {
		return "", err
	}
	return auth.KeyFile(dir), nil
}
