package negotiate

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// MediaChoice says how the sections of one kind are answered to a viewer.
type MediaChoice struct {
	// Codecs may be answered, the current one first. Fmtp of the current codec
	// guides the choice among H.264 profiles and modes. Without codecs the kind
	// is treated as Absent.
	Codecs []router.Codec
	// All answers every one of Codecs that the offer has (sections that may be
	// refilled); otherwise the first match only.
	All bool
	// Absent tells that the live channel lacks this kind: the answer is
	// inactive.
	Absent bool
}

// PlayPolicy says what a viewer may be sent.
type PlayPolicy struct {
	Video, Audio MediaChoice
	// Adapts tells that there is more than one way to send what is wanted, so that
	// transport-wide feedback is worth what it costs. Otherwise the receiver's own
	// estimate, which costs a packet now and then, has to do.
	Adapts bool
	// StreamID is the msid stream of a plain session (the playback draft,
	// section 4.5.2).
	StreamID string
	// MaxSections is how many sections of a kind an offer may have, where the session
	// may have slots; with more than one of a kind it has. 0 and 1 take one.
	MaxSections int
}

// ForPlay decides what of the offer is answered to a viewer. Sections of a sort
// that is not supported are rejected, sections of an absent kind are inactive;
// the rest must be playable, and something has to be left. Refusals are
// Unprocessable and name what the channel has; ErrBadOffer where one payload
// type stands for two codecs.
func (o *Offer) ForPlay(p PlayPolicy) (*Plan, error) {
	if refusal := o.checkPlay(p); refusal != nil {
		return nil, refusal
	}
	if o.HasSlots() {
		p = p.forSlots()
	}
	sections := make([]Section, 0, len(o.sections))
	data := false
	for _, s := range o.sections {
		section, refusal := s.playSection(p)
		if refusal != nil {
			return nil, refusal
		}
		if section.Application && !section.Rejected {
			if data {
				section = s.rejected()
			}
			data = true
		}
		sections = append(sections, section)
	}
	if !slices.ContainsFunc(sections, func(s Section) bool { return s.Answer == sendonly }) {
		return nil, ErrNoMedia.Because("Nothing the offer asks for is there: the channel has %s.", p.present())
	}
	plan, err := o.plan(sections, p.StreamID)
	if err != nil {
		return nil, err
	}
	plan.MaxBits = o.bound(sections)
	if o.HasSlots() {
		plan.numberSlots()
	}
	return plan, nil
}

func (o *Offer) checkPlay(p PlayPolicy) *fault.Error {
	if refusal := o.checkDirections(recvonly); refusal != nil {
		return refusal
	}
	if refusal := o.checkCount(p.MaxSections); refusal != nil {
		return refusal
	}
	if refusal := o.checkMux(); refusal != nil {
		return refusal
	}
	return o.checkBundle()
}

func (s *offered) playSection(p PlayPolicy) (Section, *fault.Error) {
	choice := p.Audio
	if s.kind() == router.Video {
		choice = p.Video
	}
	switch {
	case s.disabled || !s.supported():
		return s.rejected(), nil
	case !s.isMedia():
		return s.section(), nil
	case choice.absent():
		return s.idle(), nil
	}
	chosen := s.choosePlayed(choice)
	if len(chosen) == 0 {
		return Section{}, ErrCodecUnsupported.Because("The channel has %s %s; the offer has %s.",
			choice.names(), s.media, s.offeredNames())
	}
	return s.played(chosen, choice, p.Adapts), nil
}

// idle answers a section of a kind that the channel lacks. It needs a payload
// type all the same; without one that is known the section is rejected.
func (s *offered) idle() Section {
	if len(s.payloads) == 0 {
		return s.rejected()
	}
	section := s.section()
	section.Answer = inactive
	section.PayloadTypes = []router.PayloadType{{Number: s.payloads[0].number, Codec: s.payloads[0].codec}}
	return section
}

func (s *offered) choosePlayed(choice MediaChoice) []payload {
	var chosen []payload
	for _, codec := range choice.Codecs {
		p, ok := choose(s.payloads, codec.Name, playRank(codec))
		if !ok || slices.ContainsFunc(chosen, func(c payload) bool { return c.number == p.number }) {
			continue
		}
		chosen = append(chosen, p)
		if !choice.All {
			break
		}
	}
	return chosen
}

func (s *offered) played(chosen []payload, choice MediaChoice, adapts bool) Section {
	section := s.section()
	section.Answer, section.Bandwidth = sendonly, s.maxBits
	transportCC := adapts && s.answersTransportCC(chosen)
	section.extensions = s.playExtensions(s.describes(chosen), transportCC)
	section.Extensions = extensionIDs(section.extensions)
	section.parameters = make(map[uint8]string)
	for _, p := range chosen {
		section.PayloadTypes = append(section.PayloadTypes, p.accept(s.playFeedback(p, transportCC)))
		if p.codec.Name == router.Opus {
			section.parameters[p.number] = opusParameters(p.codec.Fmtp, choice.current(router.Opus))
		}
	}
	return section
}

// describes tells that frames of AV1 can be sent with dependency descriptors, which key
// frames make too long for the one-byte form.
func (s *offered) describes(chosen []payload) bool {
	return s.mixed && slices.ContainsFunc(chosen, func(p payload) bool { return p.codec.Name == router.AV1 })
}

// playFeedback is what we act on from a viewer. Lost audio is only sent again
// as RTX; lost video without RTX is answered by a key frame. There is one sort of
// congestion feedback, the better one if its extension is there.
func (s *offered) playFeedback(p payload, transportCC bool) router.Feedback {
	if s.kind() == router.Audio {
		return router.Feedback{NACK: p.rtx != 0, TransportCC: transportCC}
	}
	return router.Feedback{NACK: true, PLI: true, FIR: true, TransportCC: transportCC, REMB: !transportCC}
}

// answersTransportCC tells whether a viewer can report on everything that may be
// sent in the section.
func (s *offered) answersTransportCC(chosen []payload) bool {
	return s.offers(router.ExtTransportCC, recvonly) &&
		!slices.ContainsFunc(chosen, func(p payload) bool { return !p.feedback.TransportCC })
}

// opusParameters adds to the offered parameters what the publisher declared:
// the answer tells that stereo will come (RFC 7587 section 7.1).
func opusParameters(offered, current string) string {
	if parameter(current, "stereo") == "1" || parameter(current, "sprop-stereo") == "1" {
		offered = switchOn(offered, "stereo")
		offered = switchOn(offered, "sprop-stereo")
	}
	if parameter(current, "useinbandfec") == "1" {
		offered = switchOn(offered, "useinbandfec")
	}
	return offered
}

func (c MediaChoice) absent() bool { return c.Absent || len(c.Codecs) == 0 }

func (c MediaChoice) current(name string) string {
	for _, codec := range c.Codecs {
		if codec.Name == name {
			return codec.Fmtp
		}
	}
	return ""
}

func (c MediaChoice) names() string {
	var names []string
	for _, codec := range c.Codecs {
		if !slices.Contains(names, codec.Name) {
			names = append(names, codec.Name)
		}
	}
	if !c.All {
		names = names[:1]
	}
	return strings.Join(names, ", ")
}

func (p PlayPolicy) present() string {
	var kinds []string
	if !p.Audio.absent() {
		kinds = append(kinds, "audio")
	}
	if !p.Video.absent() {
		kinds = append(kinds, "video")
	}
	if len(kinds) == 0 {
		return "no media"
	}
	return strings.Join(kinds, " and ")
}
