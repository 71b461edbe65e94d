package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/pion/sdp/v3"
)

// Offer is a parsed offer of a client, not yet judged by a policy.
type Offer struct {
	// Ufrag and Pwd are the ICE credentials of the transport, wherever in the
	// offer they stood (RFC 8839 section 5.4).
	Ufrag, Pwd string
	// Candidates are the values of the a=candidate lines, without "candidate:",
	// in the order of the offer, each once, at most 64. They are not part of
	// Plan.SDP.
	Candidates []string
	// EndOfCandidates tells that the offer said there are no more.
	EndOfCandidates bool
	// Setup is actpass, active or passive (RFC 8842). An offer that says nothing
	// is active (RFC 4145 section 4.1).
	Setup string

	fingerprint string
	options     string // a=ice-options, space separated
	lite        bool
	mixed       bool     // a=extmap-allow-mixed
	simulcast   bool     // a=simulcast at session level, where it has no place
	maxBits     int      // of b= lines at session level, 0: no bound
	bundle      []string // mids of the BUNDLE group that name active sections
	sections    []*offered
}

const maxOfferCandidates = 64

// ParseOffer reads an offer of either protocol. What is no usable offer at all
// (syntax, size, missing ICE credentials or fingerprint, hostile counts) is
// ErrBadOffer; the time it takes grows with the size of text only.
func ParseOffer(text []byte) (*Offer, error) {
	if refusal := checkText(text); refusal != nil {
		return nil, refusal
	}
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(terminated(string(text))); err != nil {
		return nil, fmt.Errorf("parse offer: %w: %w", err, ErrBadOffer.Because("The offer has a syntax error; see RFC 8866 section 9."))
	}
	o, refusal := readOffer(&desc)
	if refusal != nil {
		return nil, refusal
	}
	return o, nil
}

// terminated ends the last line, which hand-made offers forget.
func terminated(text string) string {
	if strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\r\n"
}

func readOffer(desc *sdp.SessionDescription) (*Offer, *fault.Error) {
	session := readSession(desc.Attributes)
	o := &Offer{
		lite: session.lite, mixed: session.mixed, simulcast: session.simulcast,
		options: session.options, EndOfCandidates: session.endOfCandidates,
		maxBits: bitsOf(desc.Bandwidth),
	}
	mids := make(map[string]*offered)
	for i, m := range desc.MediaDescriptions {
		s, refusal := readSection(i, m, session.direction)
		if refusal != nil {
			return nil, refusal
		}
		if s.mid != "" && mids[s.mid] != nil {
			return nil, ErrBadOffer.Because("Two media sections have the same a=mid.")
		}
		s.mixed = session.mixed
		mids[s.mid] = s
		o.sections = append(o.sections, s)
	}
	if len(o.active()) == 0 {
		return nil, ErrBadOffer.Because("The offer has no media section that is not disabled.")
	}
	o.readBundle(session.groups, mids)
	o.collect()
	return o, o.readTransport(session)
}

// active returns the sections the client wants answered: a port of 0 without
// a=bundle-only means disabled (RFC 9143 section 6).
func (o *Offer) active() []*offered {
	return slices.DeleteFunc(slices.Clone(o.sections), func(s *offered) bool { return s.disabled })
}

// readBundle takes the first BUNDLE group. Tags that name no usable section are
// dropped: FFmpeg 8.0 writes "BUNDLE 0 1" whatever it offers.
func (o *Offer) readBundle(groups []string, mids map[string]*offered) {
	for _, g := range groups {
		tags := strings.Fields(g)
		if len(tags) == 0 || tags[0] != "BUNDLE" {
			continue
		}
		for _, tag := range tags[1:] {
			if s := mids[tag]; s != nil && !s.disabled && !s.bundled {
				s.bundled = true
				o.bundle = append(o.bundle, tag)
			}
		}
		return
	}
}

// tagged returns the section whose transport attributes are those of the
// bundle (RFC 9143 section 7.1.3), or the first active one without a bundle.
func (o *Offer) tagged() *offered {
	active := o.active()
	for _, s := range active {
		if len(o.bundle) > 0 && s.mid == o.bundle[0] {
			return s
		}
	}
	return active[0]
}

// collect gathers what may stand in any section.
func (o *Offer) collect() {
	seen := make(map[string]bool)
	for _, s := range o.active() {
		o.EndOfCandidates = o.EndOfCandidates || s.endOfCandidates
		if o.options == "" {
			o.options = s.options
		}
		for _, c := range s.candidates {
			if !seen[c] && len(o.Candidates) < maxOfferCandidates {
				seen[c] = true
				o.Candidates = append(o.Candidates, c)
			}
		}
	}
}

// AsksForMedia tells whether the offer has neither audio nor video, not even
// disabled: whoever sends it wants to be told what there is. It cannot be accepted
// as it is, but a counter-offer can.
func (o *Offer) AsksForMedia() bool {
	return !slices.ContainsFunc(o.sections, (*offered).isMedia)
}
