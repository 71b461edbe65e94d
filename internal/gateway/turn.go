package gateway

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/iceservers"
	"github.com/headgate/headgate/internal/peer"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/turn"
)

// unboundTTL is how long a TURN credential works that was told before there is a
// session.
const unboundTTL = 5 * time.Minute

// validateTURN adds what concerns other parts of the configuration.
func (c Config) validateTURN() error {
	err := c.TURN.Validate()
	if c.TURN.Enabled && c.TURN.TLSListen != "" && c.HTTP.HTTPS == "" {
		err = errors.Join(err, errors.New("turn.tls_listen: wants the certificate of http.https and http.tls"))
	}
	return err
}

// makeTURN makes the TURN server for the media host to know, if there is to be
// one.
func (g *Gateway) makeTURN() {
	if !g.cfg.TURN.Enabled {
		return
	}
	g.turn = turn.New(g.cfg.TURN, turn.Options{
		TTL: g.cfg.ICEServers.TTL, Lives: func(id string) bool { return g.sessions.Lives(id) },
		ListenPacket: peer.ListenPacket, TLS: g.server.TLSConfig(), Log: g.log, Now: time.Now,
	})
}

// startTURN opens its ports. Where there is HTTPS, TURN by TLS shares its port.
func (g *Gateway) startTURN(ctx context.Context) error {
	if g.turn == nil {
		return nil
	}
	var shared net.Listener
	if l := g.server.STUN(); l != nil {
		shared = l
	}
	return g.turn.Start(ctx, g.host, shared)
}

func (g *Gateway) closeTURN() error {
	if g.turn == nil {
		return nil
	}
	return g.turn.Close()
}

// TURN tells what the TURN server did; false without one.
func (g *Gateway) TURN() (turn.Stats, bool) {
	if g.turn == nil {
		return turn.Stats{}, false
	}
	return g.turn.Stats(), true
}

// iceServers makes the servers told to clients: those of the configuration, and
// our own. A credential of our own server is bound to the session, if there is one.
func (g *Gateway) iceServers(now time.Time, session string) []signaling.ICEServer {
	cfg, id, ttl := g.cfg.ICEServers, session, time.Duration(0)
	if id == "" {
		id, ttl = turn.NewUnboundID(), min(unboundTTL, cfg.TTL)
	}
	if g.turn != nil {
		plain, secure := g.turnHosts()
		if urls := g.turn.URLs(plain, secure); len(urls) > 0 {
			own := iceservers.Server{URLs: urls, Secret: auth.Secret(g.turn.Secret()), TTL: ttl}
			cfg.Servers = append(slices.Clone(cfg.Servers), own)
		}
	}
	return cfg.Mint(now, id)
}

// turnHosts are the hosts that clients are told: what is configured for TURN, else
// the first public address of media, else an address of each family. TLS wants the
// name of a certificate: that of the public URL, unless that is this machine.
func (g *Gateway) turnHosts() (plain, secure []string) {
	if h := g.cfg.TURN.Host; h != "" {
		return []string{h}, []string{h}
	}
	if public := g.cfg.Media.PublicAddresses; len(public) > 0 && public[0] != "auto" { // see peer.Config
		plain = public[:1]
	} else {
		plain = firstOfEachFamily(g.host.Addresses())
	}
	if u, err := url.Parse(g.cfg.HTTP.PublicURL); err == nil && u.Hostname() != "" && !isLoopback(u.Hostname()) {
		return plain, []string{u.Hostname()}
	}
	return plain, plain
}

func firstOfEachFamily(addrs []netip.AddrPort) (hosts []string) {
	for _, v6 := range []bool{false, true} {
		if i := slices.IndexFunc(addrs, func(a netip.AddrPort) bool { return a.Addr().Is6() == v6 }); i >= 0 {
			hosts = append(hosts, addrs[i].Addr().String())
		}
	}
	return hosts
}
