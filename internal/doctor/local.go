package doctor

import (
	"context"
	"net/netip"
	"time"
)

// Setup is what a configuration asks of the machine.
type Setup struct {
	// File names the configuration for sentences; empty without one. Invalid are
	// its mistakes, Missing the files it names that cannot be read.
	File             string
	Invalid, Missing []string
	// Sockets are network ("tcp", "udp"), address and setting of all that is opened;
	// HTTP and HTTPS are the addresses among them that a gateway answers at.
	Sockets     [][3]string
	HTTP, HTTPS string
	// LoopbackOnly tells that HTTP serves this machine only.
	LoopbackOnly bool
	PublicURL    string
	// Cert and Key are the PEM files of the certificate.
	Cert, Key string
	// PublicAddresses are what is advertised instead of the machine's addresses.
	PublicAddresses []string
	TrustedProxies  []string
	MaxSessions     int
	// KeyFile is where the gateway keeps its own key; empty when it needs none.
	KeyFile string
	// NTPServer and STUNServers are asked only if they are named; Discovers tells
	// that what the latter see is told to clients.
	NTPServer   string
	STUNServers []string
	Discovers   bool
}

// Machine is the world of Local. OfThisMachine is the real one.
type Machine struct {
	Now func() time.Time
	// Advertised lists the addresses told to clients.
	Advertised func(context.Context) ([]netip.AddrPort, error)
	// Bind opens and closes a socket: "tcp" or "udp".
	Bind func(ctx context.Context, network, address string) error
	// Running asks the gateway at an address for its settings.
	Running func(ctx context.Context, url string) (Running, error)
	// Sysctl reads a number of the kernel: "net.core.rmem_max".
	Sysctl func(name string) (int, error)
	// OpenFiles is how many descriptors this user's processes may have.
	OpenFiles func() (uint64, error)
	// LastStep is how datagrams can be given to the kernel.
	LastStep func(context.Context) (string, error)
	// Offset asks a time server how far this clock is ahead of it.
	Offset func(ctx context.Context, server string) (time.Duration, error)
	// Reflexive asks a STUN server which address it sees.
	Reflexive func(ctx context.Context, server string) (netip.Addr, error)
}

// Running is what a gateway says of itself.
type Running struct {
	Version string `json:"version"`
	WHIP    string `json:"whip"`
	// Forwarded tells whether forwarding headers of proxies came since it
	// started: "", "believed" or "ignored".
	Forwarded string `json:"forwarded"`
}

// Local checks a configuration and the machine below it. It opens sockets for a
// moment, and sends to nobody but a gateway on this machine and the servers that
// Setup names.
func Local(ctx context.Context, s Setup, m Machine) []Finding {
	findings := under("Configuration", configuration(s)...)
	if len(s.Invalid) > 0 {
		return findings // what it asks for is not known
	}
	running, isRunning := gatewayHere(ctx, s, m)
	findings = append(findings, under("Ports", ports(ctx, s, m.Bind, isRunning)...)...)
	findings = append(findings, under("Addresses told to clients", addresses(ctx, s, m.Advertised)...)...)
	findings = append(findings, under("Public address", stunView(ctx, s, m.Reflexive, m.Advertised)...)...)
	findings = append(findings, under("Certificate", certificate(s, m.Now())...)...)
	findings = append(findings, under("Clock", clock(ctx, s, m.Now(), m.Offset)...)...)
	findings = append(findings, under("System", system(ctx, s, m)...)...)
	findings = append(findings, under("State", state(s, m.Now())...)...)
	return append(findings, under("Running gateway", gateway(s, running, isRunning)...)...)
}
