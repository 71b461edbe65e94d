package audience

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// answer is what a viewer needs of a server's answer.
type answer struct {
	ufrag, pwd string
	prints     []fingerprint
	// active says that the server begins the handshake.
	active     bool
	candidates []candidate
	// named are candidates with a host name instead of an address.
	named []namedCandidate
	types map[uint8]payloadType
	// repair maps the SSRC of retransmissions to that of their media, where the
	// answer tells (RFC 5576 section 4.2).
	repair map[uint32]uint32
	// transportCC and absSendTime are the ids of the header extensions, 0 if they
	// were not answered.
	transportCC uint8
}

// payloadType is one answered format.
type payloadType struct {
	video bool
	name  string // in lower case
	clock uint32
	// apt is the type that an rtx repairs, noType without.
	apt                          int
	nack, pli, remb, transportCC bool
}

const noType = -1

// fingerprint is one of a certificate; its hash is in lower case, its value in
// upper.
type fingerprint struct{ hash, value string }

// candidate is one UDP address of the server.
type candidate struct {
	addr     netip.AddrPort
	priority uint64
}

// namedCandidate has to be looked up first.
type namedCandidate struct {
	host     string
	port     uint16
	priority uint64
}

var (
	errNoCredentials = errors.New("the answer has no ICE credentials")
	errNoFingerprint = errors.New("the answer has no fingerprint")
	errNoCandidate   = errors.New("the answer has no UDP candidate with an address")
	errNoMedia       = errors.New("the answer accepts no media")
)

// parseAnswer reads an answer with no more care than it needs: attributes count
// wherever they stand, what is not understood is skipped. With BUNDLE all sections
// share one transport, and the first value of each is theirs.
func parseAnswer(text string) (*answer, error) {
	a := &answer{types: map[uint8]payloadType{}, repair: map[uint32]uint32{}}
	p := answerParser{answer: a}
	for line := range strings.SplitSeq(text, "\n") {
		p.line(strings.TrimRight(line, "\r "))
	}
	switch {
	case len(a.types) == 0:
		return nil, errNoMedia
	case a.ufrag == "" || a.pwd == "":
		return nil, errNoCredentials
	case len(a.prints) == 0:
		return nil, errNoFingerprint
	case len(a.candidates)+len(a.named) == 0:
		return nil, errNoCandidate
	}
	slices.SortStableFunc(a.candidates, func(x, y candidate) int { return cmp.Compare(y.priority, x.priority) })
	return a, nil
}

// resolve looks names up if there are no addresses.
func (a *answer) resolve(ctx context.Context) error {
	if len(a.candidates) > 0 {
		return nil
	}
	var failed error
	for _, n := range a.named {
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", n.host)
		failed = errors.Join(failed, err)
		for _, addr := range addrs {
			a.candidates = append(a.candidates, candidate{netip.AddrPortFrom(addr.Unmap(), n.port), n.priority})
		}
	}
	if len(a.candidates) == 0 {
		return errors.Join(errNoCandidate, failed)
	}
	return nil
}

// answerParser knows which section it is in.
type answerParser struct {
	*answer
	video   bool
	refused bool
	numbers []uint8
}

func (p *answerParser) line(line string) {
	if media, ok := strings.CutPrefix(line, "m="); ok {
		p.media(media)
		return
	}
	attribute, ok := strings.CutPrefix(line, "a=")
	if !ok {
		return
	}
	key, value, _ := strings.Cut(attribute, ":")
	if p.refused && key != "candidate" {
		return
	}
	p.attribute(key, strings.TrimSpace(value))
}

// media begins a section: "video 9 UDP/TLS/RTP/SAVPF 96 97".
func (p *answerParser) media(value string) {
	fields := strings.Fields(value)
	p.video, p.refused, p.numbers = false, true, nil
	if len(fields) < 4 {
		return
	}
	p.video = fields[0] == "video"
	p.refused = fields[1] == "0" || !p.video && fields[0] != "audio"
	if p.refused {
		return
	}
	for _, f := range fields[3:] {
		if n, err := strconv.ParseUint(f, 10, 7); err == nil {
			p.numbers = append(p.numbers, uint8(n))
			p.types[uint8(n)] = payloadType{video: p.video, apt: noType}
		}
	}
}

