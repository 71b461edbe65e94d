package peer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// autoAddress in Config.PublicAddresses stands for what STUN servers see.
const autoAddress = "auto"

const (
	// discoverEvery is the interval of asking, discoverRetry that after a failure.
	discoverEvery, discoverRetry = 10 * time.Minute, time.Minute
	// discoverTimeout bounds one round: with auto, nobody is served before.
	discoverTimeout = 4 * time.Second
	// maxSTUNServers bounds Config.STUNServers; each is asked once per family.
	maxSTUNServers = 8
	stunPort       = 3478
)

// usualSTUNServers are asked where the operator wants auto and names no server.
var usualSTUNServers = []string{"stun.cloudflare.com:3478", "stun.l.google.com:19302"}

// stunServers are those to ask; none means that STUN is off.
func (c Config) stunServers() []string {
	if len(c.STUNServers) == 0 && slices.Contains(c.PublicAddresses, autoAddress) {
		return usualSTUNServers
	}
	return c.STUNServers
}

// parseSTUNServer reads "host", "host:port" and the forms of RFC 7064.
func parseSTUNServer(s string) (host string, port uint16, err error) {
	wrong := fmt.Errorf("%q must look like stun.example.com or stun.example.com:3478", s)
	host = strings.TrimPrefix(s, "stun:")
	port = stunPort
	if h, p, err := net.SplitHostPort(host); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, wrong
		}
		host, port = h, uint16(n)
	}
	if _, err := netip.ParseAddr(host); err != nil && (host == "" || strings.ContainsAny(host, " /:?%@[]")) {
		return "", 0, wrong
	}
	return host, port, nil
}

// discovery asks STUN servers how clients outside see the media port, and says
// when that is not what is advertised. It belongs to one goroutine.
type discovery struct {
	host *Host
	auto bool
	// said are the warnings given, so that each is given once.
	said map[string]bool
	last []netip.AddrPort
}

// startDiscovering asks once before anybody is answered if the answer is to be
// advertised, else in the background.
func (h *Host) startDiscovering(ctx context.Context) {
	if h.sockets == nil || len(h.cfg.stunServers()) == 0 {
		return
	}
	d := &discovery{host: h, auto: slices.Contains(h.cfg.PublicAddresses, autoAddress), said: make(map[string]bool)}
	found := d.auto && d.round(ctx)
	h.work.Go(func() { d.keep(ctx, found) })
}

func (d *discovery) keep(ctx context.Context, found bool) {
	if !d.auto {
		found = d.round(ctx)
	}
	for {
		wait := discoverEvery
		if !found {
			wait = discoverRetry
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			found = d.round(ctx)
		}
	}
}

// round asks every server once and acts on the answers; false without any.
func (d *discovery) round(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, d.host.cfg.discoverTimeout)
	defer cancel()
	seen := d.ask(limited)
	if ctx.Err() != nil {
		return false
	}
	if len(seen) == 0 {
		d.warn("no STUN server answered, so it is not known how clients see this gateway",
			"servers", strings.Join(d.host.cfg.stunServers(), " "), "remedy", "let UDP out to them, or name the address: --public-ip ADDRESS")
		return false
	}
	d.host.seen.Store(&seen)
	if d.auto {
		d.advertise(seen)
	}
	d.compare(seen)
	return true
}

// ask returns what was seen, one address per family: that of the first server in
// the list that answered.
func (d *discovery) ask(ctx context.Context) []netip.AddrPort {
	servers := d.resolve(ctx)
	answers := make([]netip.AddrPort, len(servers))
	var asking sync.WaitGroup
	for i, s := range servers {
		asking.Go(func() {
			seen, err := d.host.sockets.questions.ask(ctx, d.host.sockets.WriteToAddrPort, s)
			if err != nil {
				d.host.log.Debug("a STUN server does not answer", "server", s.String(), "err", err)
				return
			}
			answers[i] = seen
		})
	}
	asking.Wait()
	answers = slices.DeleteFunc(answers, func(a netip.AddrPort) bool { return !a.IsValid() })
	slices.SortStableFunc(answers, func(a, b netip.AddrPort) int { return a.Addr().BitLen() - b.Addr().BitLen() })
	return firstOfFamily(answers)
}

// resolve looks the servers up: one address per server and family we have.
func (d *discovery) resolve(ctx context.Context) (servers []netip.AddrPort) {
	v4, v6 := d.host.sockets.families()
	for _, s := range d.host.cfg.stunServers() {
		host, port, err := parseSTUNServer(s)
		if err != nil {
			continue // the configuration was checked
		}
		addrs, err := d.host.cfg.lookup(ctx, host)
		if err != nil {
			d.host.log.Debug("cannot resolve a STUN server", "server", s, "err", err)
		}
		var got4, got6 bool
		for _, a := range addrs {
			switch a = a.Unmap(); {
			case a.Is4() && v4 && !got4:
				got4 = true
			case a.Is6() && v6 && !got6:
				got6 = true
			default:
				continue
			}
			servers = append(servers, netip.AddrPortFrom(a, port))
		}
	}
	return servers
}

// advertise makes the address book tell what was seen.
func (d *discovery) advertise(seen []netip.AddrPort) {
	addrs := make([]netip.Addr, len(seen))
	for i, s := range seen {
		addrs[i] = s.Addr()
	}
	d.host.book.discover(addrs)
	if !slices.Equal(seen, d.last) {
		d.last = seen
		d.host.log.Info("clients outside see media at", "addresses", fmt.Sprint(seen))
	}
}

// compare warns of what keeps clients away: another address than they are told,
// or another port.
func (d *discovery) compare(seen []netip.AddrPort) {
	told := d.host.Addresses()
	for _, a := range untold(told, seen) {
		d.warn("clients outside see this gateway at an address that they are not told",
			"seen", a.String(), "told", fmt.Sprint(told), "remedy", "--public-ip auto, or --public-ip "+a.String())
	}
	for _, s := range seen {
		if port := d.host.addr.Port(); s.Port() != port {
			d.warn("a router in front of this machine maps the media port to another one: clients are told the real one",
				"media_port", port, "seen", s.String(),
				"remedy", fmt.Sprintf("forward UDP and TCP port %d of the router to this machine", port))
		}
	}
}

// untold are the addresses that were seen and not told, of the families that were.
func untold(told, seen []netip.AddrPort) (addrs []netip.Addr) {
	for _, s := range seen {
		if family, known := tells(told, s.Addr()); family && !known {
			addrs = append(addrs, s.Addr())
		}
	}
	return addrs
}

// tells reports whether told has an address of a's family, and a itself. Who names
// public addresses of one family only does not want the other.
func tells(told []netip.AddrPort, a netip.Addr) (family, known bool) {
	for _, t := range told {
		family = family || t.Addr().Is4() == a.Is4()
		known = known || t.Addr() == a
	}
	return family, known
}

func (d *discovery) warn(what string, attrs ...any) {
	key := fmt.Sprint(append([]any{what}, attrs...)...)
	if d.said[key] || len(d.said) > 100 {
		return
	}
	d.said[key] = true
	d.host.log.Warn(what, attrs...)
}
