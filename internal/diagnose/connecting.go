package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/netclass"
)

// patience is how long after the answer a client that was not heard of is suspect.
// Encoders begin at once, browsers when they have the answer.
const patience = 5 * time.Second

// connecting explains a session that does not get, or never got, a connection.
// What keeps checks from coming stands first: the addresses, then the way.
var connecting = []entry{
	{"only-container-address", func(s *Session) (string, string) {
		if !s.unheard() || s.Network.Public || !s.only(netclass.Container) {
			return "", ""
		}
		engine := netclass.Engine(s.Network.Advertised[0].Addr())
		return fmt.Sprintf("The %s was offered only %s, an address inside a network of %s that nobody outside this machine can reach.",
				s.who(), addresses(s.Network.Advertised), engine),
			fmt.Sprintf("Set --public-ip to the machine's own address and forward UDP and TCP port %d to the container, or use the host's network.", s.port())
	}},
	{"loopback-only", func(s *Session) (string, string) {
		if !s.unheard() || s.Client.IsLoopback() || !s.only(netclass.Loopback) {
			return "", ""
		}
		return fmt.Sprintf("The %s at %s was offered only %s, which reaches nothing but the gateway's own machine.", s.who(), s.Client, addresses(s.Network.Advertised)),
			"Let media listen on all addresses (media.listen: \":8190\"), or name an address with --public-ip."
	}},
	{"private-address-only", func(s *Session) (string, string) {
		if !s.unheard() || s.reachable() || !s.remote() || len(s.Network.Advertised) == 0 {
			return "", ""
		}
		return fmt.Sprintf("The %s at %s was offered only %s, which cannot be reached from outside the gateway's own network.", s.who(), s.Client, addresses(s.Network.Advertised)),
			fmt.Sprintf("Set --public-ip to the public address, and forward UDP and TCP port %d there to this machine.", s.port())
	}},
	{"ice-timeout-late", func(s *Session) (string, string) {
		if !s.Ended || s.Late == 0 || !s.ICE.Connected.IsZero() || !s.gaveUp() {
			return "", ""
		}
		return fmt.Sprintf("The %s went on %s after the gateway had waited for %s and ended the session.", s.who(), took(s.LastLate), took(s.At.Sub(s.Posted))),
			"Ask for camera and microphone before the POST, or give clients more time (sessions.handshake_timeout, media.failed_after)."
	}},
	{"counter-offer-unanswered", func(s *Session) (string, string) {
		if !s.Ended || s.Reason != "counter-offer-expired" {
			return "", ""
		}
		return fmt.Sprintf("The %s was made a counter-offer (406) and did not answer it within %s.", s.who(), took(s.At.Sub(s.Posted))),
			"Most players know no counter-offers: set sessions.counter_offer to asked, and use ?offer=server only in addresses for those that do."
	}},
	{"abandoned-post", func(s *Session) (string, string) {
		if !s.Ended || !s.silent() || !s.gaveUp() || s.Requests > 0 {
			return "", ""
		}
		return fmt.Sprintf("The %s took the answer and was never heard of again, neither over HTTP nor on the media port.", s.who()),
			fmt.Sprintf("Look at the client's own log: it may not have been able to read the answer or its Location (a page: cors.origins), or have refused it; else see that UDP port %d is open.", s.port())
	}},
	{"public-address-wrong", func(s *Session) (string, string) {
		if !s.unheard() || !s.Network.Public && len(s.Network.Untold) == 0 {
			return "", ""
		}
		if len(s.Network.Untold) > 0 {
			seen := s.Network.Untold[0]
			return fmt.Sprintf("Nothing came from the %s: it was told to send to %s, but from outside this gateway is seen at %s.", s.who(), addresses(s.Network.Advertised), seen),
				fmt.Sprintf("Set --public-ip auto, or --public-ip %s, and see that UDP port %d is forwarded and open there.", seen, s.port())
		}
		return fmt.Sprintf("Nothing came from the %s: nothing that is sent to %s, port %d, seems to arrive at this gateway.", s.who(), addresses(s.Network.Advertised), s.port()),
			fmt.Sprintf("See whether that is this machine's public address (--public-ip, media.public_addresses) and UDP port %d is forwarded and open there.", s.port())
	}},
	{"tcp-off", func(s *Session) (string, string) {
		if !s.unheard() || s.Network.TCP || s.Offer.Candidates.TCP == 0 {
			return "", ""
		}
		return fmt.Sprintf("No UDP of the %s arrived; it could have used TCP, which is switched off here.", s.who()),
			fmt.Sprintf("Open UDP port %d in every firewall between, or switch media.tcp on.", s.port())
	}},
	{"mdns-only", func(s *Session) (string, string) {
		if c := s.Offer.Candidates; !s.unheard() || c.Hidden == 0 || c.Hidden != c.total() {
			return "", ""
		}
		return fmt.Sprintf("No check of the %s arrived at %s, and it told only hidden addresses (names that end in .local), so that the gateway could not try from its side.", s.who(), addresses(s.Network.Advertised)),
			fmt.Sprintf("Open port %d, UDP and TCP, towards the gateway; on another network a browser that may use camera or microphone tells its addresses.", s.port())
	}},
	{"no-check-arrived", func(s *Session) (string, string) {
		if !s.unheard() || s.Offer.Candidates.TCP == 0 {
			return "", ""
		}
		return fmt.Sprintf("Nothing of the %s arrived on port %d of %s, neither by UDP nor by TCP.", s.who(), s.port(), addresses(s.Network.Advertised)),
			fmt.Sprintf("Open port %d for UDP and TCP in the firewall of this machine, of its provider, and of the client's network.", s.port())
	}},
	{"udp-blocked", func(s *Session) (string, string) {
		if !s.unheard() {
			return "", ""
		}
		return fmt.Sprintf("No UDP of the %s arrived on port %d of %s, and it did not try TCP.", s.who(), s.port(), addresses(s.Network.Advertised)),
			fmt.Sprintf("Open UDP port %d in the firewall of this machine, of its provider, and of the client's network.", s.port())
	}},
	{"checks-one-way", func(s *Session) (string, string) {
		if s.ICE.Checks == 0 || !s.ICE.Connected.IsZero() || s.ICE.Replies > 0 || s.since(s.ICE.FirstCheck) < patience {
			return "", ""
		}
		return fmt.Sprintf("The gateway heard %d checks of the %s from %s, but nothing it sends there arrives.", s.ICE.Checks, s.who(), addresses(s.ICE.From)),
			fmt.Sprintf("Let UDP from port %d of the gateway out, and answers in at the client; a firewall or a NAT between lets one direction through only.", s.port())
	}},
	{"dtls-fingerprint-mismatch", func(s *Session) (string, string) {
		if s.broken().IsZero() || !s.DTLS.Mismatch {
			return "", ""
		}
		return fmt.Sprintf("The %s encrypts with another certificate than its offer announced.", s.who()),
			"Send the offer unchanged: something between the client and the gateway rewrote a=fingerprint, or the client mixed two connections up."
	}},
	{"dtls-refused", func(s *Session) (string, string) {
		const remedy = "Look at the client's log; most often the answer's a=fingerprint was changed on its way to the client, by a proxy or a script."
		switch {
		case !s.broken().IsZero() && s.DTLS.Certificate:
			return fmt.Sprintf("The %s broke the encryption handshake off, %s after it began, when it saw the gateway's certificate.", s.who(), took(s.broken().Sub(s.DTLS.Started))), remedy
		case !s.DTLS.Closed.IsZero() && !s.DTLS.Connected.IsZero() && s.DTLS.Closed.Sub(s.DTLS.Connected) < time.Second && (s.Publisher == nil || s.Publisher.Packets == 0):
			return fmt.Sprintf("The %s closed the connection %s after the encryption handshake, before any media.", s.who(), took(s.DTLS.Closed.Sub(s.DTLS.Connected))), remedy
		}
		return "", ""
	}},
	{"dtls-timeout", func(s *Session) (string, string) {
		if s.DTLS.Started.IsZero() || !s.DTLS.Connected.IsZero() || s.until(s.DTLS.Failed).Sub(s.DTLS.Started) < 20*time.Second {
			return "", ""
		}
		return fmt.Sprintf("The %s at %s answers checks, but its encryption handshake was not done after %s.", s.who(), s.from(), took(s.until(s.DTLS.Failed).Sub(s.DTLS.Started))),
			"See whether a firewall drops DTLS or large datagrams (packets of 1200 bytes have to pass), and whether the client took the answer."
	}},
	{"dtls-alert", func(s *Session) (string, string) {
		if s.broken().IsZero() {
			return "", ""
		}
		return fmt.Sprintf("The encryption handshake with the %s at %s was broken off after %s.", s.who(), s.from(), took(s.broken().Sub(s.DTLS.Started))),
			"Update the client: it shares no DTLS cipher or SRTP profile with this gateway (AES-128-GCM, AES-256-GCM, AES-128 with SHA-1), or refused the certificate."
	}},
}

