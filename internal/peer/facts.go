package peer

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pion/ice/v4"
)

// Facts are what a connection can tell of how it came about, for diagnoses.
type Facts struct {
	// Advertised are the addresses of the answer, Public tells that public ones are
	// configured, TCP that ICE-TCP is served.
	Advertised  []netip.AddrPort
	Public, TCP bool
	// Checks counts authenticated binding requests of the client, over all ICE
	// generations; From are the first addresses they came from, at most maxSources.
	Checks                uint64
	FirstCheck, LastCheck time.Time
	From                  []netip.AddrPort
	// Replies counts the client's answers to our own checks.
	Replies uint64
	// Protocol and Remote are those of the selected pair, or of the last one there
	// was.
	Protocol string
	Remote   netip.AddrPort
	// Certificate tells that the client showed a certificate before DTLS failed.
	Certificate bool
}

// maxSources bounds Facts.From.
const maxSources = 4

// Facts returns what is known now. Safe for concurrent use, also after Close.
func (c *Conn) Facts() Facts {
	f := c.paths.facts()
	f.Advertised = c.advertised
	f.Public, f.TCP = len(c.host.cfg.PublicAddresses) > 0, c.host.tcp != nil
	f.Certificate = c.certificate.Load()
	return f
}

// heard is what came on all pairs of all generations. The lock of paths guards it.
type heard struct {
	checks      uint64
	first, last time.Time
	from        []netip.AddrPort
	replies     uint64 // on the pairs of earlier generations
	remote      netip.AddrPort
	proto       string
}

func (h *heard) check(now time.Time, remote netip.AddrPort) {
	h.checks++
	if h.first.IsZero() {
		h.first = now
	}
	h.last = now
	if len(h.from) < maxSources && !slices.Contains(h.from, remote) {
		h.from = append(h.from, remote)
	}
}

func repliesOn(pairs map[netip.AddrPort]*ice.CandidatePair) (n uint64) {
	for _, p := range pairs {
		n += uint64(p.ResponsesReceived())
	}
	return n
}

func (p *paths) facts() Facts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Facts{
		Checks: p.heard.checks, FirstCheck: p.heard.first, LastCheck: p.heard.last, From: slices.Clone(p.heard.from),
		Replies: p.heard.replies + repliesOn(p.pairs), Protocol: p.heard.proto, Remote: p.heard.remote,
	}
}
