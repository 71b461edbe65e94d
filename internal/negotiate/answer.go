package negotiate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/headgate/headgate/router"
)

// DefaultMaxAnswerBytes is the size of FFmpeg's buffer for an answer.
const DefaultMaxAnswerBytes = 8192

// AnswerOptions says how Finish and RestartFragment write. Start from
// DefaultAnswerOptions.
type AnswerOptions struct {
	// Lite writes a=ice-lite: when and only when the agent is lite (RFC 8839
	// section 5.3).
	Lite bool
	// RTCPMuxOnly writes a=rtcp-mux-only beside a=rtcp-mux. RFC 9725 section
	// 4.4.1 wants it, RFC 8858 section 4.3 forbids it in answers; the former is
	// later and more specific.
	RTCPMuxOnly bool
	// MaxBytes bounds the answer by leaving out candidates from the end, never
	// the first; 0 means DefaultMaxAnswerBytes. Those with slots are not bounded.
	MaxBytes int
	// Candidates decides by the value of an a=candidate line (without
	// "candidate:") whether it is told; nil keeps all.
	Candidates func(line string) bool
}

// DefaultAnswerOptions is a full agent, a=rtcp-mux-only on, 8192 bytes.
func DefaultAnswerOptions() AnswerOptions {
	return AnswerOptions{RTCPMuxOnly: true, MaxBytes: DefaultMaxAnswerBytes}
}

// answerOptions are those of the agent: candidates may trickle in (RFC 8838) and
// it is no relic of RFC 5245.
var answerOptions = []string{"trickle", "ice2"}

// Finish turns the local description of the WebRTC stack, candidates gathered,
// into the answer for the client. It takes only addresses, keys and SSRCs from
// it; what was decided about the offer is written as planned, rejected and
// inactive sections included. A description that does not fit the plan is an
// Internal error.
func (p *Plan) Finish(description string, opt AnswerOptions) ([]byte, error) {
	l, err := p.readLocal(description)
	if err != nil {
		return nil, err
	}
	l.candidates = presentable(l.candidates, opt.Candidates)
	if len(l.candidates) == 0 {
		return nil, ErrNoCandidates
	}
	answer := p.writeAnswer(l, opt)
	for limit := p.maxBytes(opt); len(answer) > limit && len(l.candidates) > 1; {
		l.candidates = l.candidates[:len(l.candidates)-1]
		answer = p.writeAnswer(l, opt)
	}
	return []byte(answer), nil
}

// maxBytes bounds an answer. FFmpeg offers no slots, and an answer with them is too
// large for its buffer anyway.
func (p *Plan) maxBytes(opt AnswerOptions) int {
	switch {
	case p.Slots:
		return math.MaxInt
	case opt.MaxBytes == 0:
		return DefaultMaxAnswerBytes
	}
	return opt.MaxBytes
}

func (p *Plan) writeAnswer(l *local, opt AnswerOptions) string {
	var t text
	t.line("v=0")
	t.line(fmt.Sprintf("o=- %d %d IN IP4 0.0.0.0", l.origin.SessionID, l.origin.SessionVersion))
	t.line("s=-")
	t.line("t=0 0")
	t.lineIf(p.grouped, "a=group:", p.group())
	t.lineIf(opt.Lite, "a=ice-lite")
	t.line("a=ice-options:", strings.Join(answerOptions, " "))
	t.lineIf(p.mixed, "a=extmap-allow-mixed")
	t.line("a=msid-semantic:WMS *")
	t.line("a=fingerprint:", strongest(l.fingerprints))
	for i := range p.Sections {
		s := &p.Sections[i]
		t.line("m=", s.mediaLine())
		t.line("c=IN IP4 0.0.0.0")
		if s.Answer == recvonly {
			t.bandwidth(s.Bandwidth)
		}
		t.lineIf(!s.midless, "a=mid:", s.Mid)
		if s.Rejected {
			t.line("a=inactive")
			continue
		}
		p.acceptedSection(&t, s, l, opt)
	}
	return t.String()
}

func (p *Plan) group() string { return "BUNDLE " + strings.Join(p.bundle, " ") }

// mediaLine is the m= line of the answer without "m=".
func (s *Section) mediaLine() string {
	switch {
	case s.Rejected:
		return s.media + " 0 " + s.proto + " " + s.format
	case s.Application:
		return s.media + " 9 " + s.proto + " " + s.format
	}
	return s.media + " 9 " + s.proto + " " + formats(s)
}

