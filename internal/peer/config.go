package peer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/transport/v4"

	"github.com/headgate/headgate/internal/egress"
)

// Config says where media is received and what is advertised. Start from
// DefaultConfig.
type Config struct {
	// Media is the "host:port" of UDP and TCP, for example ":8190". Without a
	// host, and with "::", both address families are served. Port 0 picks one,
	// the same number for all sockets.
	Media string
	// PublicAddresses are IP addresses or DNS names under which the Media port
	// is reachable from outside. They are advertised instead of the machine's own
	// addresses. Names are resolved about once a minute. "auto" stands for what STUN
	// servers see.
	PublicAddresses []string
	// STUNServers, at most 8, "host" or "host:port", are asked from the media
	// sockets, at the start and every ten minutes, how clients outside see them: what
	// is seen and not advertised is warned of. Empty asks nobody, except for "auto",
	// which has servers of its own.
	STUNServers []string
	// PublicKeepsLocal advertises the machine's addresses too, after the public
	// ones: for clients on the same network whose router does not hairpin.
	PublicKeepsLocal bool
	// Interfaces are the only ones whose addresses are advertised; a name may end
	// in "*". Empty means all but loopback and the virtual ones of container
	// engines and hypervisors.
	Interfaces []string
	// TCP serves passive ICE-TCP (RFC 6544) on the same port number.
	TCP bool
	// IPv6 serves IPv6 where the machine has it.
	IPv6 bool
	// Lite makes every agent ICE-lite (RFC 8445 appendix A). Only for hosts that
	// every client can reach.
	Lite bool
	// DisconnectedAfter is the silence after which a connection counts as
	// disconnected, FailedAfter how much more makes it failed. Their sum also
	// bounds the wait for the first check; RFC 8863 section 4 recommends 39.5 s.
	DisconnectedAfter, FailedAfter time.Duration
	// Keepalive is the interval of our own checks of a selected pair.
	Keepalive time.Duration
	// LastStep is the fastest way to try of giving viewers' datagrams to the
	// system; empty means Segmented.
	LastStep egress.LastStep
	// Net and UDPConn replace the machine's network, for tests on a virtual one:
	// UDPConn is then the only socket.
	Net     transport.Net
	UDPConn net.PacketConn
	// Relay is a TURN server of this process; nil for none. Datagrams then take one
	// more hand-over between goroutines on their way in. A virtual network has none.
	Relay Relay
	// UDP and TCPListeners are sockets that were opened before, for example by systemd,
	// instead of those of Media; the Host closes them. All have one port number.
	// Without UDP they are not looked at.
	UDP          []*net.UDPConn
	TCPListeners []net.Listener
	// AllowLoopback advertises loopback addresses too.
	AllowLoopback bool
	// Log gets what concerns the sockets; the stack's own chatter goes there at
	// debug level. nil discards.
	Log *slog.Logger

	// lookup resolves names and interfaces lists the machine's addresses;
	// replaced by tests.
	lookup     func(ctx context.Context, name string) ([]netip.Addr, error)
	interfaces func() ([]localInterface, error)
	// discoverTimeout bounds a round of asking STUN servers; replaced by tests.
	discoverTimeout time.Duration
}

// DefaultConfig serves UDP and TCP port 8190 of both address families.
func DefaultConfig() Config {
	return Config{
		Media:             ":8190",
		TCP:               true,
		IPv6:              true,
		DisconnectedAfter: 6 * time.Second,
		FailedAfter:       34 * time.Second,
		Keepalive:         2 * time.Second,
	}
}

// Validate reports every bad field at once, named as in the configuration file.
func (c Config) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("media.%s: "+format, append([]any{field}, args...)...))
	}
	if _, err := parseMedia(c.Media); err != nil && c.UDPConn == nil {
		bad("listen", "%v", err)
	}
	for _, a := range c.PublicAddresses {
		if err := checkPublicAddress(a); err != nil {
			bad("public_addresses", "%v", err)
		}
	}
	if len(c.STUNServers) > maxSTUNServers {
		bad("stun_servers", "at most %d, got %d", maxSTUNServers, len(c.STUNServers))
	}
	for _, s := range c.STUNServers {
		if _, _, err := parseSTUNServer(s); err != nil {
			bad("stun_servers", "%v", err)
		}
	}
	for field, d := range map[string]time.Duration{
		"disconnected_after": c.DisconnectedAfter, "failed_after": c.FailedAfter, "keepalive": c.Keepalive,
	} {
		if d <= 0 {
			bad(field, "must be positive, got %v", d)
		}
	}
	return errors.Join(errs...)
}

// media is a parsed Config.Media.
type media struct {
	// addr is unspecified for all addresses of its family.
	addr netip.Addr
	// both tells that both families are meant.
	both bool
	port uint16
}

func parseMedia(s string) (media, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return media{}, fmt.Errorf("%q is not host:port", s)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return media{}, fmt.Errorf("%q has no port number from 0 to 65535", s)
	}
	m := media{addr: netip.IPv4Unspecified(), port: uint16(n)}
	switch host {
	case "", "::":
		m.both = true
		return m, nil
	case "localhost":
		m.addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		return m, nil
	}
	if m.addr, err = netip.ParseAddr(host); err != nil {
		return media{}, fmt.Errorf("%q does not start with an IP address", s)
	}
	m.addr = m.addr.Unmap()
	if m.addr.IsMulticast() {
		return media{}, fmt.Errorf("%q is a multicast address", s)
	}
	return m, nil
}

// checkPublicAddress accepts what can stand in a candidate after resolution.
func checkPublicAddress(s string) error {
	addr, err := netip.ParseAddr(s)
	switch {
	case err == nil && (addr.IsUnspecified() || addr.IsMulticast() || addr.Zone() != ""):
		return fmt.Errorf("%q can't be reached from anywhere", s)
	case err == nil:
		return nil
	case s == "" || strings.ContainsAny(s, " /:%@[]"):
		return fmt.Errorf("%q is neither an IP address nor a name; it takes no port, which is always that of media.listen", s)
	}
	return nil
}

func (c Config) logger() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}
