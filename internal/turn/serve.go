package turn

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/turn/v5"
)

// realm is that of RFC 8656; clients only repeat it.
const realm = "headgate"

func (s *Server) newPion() (*pion.Server, error) {
	udp := &packets{PacketConn: s.udp, local: net.UDPAddrFromAddrPort(s.local(s.plainPort))}
	return pion.NewServer(pion.ServerConfig{
		Realm:             realm,
		AuthHandler:       s.authenticate,
		QuotaHandler:      s.admits,
		EventHandler:      s.events(),
		InboundMTU:        messageBytes,
		LoggerFactory:     &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled},
		PacketConnConfigs: []pion.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: generator{s}, PermissionHandler: s.grants}},
		ListenerConfigs:   []pion.ListenerConfig{{Listener: s.feed, RelayAddressGenerator: generator{s}, PermissionHandler: s.grants}},
	})
}

// ServeConn takes over a connection, TCP or TLS, and returns at once. What was
// read of it already must come again. The first byte of a client's is 0 or 1: it
// begins with a STUN message. The connection is closed if there are too many.
func (s *Server) ServeConn(conn net.Conn) {
	remote, local := addrPortOf(conn.RemoteAddr()), addrPortOf(conn.LocalAddr())
	c := &stream{
		Conn: conn, server: s, in: bufio.NewReaderSize(conn, messageBytes),
		local: net.TCPAddrFromAddrPort(s.local(local.Port())), remote: net.TCPAddrFromAddrPort(remote),
	}
	if !remote.IsValid() || !s.streams.add(c, s.cfg.MaxPerAddress) {
		_ = conn.Close()
		return
	}
	if !s.feed.push(c) {
		_ = c.Close()
	}
}

// authenticate is asked for the key of a user name, before pion looks whether the
// client has it too.
func (s *Server) authenticate(r *pion.RequestAttributes) (user string, key []byte, ok bool) {
	cred, ok := parseUser(r.Username)
	if !ok || !s.works(s.opt.Now(), r.Username, cred) {
		s.count.unauthorized.Add(1)
		return "", nil, false
	}
	return r.Username, pion.GenerateAuthKey(r.Username, r.Realm, password(s.secret, r.Username)), true
}

// admits bounds the allocations of a credential, and of an address.
func (s *Server) admits(user, _ string, client net.Addr) bool {
	key := keyOf(client)
	ok := s.table.ofClient(key) == nil && len(s.table.ofUser(user)) < s.cfg.MaxPerCredential &&
		s.table.ofNetwork(key.addr.Addr()) < s.cfg.MaxPerAddress
	if !ok {
		s.count.refused.Add(1)
	}
	return ok
}

// grantsFor is how old an allocation may be that is given a new permission.
const grantsFor = (shortestLifetime - 60) * time.Second

// grants permits our media and nothing else. It only spares clients a wait:
// allocation.WriteTo decides what passes.
//
// Pion takes an allocation's end in the middle of giving it a permission very badly
// (it stops a timer that it did not make yet). So there are no new permissions at
// a time when the allocation could end by itself, or when we are about to end it.
func (s *Server) grants(client net.Addr, peer net.IP) bool {
	now := s.opt.Now()
	ip, _ := netip.AddrFromSlice(peer)
	ip = ip.Unmap()
	a := s.table.ofClient(keyOf(client))
	if a == nil || !s.destinations.haveIP(now, ip) {
		s.count.strayed.Add(1)
		return false
	}
	return a.permits(ip) || a.doomed.Load() == 0 && now.Sub(a.created) < grantsFor
}

// events are what pion tells of allocations. It holds locks meanwhile.
func (s *Server) events() pion.EventHandler {
	return pion.EventHandler{
		OnAllocationCreated: func(client, _ net.Addr, _, user, _ string, relay net.Addr, _ int) {
			if a := s.table.at(addrPortOf(relay)); a != nil {
				s.opt.Log.Debug("relay", "allocated", a.addr, "client", client, "network", client.Network(), "user", user)
				if !s.table.own(a, keyOf(client), s.cfg.MaxPerAddress) {
					a.doom(s.opt.Now())
				}
			}
		},
		OnPermissionCreated: func(_, _ net.Addr, _, _, _ string, relay net.Addr, peer net.IP) { s.permitted(relay, peer, true) },
		OnPermissionDeleted: func(_, _ net.Addr, _, _, _ string, relay net.Addr, peer net.IP) { s.permitted(relay, peer, false) },
		OnChannelCreated: func(_, _ net.Addr, _, _, _ string, relay, _ net.Addr, _ uint16) {
			if a := s.table.at(addrPortOf(relay)); a != nil && a.channels.Add(1) > maxChannels {
				a.doom(s.opt.Now())
			}
		},
	}
}

func (s *Server) permitted(relay net.Addr, peer net.IP, has bool) {
	if a := s.table.at(addrPortOf(relay)); a != nil {
		ip, _ := netip.AddrFromSlice(peer)
		a.permit(ip.Unmap(), has)
	}
}

const (
	// sweepEvery is how often allocations are looked at.
	sweepEvery = 2 * time.Second
	// doomFor is the time between the last new permission of an allocation and its
	// end; see Server.grants.
	doomFor = time.Second
)

func (s *Server) keepSweeping(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweepOnce(s.opt.Now())
		}
	}
}

// sweepOnce ends allocations whose credential works no more.
func (s *Server) sweepOnce(now time.Time) {
	for _, a := range s.table.all() {
		switch doomed := a.doomed.Load(); {
		case doomed == 0 && !s.works(now, a.user, a.cred):
			a.doom(now)
		case doomed != 0 && now.Sub(time.Unix(0, doomed)) >= doomFor:
			s.opt.Log.Debug("relay", "ended", a.addr, "user", a.user)
			a.end()
		}
	}
}
