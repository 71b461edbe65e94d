package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
	"github.com/pion/sdp/v3"
)

// Directions and roles as SDP spells them.
const (
	sendrecv = "sendrecv"
	sendonly = "sendonly"
	recvonly = "recvonly"
	inactive = "inactive"

	setupActpass = "actpass"
	setupActive  = "active"
	setupPassive = "passive"
)

const maxMidBytes = 64

// offered is one media section of an offer.
type offered struct {
	transport
	index int
	// media, proto and formats are the m= line without its port.
	media   string
	proto   string
	formats []string
	// mid is empty where the offer has none.
	mid string
	// disabled is port 0, bundleOnly port 0 with a=bundle-only.
	disabled, bundleOnly bool
	// bundled tells that the BUNDLE group names the section.
	bundled   bool
	direction string

	rtcpMux, reducedSize bool
	endOfCandidates      bool
	mixed                bool // extensions of both forms in one stream (RFC 8285 section 6)
	candidates           []string
	options              string

	payloads   []payload
	extensions []extension
	rids       []rid
	simulcasts []string
	streams    []string // stream ids of a=msid
	maxMessage string   // a=max-message-size of a data section
	sources    sources
	maxBits    int // of b= lines, 0: no bound
}

func (s *offered) kind() router.Kind {
	if s.media == "video" {
		return router.Video
	}
	return router.Audio
}

func (s *offered) isMedia() bool { return s.media == "audio" || s.media == "video" }

// avProfiles are the profiles RFC 8829 section 5.1.2 wants treated alike, the
// plain RTP/AVP ones left out.
var avProfiles = map[string]bool{
	"UDP/TLS/RTP/SAVPF": true, "UDP/TLS/RTP/SAVP": true,
	"TCP/DTLS/RTP/SAVPF": true, "TCP/DTLS/RTP/SAVP": true,
	"RTP/SAVPF": true, "RTP/SAVP": true,
}

// supported tells whether the section is of a sort that can be answered at all.
func (s *offered) supported() bool {
	if s.isMedia() {
		return avProfiles[s.proto]
	}
	return s.media == "application" && s.proto == "UDP/DTLS/SCTP" &&
		len(s.formats) == 1 && s.formats[0] == "webrtc-datachannel"
}

// readSection reads section number index. direction is that of the session
// level, which holds where the section has none.
func readSection(index int, m *sdp.MediaDescription, direction string) (*offered, *fault.Error) {
	s := &offered{
		index: index, media: m.MediaName.Media,
		proto: strings.Join(m.MediaName.Protos, "/"), formats: m.MediaName.Formats,
		disabled: m.MediaName.Port.Value == 0, maxBits: bitsOf(m.Bandwidth),
	}
	lines := newPayloadLines(s.kind(), s.formats)
	for _, a := range m.Attributes {
		if !s.transport.read(a) && !lines.read(a) {
			s.read(a)
		}
	}
	if s.direction == "" {
		s.direction = direction
	}
	s.bundleOnly = s.bundleOnly && s.disabled
	s.disabled = s.disabled && !s.bundleOnly
	if s.isMedia() {
		s.payloads = lines.payloads()
	}
	if len(s.formats) == 0 {
		return nil, ErrBadOffer.Because("A media section has no formats in its m= line.")
	}
	if s.mid != "" && !isToken(s.mid, maxMidBytes) {
		return nil, ErrBadOffer.Because("An a=mid is not a token of at most %d characters.", maxMidBytes)
	}
	return s, nil
}

func (s *offered) read(a sdp.Attribute) {
	if set := flags[a.Key]; set != nil {
		set(s)
		return
	}
	value := strings.TrimSpace(a.Value)
	switch a.Key {
	case "mid":
		s.mid = value
	case "candidate":
		s.candidates = append(s.candidates, value)
	case "ice-options":
		s.options = iceOptions(value)
	case "extmap":
		s.extensions = appendExtension(s.extensions, value)
	case "max-message-size":
		s.maxMessage = number(value)
	case "rid":
		s.rids = appendRID(s.rids, value)
	case "simulcast":
		s.simulcasts = append(s.simulcasts, value)
	case "msid":
		s.streams = appendNew(s.streams, streamOf(value))
	case "ssrc":
		s.sources.readSource(value)
	case "ssrc-group":
		s.sources.readGroup(value)
	case sendrecv, sendonly, recvonly, inactive:
		s.direction = a.Key
	}
}

// flags are the attributes without a value.
var flags = map[string]func(*offered){
	"bundle-only":       func(s *offered) { s.bundleOnly = true },
	"rtcp-mux":          func(s *offered) { s.rtcpMux = true },
	"rtcp-mux-only":     func(s *offered) { s.rtcpMux = true },
	"rtcp-rsize":        func(s *offered) { s.reducedSize = true },
	"end-of-candidates": func(s *offered) { s.endOfCandidates = true },
}

// number returns value if it is a number of 32 bits, else nothing.
func number(value string) string {
	if _, err := strconv.ParseUint(value, 10, 32); err != nil {
		return ""
	}
	return value
}