// broken is when the handshake failed, by us or by the client; zero if it did not.
func (s *Session) broken() time.Time {
	switch {
	case !s.DTLS.Connected.IsZero():
		return time.Time{}
	case !s.DTLS.Failed.IsZero():
		return s.DTLS.Failed
	}
	return s.DTLS.Closed
}

// unheard tells that the answer was given and the client had time, but nothing of
// it came to the media port. A session that ended for another reason says nothing.
func (s *Session) unheard() bool {
	return s.silent() && (s.gaveUp() || s.Reason == "deleted" || !s.Ended) && s.At.Sub(s.ICE.Answered) >= patience
}

func (s *Session) silent() bool {
	return !s.Refused && !s.ICE.Answered.IsZero() && s.ICE.Checks == 0 && s.ICE.Connected.IsZero()
}

// gaveUp tells that the gateway ended a session that did not connect.
func (s *Session) gaveUp() bool { return s.Reason == "ice-failed" || s.Reason == "handshake-timeout" }

// since is how long before the facts were taken a moment was.
func (s *Session) since(t time.Time) time.Duration { return s.At.Sub(t) }

// until is a moment, or now if it did not come.
func (s *Session) until(t time.Time) time.Time {
	if t.IsZero() {
		return s.At
	}
	return t
}

// only tells that every address the client was told is of a class.
func (s *Session) only(class netclass.Class) bool {
	other := func(a netip.AddrPort) bool { return netclass.Of(a.Addr()) != class }
	return len(s.Network.Advertised) > 0 && !slices.ContainsFunc(s.Network.Advertised, other)
}

// reachable tells that one of the addresses could be reached by the client.
func (s *Session) reachable() bool {
	return slices.ContainsFunc(s.Network.Advertised, func(a netip.AddrPort) bool { return netclass.Reaches(s.Client, a.Addr()) })
}

// remote tells that the client is on another network, by the address of its POST.
func (s *Session) remote() bool {
	c := netclass.Of(s.Client)
	return c == netclass.Public || c == netclass.Reserved
}

// from is where the client was heard from.
func (s *Session) from() string {
	if s.ICE.Remote.IsValid() {
		return s.ICE.Remote.String()
	}
	return strings.TrimSpace(addresses(s.ICE.From))
}
