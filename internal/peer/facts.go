package peer

import (
	"crypto/x509"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
	"github.com/pion/ice/v4"
)

// Facts are what a connection can tell of how it came about, for diagnoses.
type Facts struct {
	// Advertised are the addresses of the answer, Public tells that public ones are
	// configured, TCP that ICE-TCP is served.
	Advertised  []netip.AddrPort
	Public, TCP bool
	// Untold are addresses at which STUN servers see the gateway and which the answer
	// did not name.
	Untold []netip.Addr
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
	// Certificate tells that the client showed a certificate before DTLS failed,
	// Mismatch that it was not the one of the fingerprint in the offer.
	Certificate, Mismatch bool
}

// fits tells whether a certificate is the one that a fingerprint in the offer
// announces (RFC 8122 section 5).
func fits(der []byte, offer string) bool {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return false
	}
	for line := range strings.Lines(offer) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=fingerprint:")
		algorithm, want, _ := strings.Cut(value, " ")
		if !ok {
			continue
		}
		hash, err := fingerprint.HashFromString(algorithm)
		if err != nil {
			continue
		}
		if got, err := fingerprint.Fingerprint(certificate, hash); err == nil && strings.EqualFold(got, want) {
			return true
		}
	}
	return false
}

// maxSources bounds Facts.From.
const maxSources = 4

// Facts returns what is known now. Safe for concurrent use, also after Close.
func (c *Conn) Facts() Facts {
	f := c.paths.facts()
	f.Advertised = c.advertised
	f.Public, f.TCP = len(c.host.cfg.PublicAddresses) > 0, c.host.tcp != nil
	if seen := c.host.seen.Load(); seen != nil {
		f.Untold = untold(c.advertised, *seen)
	}
	f.Certificate, f.Mismatch = c.certificate.Load(), c.mismatch.Load()
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
