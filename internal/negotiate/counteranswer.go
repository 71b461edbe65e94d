package negotiate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// Answer is a player's answer to a counter-offer, parsed, not yet held against
// what was offered.
type Answer struct {
	// Ufrag, Pwd, Candidates, EndOfCandidates are as in Offer.
	Ufrag, Pwd      string
	Candidates      []string
	EndOfCandidates bool
	// Setup is active or passive.
	Setup string

	offer *Offer // a description is read the same way, whoever makes it
}

// ParseAnswer reads an answer, within the bounds of ParseOffer. What is no usable
// answer at all is ErrBadAnswer.
func ParseAnswer(text []byte) (*Answer, error) {
	o, err := ParseOffer(text)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", err, inAnswer(err)) //nolint:errorlint // it must not be ErrBadOffer any more
	}
	if o.Setup == setupActpass {
		return nil, ErrBadAnswer.Because("The answer's a=setup has to be active or passive.")
	}
	return &Answer{
		Ufrag: o.Ufrag, Pwd: o.Pwd, Candidates: o.Candidates, EndOfCandidates: o.EndOfCandidates, Setup: o.Setup, offer: o,
	}, nil
}

// inAnswer says of an answer what was said of an offer.
func inAnswer(err error) *fault.Error {
	sentence := strings.ReplaceAll(fault.Of(err).Public, "offer", "answer")
	sentence = strings.ReplaceAll(sentence, "an SDP answer", "the SDP answer")
	return ErrBadAnswer.Because("%s", sentence)
}

// Summary describes the answer as Offer.Summary does.
func (a *Answer) Summary() string { return a.offer.Summary() }

// Describe returns what the answer says of its media.
func (a *Answer) Describe() Description { return a.offer.Describe() }

// Answered is a counter-offer with its answer.
type Answered struct {
	// Plan is what was agreed. Its SDP is the answer turned into an offer, to
	// restart ICE with.
	Plan *Plan
	// SDP is the answer for SetRemoteDescription, cut down to what was agreed,
	// without candidates.
	SDP string
}

// Answered holds an answer against the counter-offer p. The answer must have the
// sections of the offer; it may reject some with port 0, but not all (W-13), and
// takes the others recvonly (the playback draft, section 4.2.5). Refusals are
// ErrBadAnswer, or Unprocessable; p is unchanged and may be answered again.
func (p *Plan) Answered(a *Answer) (*Answered, error) {
	o := a.offer
	if len(o.sections) != len(p.Sections) {
		return nil, ErrBadAnswer.Because("The answer has %d media sections, the counter-offer has %d; answer each, with port 0 where it is not wanted.", len(o.sections), len(p.Sections))
	}
	if refusal := o.checkMux(); refusal != nil {
		return nil, refusal
	}
	if refusal := o.checkBundle(); refusal != nil {
		return nil, refusal
	}
	agreed := &Plan{Setup: a.Setup, grouped: true, mixed: o.mixed}
	for i := range p.Sections {
		s, refusal := p.Sections[i].answeredBy(o.sections[i])
		if refusal != nil {
			return nil, refusal
		}
		agreed.Sections = append(agreed.Sections, s)
		if !s.Rejected {
			agreed.bundle = append(agreed.bundle, s.Mid)
		}
	}
	if len(agreed.bundle) == 0 {
		return nil, ErrNoMedia.Because("The answer rejects every section.")
	}
	agreed.MaxBits = o.bound(agreed.Sections)
	turned := &Offer{Ufrag: a.Ufrag, Pwd: a.Pwd, Setup: a.Setup, fingerprint: o.fingerprint, options: o.options, mixed: o.mixed}
	agreed.SDP = agreed.writeOffer(turned)
	return &Answered{Plan: agreed, SDP: agreed.writeCounterAnswer(turned)}, nil
}

// answeredBy is what is left of an offered section.
func (s Section) answeredBy(got *offered) (Section, *fault.Error) {
	named := got.mid == s.Mid || got.disabled && got.mid == "" // stacks leave it out of what they reject
	switch {
	case got.media != s.media || !named:
		return s, ErrBadAnswer.Because("Section %d of the answer is not %s with a=mid:%s, as in the counter-offer.", s.Index+1, s.media, s.Mid)
	case got.disabled:
		s.Rejected, s.Answer = true, inactive
		return s, nil
	case !got.supported():
		return s, ErrBadAnswer.Because("The %s section of the answer has another profile than UDP/TLS/RTP/SAVPF.", s.media)
	case got.direction != recvonly:
		return s, ErrBadDirection.Because("The %s section of the answer is %s; answer recvonly.", s.media, got.direction)
	}
	first := s.PayloadTypes[0].Codec.Name
	kept := s.keptTypes(got)
	if len(kept) == 0 || s.needsFirst && kept[0].Codec.Name != first {
		return s, ErrCodecUnsupported.Because("The channel has %s %s; the answer has %s.", first, s.media, got.offeredNames())
	}
	s.extensions = s.keptExtensions(got)
	transportCC := slices.ContainsFunc(s.extensions, func(e extension) bool { return e.uri == router.ExtTransportCC }) &&
		!slices.ContainsFunc(kept, func(pt router.PayloadType) bool { return !pt.Feedback.TransportCC })
	if !transportCC {
		s.extensions = slices.DeleteFunc(s.extensions, func(e extension) bool { return e.uri == router.ExtTransportCC })
	}
	for i := range kept {
		f := &kept[i].Feedback
		f.TransportCC, f.REMB = transportCC, f.REMB && !transportCC
	}
	s.PayloadTypes, s.Extensions, s.Bandwidth = kept, extensionIDs(s.extensions), got.maxBits
	return s, nil
}

// keptTypes are the offered payload types that the answer repeats with their
// meaning, one of each codec, in our order.
func (s Section) keptTypes(got *offered) []router.PayloadType {
	theirs := make(map[uint8]payload)
	for _, p := range got.payloads {
		theirs[p.number] = p
	}
	var kept []router.PayloadType
	seen := make(map[string]bool)
	for _, pt := range s.PayloadTypes {
		p, ok := theirs[pt.Number]
		if !ok || p.codec.Name != pt.Codec.Name || seen[p.codec.Name] {
			continue
		}
		seen[p.codec.Name] = true
		pt.Feedback = bothFeedback(pt.Feedback, p.feedback)
		if p.rtx != pt.RTX {
			pt.RTX = 0
		}
		kept = append(kept, pt)
	}
	return kept
}

// keptExtensions are the offered ones that the answer repeats with their number
// and lets flow to the player.
func (s Section) keptExtensions(got *offered) []extension {
	var kept []extension
	for _, e := range s.extensions {
		if slices.ContainsFunc(got.extensions, func(g extension) bool { return g.id == e.id && g.uri == e.uri && g.flows(recvonly) }) {
			kept = append(kept, e)
		}
	}
	return kept
}
