package negotiate

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/router"
)

// Plan is an offer cut down to what will be answered, with what that is.
type Plan struct {
	// SDP is for SetRemoteDescription: ICE credentials and fingerprint at session
	// level, no candidates, only the sections, payload types and extensions that
	// will carry something, the offered direction rewritten (recvonly towards
	// viewers, sendonly from publishers). Rejected and inactive sections are left
	// out, Finish puts them back: tell sections apart by mid, not by position.
	// Format parameters are normalised so that they match any engine that knows
	// the codec; the answer repeats the offered ones.
	SDP string
	// Sections has one entry per media section of the offer, in its order.
	Sections []Section
	// Setup is what the offer said: actpass, active or passive.
	Setup string
	// MaxBits is how much all sections together may carry in bits per second of RTP,
	// 0 for any number: a publisher's cap, or what a player's offer says by b= lines.
	MaxBits int
	// Slots tells that there is more than one section of a kind; Section.Slot says
	// whose each is.
	Slots bool

	// grouped tells that the answer has a BUNDLE group, which lists bundle; the
	// first of bundle is the tagged section in any case.
	grouped  bool
	bundle   []string
	mixed    bool
	streamID string
	// offering tells that it is a counter-offer: ours is the first word.
	offering bool
}

// Section is what one media section will be answered with.
type Section struct {
	// Index is the position in the offer and the answer.
	Index int
	// Mid is a token, not a number. Where the offer had none it is made up.
	Mid  string
	Kind router.Kind
	// Slot counts the sections of its kind from 0 where Plan.Slots is set.
	Slot int
	// Application is set for the data section; Kind means nothing then.
	Application bool
	// Answer is "recvonly", "sendonly" or "inactive"; empty for the data section.
	Answer string
	// Rejected tells that the answer has port 0 here.
	Rejected bool
	// PayloadTypes are the kept ones with the offer's numbers and format
	// parameters, the preferred one first. Feedback is what both sides do.
	PayloadTypes []router.PayloadType
	// Extensions are the kept ones with the offer's ids.
	Extensions router.Extensions
	// Bandwidth bounds the section in bits per second of RTP, all its layers together;
	// 0 is no bound. The answer tells publishers theirs; a player's is what its offer
	// says (b=TIAS, b=AS).
	Bandwidth int
	// SSRCs are those a publisher declared; empty with RIDs.
	SSRCs []router.DeclaredSSRC
	// RIDs are a publisher's simulcast streams in the order of its a=simulcast.
	RIDs []string
	// StreamID is the stream id of the offer's a=msid (publish), empty without.
	StreamID string

	media, proto, format string // of the m= line
	midless, reducedSize bool
	needsFirst           bool   // a counter-offer's: the first codec must be taken
	maxMessage           string // a=max-message-size of the data section
	extensions           []extension
	// parameters overrides the offered a=fmtp in the answer, by payload type.
	parameters map[uint8]string
}

// flows tells whether the section is part of the connection at all.
func (s *Section) flows() bool { return !s.Rejected && s.Answer != inactive }

// section starts the answer to s: accepted, nothing chosen yet.
func (s *offered) section() Section {
	return Section{
		Index: s.index, Mid: s.mid, Kind: s.kind(), Application: s.media == "application",
		media: s.media, proto: s.proto, format: s.formats[0],
		midless: s.mid == "", reducedSize: s.reducedSize, maxMessage: s.maxMessage,
	}
}

// rejected is the answer with port 0.
func (s *offered) rejected() Section {
	section := s.section()
	section.Rejected, section.Answer = true, inactive
	return section
}

// plan completes the decision about every section.
func (o *Offer) plan(sections []Section, streamID string) (*Plan, error) {
	if refusal := checkNumbers(sections); refusal != nil {
		return nil, refusal
	}
	p := &Plan{Sections: sections, Setup: o.Setup, mixed: o.mixed, streamID: streamID}
	p.nameSections()
	for _, mid := range o.bundle {
		if s := p.byMid(mid); s != nil && !s.Rejected {
			p.bundle = append(p.bundle, mid)
		}
	}
	p.grouped = len(p.bundle) > 0
	if !p.grouped {
		p.bundle = p.accepted() // one section, or there would be a group
	}
	p.SDP = p.writeOffer(o)
	return p, nil
}

// nameSections makes up a mid for a lone section without one (RFC 8829 section
// 5.10): the stack needs it.
func (p *Plan) nameSections() {
	for i := range p.Sections {
		s := &p.Sections[i]
		if !s.midless || s.Rejected {
			continue
		}
		s.Mid = "0"
		for p.taken(s) {
			s.Mid += "0"
		}
	}
}

func (p *Plan) taken(s *Section) bool {
	return slices.ContainsFunc(p.Sections, func(other Section) bool {
		return other.Index != s.Index && other.Mid == s.Mid
	})
}

func (p *Plan) byMid(mid string) *Section {
	for i := range p.Sections {
		if p.Sections[i].Mid == mid {
			return &p.Sections[i]
		}
	}
	return nil
}

func (p *Plan) accepted() []string {
	var mids []string
	for _, s := range p.Sections {
		if !s.Rejected {
			mids = append(mids, s.Mid)
		}
	}
	return mids
}

// WithCredentials returns SDP with other ICE credentials and nothing else
// changed: the description to restart ICE with (RFC 9725 section 4.3.3). Check
// them with ValidCredentials first.
func (p *Plan) WithCredentials(ufrag, pwd string) string {
	lines := strings.SplitAfter(p.SDP, "\r\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "a=ice-ufrag:"):
			lines[i] = "a=ice-ufrag:" + ufrag + "\r\n"
		case strings.HasPrefix(l, "a=ice-pwd:"):
			lines[i] = "a=ice-pwd:" + pwd + "\r\n"
		}
	}
	return strings.Join(lines, "")
}
