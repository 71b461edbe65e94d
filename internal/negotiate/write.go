package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
)

// text writes SDP; every line ends in CRLF.
type text struct{ strings.Builder }

func (t *text) line(parts ...string) {
	for _, p := range parts {
		t.WriteString(p)
	}
	t.WriteString("\r\n")
}

func (t *text) lineIf(wanted bool, parts ...string) {
	if wanted {
		t.line(parts...)
	}
}

// stackProfile is what every audio and video section towards the WebRTC stack
// says, whatever the offer's profile was.
const stackProfile = "UDP/TLS/RTP/SAVPF"

// writeOffer writes Plan.SDP: nothing of the client's text is copied but tokens
// that were checked.
func (p *Plan) writeOffer(o *Offer) string {
	var t text
	p.transportLines(&t, o, p.flowing())
	for i := range p.Sections {
		switch s := &p.Sections[i]; {
		case !s.flows():
		case s.Application:
			t.offeredData(s, o.Setup)
		default:
			t.offeredMedia(s, o.Setup)
		}
	}
	return t.String()
}

// writeCounterAnswer writes Answered.SDP: all sections of the counter-offer, since
// the stack knows them by their place, those that were rejected as inactive ones.
func (p *Plan) writeCounterAnswer(o *Offer) string {
	var t text
	mids := make([]string, 0, len(p.Sections))
	for _, s := range p.Sections {
		mids = append(mids, s.Mid)
	}
	p.transportLines(&t, o, mids)
	for i := range p.Sections {
		t.offeredMedia(&p.Sections[i], o.Setup)
	}
	return t.String()
}

// transportLines write what stands before the first section.
func (p *Plan) transportLines(t *text, o *Offer, mids []string) {
	t.line("v=0")
	t.line("o=- 1 1 IN IP4 0.0.0.0")
	t.line("s=-")
	t.line("t=0 0")
	t.line("a=group:BUNDLE ", strings.Join(mids, " "))
	t.lineIf(o.lite, "a=ice-lite")
	t.lineIf(o.options != "", "a=ice-options:", o.options)
	t.lineIf(o.mixed, "a=extmap-allow-mixed")
	t.line("a=fingerprint:", o.fingerprint)
	t.line("a=ice-ufrag:", o.Ufrag)
	t.line("a=ice-pwd:", o.Pwd)
}

// flowing lists the mids the stack sees, the tagged one first.
func (p *Plan) flowing() []string {
	var mids []string
	for _, mid := range p.bundle {
		if s := p.byMid(mid); s.flows() {
			mids = append(mids, mid)
		}
	}
	return mids
}

func (t *text) offeredMedia(s *Section, setup string) {
	t.line("m=", s.media, " 9 ", stackProfile, " ", formats(s))
	t.line("c=IN IP4 0.0.0.0")
	t.line("a=mid:", s.Mid)
	t.line("a=setup:", setup)
	t.line("a=", reversed(s.Answer))
	t.line("a=rtcp-mux")
	t.line("a=rtcp-rsize")
	for _, pt := range s.PayloadTypes {
		t.payloadType(pt, engineParameters(pt.Codec))
	}
	for _, e := range s.extensions {
		t.line("a=extmap:", strconv.Itoa(int(e.id)), " ", e.uri)
	}
	if s.Answer == recvonly {
		t.offeredTrack(s)
	}
}

// offeredTrack names the publisher's track. The stack drops simulcast streams
// of a section that has no a=msid.
func (t *text) offeredTrack(s *Section) {
	stream := s.StreamID
	if stream == "" {
		stream = "-"
	}
	t.line("a=msid:", stream, " ", s.Mid)
	t.simulcast(s.RIDs, "send")
	for _, ssrc := range s.SSRCs {
		media, rtx := formatSSRC(ssrc.Media), formatSSRC(ssrc.RTX)
		t.lineIf(ssrc.RTX != 0, "a=ssrc-group:FID ", media, " ", rtx)
		t.line("a=ssrc:", media, " cname:publisher")
		t.lineIf(ssrc.RTX != 0, "a=ssrc:", rtx, " cname:publisher")
	}
}

func formatSSRC(ssrc uint32) string { return strconv.FormatUint(uint64(ssrc), 10) }

func (t *text) offeredData(s *Section, setup string) {
	t.line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
	t.line("c=IN IP4 0.0.0.0")
	t.line("a=mid:", s.Mid)
	t.line("a=setup:", setup)
	t.line("a=sctp-port:5000")
	t.lineIf(s.maxMessage != "", "a=max-message-size:", s.maxMessage)
}

// numbers lists the payload types of an m= line, each followed by its RTX.
func (s *Section) numbers() []uint8 {
	var out []uint8
	for _, pt := range s.PayloadTypes {
		out = append(out, pt.Number)
		if pt.RTX != 0 {
			out = append(out, pt.RTX)
		}
	}
	return out
}

func formats(s *Section) string {
	var out []string
	for _, n := range s.numbers() {
		out = append(out, strconv.Itoa(int(n)))
	}
	return strings.Join(out, " ")
}

func (t *text) payloadType(pt router.PayloadType, parameters string) {
	n := strconv.Itoa(int(pt.Number))
	t.line("a=rtpmap:", n, " ", rtpmap(pt.Codec))
	t.lineIf(parameters != "", "a=fmtp:", n, " ", parameters)
	for _, f := range []struct {
		agreed bool
		name   string
	}{
		{pt.Feedback.NACK, "nack"}, {pt.Feedback.PLI, "nack pli"}, {pt.Feedback.FIR, "ccm fir"},
		{pt.Feedback.TransportCC, "transport-cc"}, {pt.Feedback.REMB, "goog-remb"},
	} {
		t.lineIf(f.agreed, "a=rtcp-fb:", n, " ", f.name)
	}
	if pt.RTX != 0 {
		r := strconv.Itoa(int(pt.RTX))
		t.line("a=rtpmap:", r, " rtx/", strconv.FormatUint(uint64(pt.Codec.ClockRate), 10))
		t.line("a=fmtp:", r, " apt=", n)
	}
}

// simulcast writes a=rid for every stream and the one a=simulcast line (RFC
// 8853 section 5.1), which OBS reads up to its CRLF.
func (t *text) simulcast(rids []string, direction string) {
	for _, id := range rids {
		t.line("a=rid:", id, " ", direction)
	}
	t.lineIf(len(rids) > 0, "a=simulcast:", direction, " ", strings.Join(rids, ";"))
}

// engineParameters are format parameters that an engine with the usual entries
// matches exactly: one exact match among several codecs makes the stack forget
// all that match partially.
func engineParameters(c router.Codec) string {
	switch c.Name {
	case router.H264:
		return "level-asymmetry-allowed=1;packetization-mode=" + h264Mode(c.Fmtp) + ";profile-level-id=42e01f"
	case router.VP9:
		if profileOf(c.Name, c.Fmtp) == "2" {
			return "profile-id=2"
		}
		return "profile-id=0"
	case router.Opus:
		return "minptime=10;useinbandfec=1"
	}
	return ""
}
