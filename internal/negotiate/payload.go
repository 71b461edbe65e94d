package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
	"github.com/pion/sdp/v3"
)

// payload is one usable payload type of an offered section: a media codec that
// is known here, with the payload type of its retransmissions.
type payload struct {
	number   uint8
	codec    router.Codec // Fmtp as offered
	rtx      uint8        // 0 if none
	feedback router.Feedback
}

// payloadLines gathers the lines of a section that speak of payload types.
type payloadLines struct {
	kind     router.Kind
	order    []uint8
	entries  map[uint8]*payloadEntry
	wildcard router.Feedback // a=rtcp-fb:*
}

type payloadEntry struct {
	rtpmap, fmtp string
	feedback     router.Feedback
}

// newPayloadLines starts with the m= line. Numbers 64 to 95 look like RTCP when
// both share a port (RFC 5761 section 4) and are never used.
func newPayloadLines(kind router.Kind, formats []string) *payloadLines {
	l := &payloadLines{kind: kind, entries: make(map[uint8]*payloadEntry)}
	for _, f := range formats {
		n, err := strconv.ParseUint(f, 10, 7)
		pt := uint8(n)
		if err != nil || pt >= 64 && pt <= 95 || l.entries[pt] != nil {
			continue
		}
		l.order = append(l.order, pt)
		l.entries[pt] = &payloadEntry{rtpmap: staticCodecs[pt]}
	}
	return l
}

// staticCodecs are the numbers of RFC 3551 that need no a=rtpmap.
var staticCodecs = map[uint8]string{0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000"}

// read takes a if it speaks of payload types.
func (l *payloadLines) read(a sdp.Attribute) bool {
	if a.Key != "rtpmap" && a.Key != "fmtp" && a.Key != "rtcp-fb" {
		return false
	}
	number, value, _ := strings.Cut(strings.TrimSpace(a.Value), " ")
	value = strings.TrimSpace(value)
	if a.Key == "rtcp-fb" && number == "*" {
		addFeedback(&l.wildcard, value)
		return true
	}
	pt, err := strconv.ParseUint(number, 10, 7)
	if e := l.entries[uint8(pt)]; err == nil && e != nil {
		e.read(a.Key, value)
	}
	return true
}

func (e *payloadEntry) read(key, value string) {
	switch key {
	case "rtpmap":
		e.rtpmap = value
	case "fmtp":
		if e.fmtp == "" {
			e.fmtp = value
		}
	case "rtcp-fb":
		addFeedback(&e.feedback, value)
	}
}

// addFeedback sets what value (of a=rtcp-fb, without the payload type) names.
// What is not known here is nothing we could agree to.
func addFeedback(f *router.Feedback, value string) {
	fields := strings.Fields(strings.ToLower(value))
	switch strings.Join(fields[:min(len(fields), 2)], " ") {
	case "nack":
		f.NACK = true
	case "nack pli":
		f.PLI = true
	case "ccm fir":
		f.FIR = true
	case "transport-cc":
		f.TransportCC = true
	case "goog-remb":
		f.REMB = true
	}
}

// payloads returns the media codecs in the order of the m= line. RED, FEC,
// comfort noise, telephone events and unknown codecs are not among them.
func (l *payloadLines) payloads() []payload {
	rtx := l.retransmissions()
	var out []payload
	for _, pt := range l.order {
		e := l.entries[pt]
		codec, ok := parseCodec(l.kind, e.rtpmap)
		if !ok {
			continue
		}
		codec.Fmtp = e.fmtp
		out = append(out, payload{
			number: pt, codec: codec, rtx: rtx[pt], feedback: mergeFeedback(e.feedback, l.wildcard),
		})
	}
	return out
}

// retransmissions maps payload types to those of their RTX (RFC 4588).
func (l *payloadLines) retransmissions() map[uint8]uint8 {
	rtx := make(map[uint8]uint8)
	for _, pt := range l.order {
		name, _, _ := strings.Cut(l.entries[pt].rtpmap, "/")
		apt, err := strconv.ParseUint(parameter(l.entries[pt].fmtp, "apt"), 10, 7)
		if !strings.EqualFold(name, "rtx") || err != nil {
			continue
		}
		if _, taken := rtx[uint8(apt)]; !taken {
			rtx[uint8(apt)] = pt
		}
	}
	return rtx
}

func mergeFeedback(a, b router.Feedback) router.Feedback {
	return router.Feedback{
		NACK: a.NACK || b.NACK, PLI: a.PLI || b.PLI, FIR: a.FIR || b.FIR,
		TransportCC: a.TransportCC || b.TransportCC, REMB: a.REMB || b.REMB,
	}
}

func bothFeedback(a, b router.Feedback) router.Feedback {
	return router.Feedback{
		NACK: a.NACK && b.NACK, PLI: a.PLI && b.PLI, FIR: a.FIR && b.FIR,
		TransportCC: a.TransportCC && b.TransportCC, REMB: a.REMB && b.REMB,
	}
}