func (p *Plan) acceptedSection(t *text, s *Section, l *local, opt AnswerOptions) {
	from := l.sections[s.Mid]
	if s.Application {
		t.line("a=sctp-port:", from.sctpPort)
		t.lineIf(from.maxLength != "", "a=max-message-size:", from.maxLength)
	} else {
		p.answeredMedia(t, s, from, opt)
	}
	t.line("a=setup:", l.setup)
	t.line("a=ice-ufrag:", l.ufrag)
	t.line("a=ice-pwd:", l.pwd)
	if s.Mid == p.bundle[0] {
		for _, c := range l.candidates {
			t.line("a=candidate:", c)
		}
		t.line("a=end-of-candidates")
	}
}

// answeredMedia writes what is negotiated in an audio or video section. from is
// nil for an inactive one.
func (p *Plan) answeredMedia(t *text, s *Section, from *localSection, opt AnswerOptions) {
	t.line("a=", s.Answer)
	if msid := p.msid(s, from); msid != "" {
		t.line("a=msid:", msid)
	}
	t.line("a=rtcp-mux")
	t.lineIf(opt.RTCPMuxOnly, "a=rtcp-mux-only")
	t.lineIf(s.reducedSize, "a=rtcp-rsize")
	for _, pt := range s.PayloadTypes {
		t.payloadType(pt, s.answerParameters(pt))
	}
	for _, e := range s.extensions {
		t.line("a=extmap:", e.answer())
	}
	t.simulcast(s.RIDs, "recv")
	if s.Answer == sendonly {
		t.ssrcLines(p.sourceLines(s, from), s.hasRTX())
	}
}

// msid gives all sections of a plain viewer the same stream (the playback draft,
// section 4.5.2), those that carry nothing as well, and each slot its own.
func (p *Plan) msid(s *Section, from *localSection) string {
	switch {
	case s.Answer == sendonly && p.Slots:
		return inStream(s.slotStream(), from.msid)
	case s.Answer == sendonly:
		return from.msid
	case s.Answer == inactive && p.Slots:
		return s.slotStream() + " " + s.media
	case s.Answer == inactive && p.streamID != "":
		return p.streamID + " " + s.media
	}
	return ""
}

// sourceLines are the stack's lines about the SSRCs of a section, in the stream that
// its a=msid says. The CNAME stays: it is one for all slots.
func (p *Plan) sourceLines(s *Section, from *localSection) []string {
	if !p.Slots {
		return from.sources
	}
	lines := make([]string, len(from.sources))
	for i, l := range from.sources {
		if source, msid, ok := strings.Cut(l, " msid:"); ok {
			l = source + " msid:" + inStream(s.slotStream(), msid)
		}
		lines[i] = l
	}
	return lines
}

// answerParameters repeats the offered format parameters, without what only
// libwebrtc understands: repeated to a sender they would steer its encoder.
func (s *Section) answerParameters(pt router.PayloadType) string {
	offered := pt.Codec.Fmtp
	if override, ok := s.parameters[pt.Number]; ok {
		offered = override
	}
	if !strings.Contains(strings.ToLower(offered), "x-google-") {
		return offered
	}
	var kept []string
	for p := range strings.SplitSeq(offered, ";") {
		if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(p)), "x-google-") {
			kept = append(kept, strings.TrimSpace(p))
		}
	}
	return strings.Join(kept, ";")
}

func (s *Section) hasRTX() bool {
	return slices.ContainsFunc(s.PayloadTypes, func(pt router.PayloadType) bool { return pt.RTX != 0 })
}

// ssrcLines repeats the stack's a=ssrc and a=ssrc-group lines, without the
// attributes of the time before a=msid. Where no RTX was negotiated in the
// section the SSRC of retransmissions is left out: the stack announces one as
// soon as any section of the kind has RTX.
func (t *text) ssrcLines(lines []string, rtx bool) {
	unused := make(map[string]bool)
	for _, l := range lines {
		fields := strings.Fields(strings.TrimPrefix(l, "ssrc-group:"))
		if !rtx && len(fields) == 3 && fields[0] == "FID" {
			unused[fields[2]] = true
		}
	}
	for _, l := range lines {
		id, attribute, _ := strings.Cut(strings.TrimPrefix(l, "ssrc:"), " ")
		group := strings.HasPrefix(l, "ssrc-group:")
		current := strings.HasPrefix(attribute, "cname:") || strings.HasPrefix(attribute, "msid:")
		t.lineIf(group && len(unused) == 0 || !group && current && !unused[id], "a=", l)
	}
}