func (p *answerParser) attribute(key, value string) {
	switch key {
	case "ice-ufrag":
		first(&p.ufrag, value)
	case "ice-pwd":
		first(&p.pwd, value)
	case "fingerprint":
		if hash, digits, ok := strings.Cut(value, " "); ok {
			p.prints = append(p.prints, fingerprint{strings.ToLower(hash), strings.ToUpper(strings.TrimSpace(digits))})
		}
	case "setup":
		p.active = p.active || value == "active"
	case "candidate":
		p.candidate(value)
	case "extmap":
		if id, uri, _ := strings.Cut(value, " "); strings.HasPrefix(uri, transportCCURI) {
			id, _, _ = strings.Cut(id, "/")
			p.transportCC = uint8(number(id, 8))
		}
	case "ssrc-group":
		if f := strings.Fields(value); len(f) == 3 && f[0] == "FID" {
			p.repair[uint32(number(f[2], 32))] = uint32(number(f[1], 32))
		}
	case "rtpmap", "fmtp", "rtcp-fb":
		p.format(key, value)
	}
}

// format reads what is said about one payload type, or with "*" about all of the
// section.
func (p *answerParser) format(key, value string) {
	of, rest, _ := strings.Cut(value, " ")
	numbers := p.numbers
	if of != "*" {
		numbers = []uint8{uint8(number(of, 7))}
	}
	for _, n := range numbers {
		t, known := p.types[n]
		if !known || !slices.Contains(p.numbers, n) {
			continue
		}
		switch key {
		case "rtpmap":
			t.rtpmap(rest)
		case "fmtp":
			if apt, ok := strings.CutPrefix(strings.TrimSpace(rest), "apt="); ok {
				apt, _, _ = strings.Cut(apt, ";")
				t.apt = int(number(apt, 7))
			}
		case "rtcp-fb":
			t.feedback(strings.TrimSpace(rest))
		}
		p.types[n] = t
	}
}

func (t *payloadType) rtpmap(value string) {
	name, rest, _ := strings.Cut(value, "/")
	clock, _, _ := strings.Cut(rest, "/")
	t.name, t.clock = strings.ToLower(name), uint32(number(clock, 32))
}

func (t *payloadType) feedback(value string) {
	switch value {
	case "nack":
		t.nack = true
	case "nack pli":
		t.pli = true
	case "goog-remb":
		t.remb = true
	case "transport-cc":
		t.transportCC = true
	}
}

// candidate reads "foundation component transport priority address port typ …"
// (RFC 8839 section 5.1). Names under .local are for the local network's browsers.
func (p *answerParser) candidate(value string) {
	f := strings.Fields(value)
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return
	}
	addr, err := netip.ParseAddr(f[4])
	port := number(f[5], 16)
	if port == 0 || err == nil && addr.IsUnspecified() {
		return
	}
	if err != nil {
		if !strings.HasSuffix(f[4], ".local") {
			p.named = append(p.named, namedCandidate{f[4], uint16(port), number(f[3], 32)})
		}
		return
	}
	c := candidate{addr: netip.AddrPortFrom(addr.Unmap(), uint16(port)), priority: number(f[3], 32)}
	if !slices.ContainsFunc(p.candidates, func(o candidate) bool { return o.addr == c.addr }) {
		p.candidates = append(p.candidates, c)
	}
}

func first(to *string, value string) {
	if *to == "" {
		*to = value
	}
}

// number is 0 for what is none.
func number(s string, bits int) uint64 {
	n, err := strconv.ParseUint(s, 10, bits)
	if err != nil {
		return 0
	}
	return n
}
