package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
)

// OfferedMedia is what a counter-offer has of one kind.
type OfferedMedia struct {
	// Codecs are offered in this order, the current one first, which the Fmtp of
	// router.Codec describes; the clock rate need not be set. Unknown ones and
	// repetitions are left out. Without codecs there is no section.
	Codecs []router.Codec
	// Current tells that the first codec is what the session is going to carry, so
	// that the player has to take that one at least.
	Current bool
}

// CounterPolicy says what a counter-offer offers. Adapts is that of PlayPolicy.
type CounterPolicy struct {
	Video, Audio OfferedMedia
	Adapts       bool
}

// CounterOffer plans what the gateway offers a player itself (the playback draft,
// section 4.2.2): one audio and one video section at most, sendonly, with numbers
// of our own. Plan.SDP holds the format parameters for the stack and nothing else; Plan.Finish
// writes the offer. ErrNoMedia if there is nothing to offer.
func CounterOffer(policy CounterPolicy) (*Plan, error) {
	p := &Plan{Setup: setupActpass, grouped: true, offering: true}
	for _, kind := range []router.Kind{router.Audio, router.Video} {
		m := policy.Audio
		if kind == router.Video {
			m = policy.Video
		}
		if s := m.section(kind, len(p.Sections), policy.Adapts); len(s.PayloadTypes) > 0 {
			p.Sections = append(p.Sections, s)
			p.bundle = append(p.bundle, s.Mid)
		}
	}
	if len(p.Sections) == 0 {
		return nil, ErrNoMedia
	}
	var t text
	for i := range p.Sections {
		for _, pt := range p.Sections[i].PayloadTypes {
			t.payloadType(pt, engineParameters(pt.Codec))
		}
	}
	p.SDP = t.String()
	return p, nil
}

// section offers the codecs of one kind.
func (m OfferedMedia) section(kind router.Kind, index int, adapts bool) Section {
	s := Section{
		Index: index, Mid: strconv.Itoa(index), Kind: kind, Answer: sendonly,
		media: kind.String(), proto: stackProfile, reducedSize: true,
		extensions: counterExtensions(kind, adapts),
	}
	s.Extensions = extensionIDs(s.extensions)
	numbers := payloadNumbers{next: firstDynamic}
	seen := make(map[string]bool)
	for _, c := range m.Codecs {
		known, ok := knownCodecs[strings.ToLower(c.Name)]
		if !ok || known.kind != kind || seen[known.codec.Name] {
			continue
		}
		seen[known.codec.Name] = true
		for _, parameters := range counterParameters(known.codec.Name, c.Fmtp) {
			codec := known.codec
			codec.Fmtp = parameters
			s.PayloadTypes = append(s.PayloadTypes, numbers.assign(kind, codec, counterFeedback(kind, adapts)))
		}
	}
	s.needsFirst = m.Current && len(s.PayloadTypes) > 0
	return s
}

// firstDynamic is the first number of the range for dynamic use (RFC 3551 section
// 6). Ten codecs with RTX fit below opusNumber.
const (
	firstDynamic = 96
	opusNumber   = 111
)

// payloadNumbers hands numbers out: sections of a bundle share them, so audio has
// its usual ones, which video does not reach.
type payloadNumbers struct{ next uint8 }

func (n *payloadNumbers) assign(kind router.Kind, c router.Codec, f router.Feedback) router.PayloadType {
	pt := router.PayloadType{Codec: c, Feedback: f}
	if kind == router.Audio {
		pt.Number = audioNumbers[c.Name]
		return pt
	}
	pt.Number, pt.RTX = n.next, n.next+1
	n.next += 2
	return pt
}

// audioNumbers are the static ones of RFC 3551 and, for Opus, everybody's.
var audioNumbers = map[string]uint8{router.Opus: opusNumber, router.G722: 9, router.PCMU: 0, router.PCMA: 8}

// counterFeedback is what we act on. Both sorts of congestion feedback are offered
// where transport-wide feedback is of use: the answer tells which it will be.
func counterFeedback(kind router.Kind, adapts bool) router.Feedback {
	if kind == router.Audio {
		return router.Feedback{TransportCC: adapts}
	}
	return router.Feedback{NACK: true, PLI: true, FIR: true, REMB: true, TransportCC: adapts}
}

// counterExtensions are those that are written to viewers, each with its own
// number, the same in all sections.
func counterExtensions(kind router.Kind, adapts bool) []extension {
	list := []extension{{id: 1, uri: router.ExtMID}}
	if adapts {
		list = append(list, extension{id: 2, uri: router.ExtTransportCC})
	}
	list = append(list, extension{id: 3, uri: router.ExtAbsCaptureTime})
	if kind == router.Audio {
		return append(list, extension{id: 4, uri: router.ExtAudioLevel})
	}
	return append(list,
		extension{id: 5, uri: router.ExtOrientation}, extension{id: 6, uri: router.ExtPlayoutDelay},
		extension{id: 7, uri: router.ExtColorSpace})
}

// counterParameters are the format parameters a codec is offered with, each in a
// payload type of its own. current is what the publisher declared, empty where
// nobody publishes; it is read, never copied.
func counterParameters(name, current string) []string {
	switch name {
	case router.H264:
		return h264Offered(current)
	case router.VP9:
		if profileOf(name, current) == "2" {
			return []string{"profile-id=2"}
		}
		return []string{"profile-id=0"}
	case router.H265:
		if profileOf(name, current) == "2" {
			return []string{"profile-id=2"}
		}
	case router.Opus:
		return []string{opusParameters("minptime=10;useinbandfec=1", current)}
	}
	return []string{""}
}

// h264Offered has the current profile first, and the one that every decoder takes:
// what publishers declare is unreliable, and players decode more than they say.
func h264Offered(current string) []string {
	const mode = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id="
	list := []string{mode + "42e01f"}
	if current == "" {
		return list
	}
	if id := h264IDs[h264ProfileOf(current)]; id != "" {
		return append([]string{mode + id}, list...)
	}
	return list
}

// h264IDs are profile-level-ids at level 3.1, as browsers offer them; asymmetry is
// allowed, so that the level bounds nobody. Constrained baseline is always offered.
var h264IDs = map[h264Profile]string{
	baseline: "42001f", mainProfile: "4d001f", constrainedHigh: "640c1f", high: "64001f",
}
