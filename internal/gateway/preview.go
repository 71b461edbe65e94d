package gateway

import (
	"context"
	"net/netip"
	"slices"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/peer"
)

// Advertised lists the addresses that a gateway with this configuration would tell
// clients now, without starting it.
func (c Config) Advertised(ctx context.Context) ([]netip.AddrPort, error) {
	return peer.Preview(ctx, c.peer(nil))
}

// AskedServers are the STUN servers that such a gateway asks.
func (c Config) AskedServers() []string { return c.peer(nil).AskedServers() }

// Discovers tells that what STUN servers see is advertised.
func (c Config) Discovers() bool { return slices.Contains(c.Media.PublicAddresses, "auto") }

// Sockets lists the network, address and setting of every socket such a gateway
// opens.
func (c Config) Sockets() [][3]string {
	list := [][3]string{{"tcp", c.HTTP.HTTP, "http.http"}, {"tcp", c.HTTP.HTTPS, "http.https"}, {"udp", c.Media.Listen, "media.listen"}}
	if c.Media.TCP {
		list = append(list, [3]string{"tcp", c.Media.Listen, "media.listen"})
	}
	if c.TURN.Enabled {
		list = append(list, [3]string{"udp", c.TURN.Listen, "turn.listen"}, [3]string{"tcp", c.TURN.Listen, "turn.listen"}, [3]string{"tcp", c.TURN.TLSListen, "turn.tls_listen"})
	}
	list = append(list, [3]string{"tcp", c.Operations.Listen, "operations.listen"})
	return slices.DeleteFunc(list, func(s [3]string) bool { return s[1] == "" })
}

// LoopbackOnly tells whether HTTP serves this machine only.
func (c Config) LoopbackOnly() bool { return c.loopbackOnly() }

// KeyFile names the file of the gateway's own key; empty where it would need none.
func (c Config) KeyFile() (string, error) {
	if !c.openElsewhere() && (!c.noAuth() || c.loopbackOnly()) {
		return "", nil
	}
	dir, err := c.stateDir()
	if err != nil {
		return "", err
	}
	return auth.KeyFile(dir), nil
}
