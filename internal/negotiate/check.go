package negotiate

import (
	"slices"
	"strings"

	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// checkBundle wants one transport for all sections that can be answered (RFC
// 9725 section 4.4.1); a lone section needs no group.
func (o *Offer) checkBundle() *fault.Error {
	sections := slices.DeleteFunc(o.active(), func(s *offered) bool { return !s.supported() })
	if len(sections) < 2 {
		return nil
	}
	for _, s := range sections {
		if !s.bundled {
			return ErrNoBundle
		}
	}
	return nil
}

// checkMux wants RTP and RTCP on one port. A bundle-only section takes its
// transport from the tagged one and need not say so (RFC 9143 section 7.2).
func (o *Offer) checkMux() *fault.Error {
	for _, s := range o.active() {
		if s.isMedia() && s.supported() && !s.rtcpMux && !s.bundleOnly {
			return ErrNoRTCPMux
		}
	}
	return nil
}

// checkDirections wants every audio and video section to be direction, which is
// preferred, or sendrecv.
func (o *Offer) checkDirections(direction string) *fault.Error {
	for _, s := range o.active() {
		if s.isMedia() && s.direction != direction && s.direction != sendrecv {
			return ErrBadDirection.Because("The %s section is %s; offer %s.", s.media, s.direction, direction)
		}
	}
	return nil
}

// checkNumbers refuses a payload type that two sections of the bundle use for
// different things (RFC 9143 section 10.1.2): packets could not be told apart.
// Sections of one kind may share those that mean the same, as browsers do.
func checkNumbers(sections []Section) *fault.Error {
	taken := make(map[uint8]meaning)
	for _, s := range sections {
		if !s.flows() {
			continue
		}
		for _, pt := range s.PayloadTypes {
			clash, ok := pt.Number, take(taken, pt.Number, meaning{codec: pt.Codec})
			if ok && pt.RTX != 0 {
				clash, ok = pt.RTX, take(taken, pt.RTX, meaning{rtxOf: pt.Number})
			}
			if !ok {
				return ErrBadOffer.Because("Payload type %d stands for different codecs in two sections.", clash)
			}
		}
	}
	return nil
}

// meaning is what a payload type stands for: a codec, or the retransmissions of the
// payload type rtxOf.
type meaning struct {
	codec router.Codec
	rtxOf uint8
}

// take notes what a payload type stands for, unless it stands for something else.
func take(taken map[uint8]meaning, number uint8, m meaning) bool {
	other, ok := taken[number]
	taken[number] = m
	return !ok || other == m
}

// count returns how many active sections of a kind there are.
func (o *Offer) count(media string) int {
	n := 0
	for _, s := range o.active() {
		if s.media == media {
			n++
		}
	}
	return n
}

// offeredNames lists the known codecs of a section for a sentence.
func (s *offered) offeredNames() string {
	var names []string
	for _, p := range s.payloads {
		if !slices.Contains(names, p.codec.Name) {
			names = append(names, p.codec.Name)
		}
	}
	return nameList(names)
}

func nameList(names []string) string {
	if len(names) == 0 {
		return "none that is known here"
	}
	return strings.Join(names, ", ")
}

// accept turns what was chosen into the payload type both sides agree on.
func (p payload) accept(we router.Feedback) router.PayloadType {
	return router.PayloadType{
		Number: p.number, Codec: p.codec, RTX: p.rtx, Feedback: bothFeedback(p.feedback, we),
	}
}
