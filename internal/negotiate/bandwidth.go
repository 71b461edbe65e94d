package negotiate

import (
	"strconv"

	"github.com/headgate/headgate/router"
	"github.com/pion/sdp/v3"
)

// The bandwidth types that bound media (RFC 8866 section 5.8, RFC 3890).
const (
	bandwidthAS   = "AS"   // kbit/s, with everything below RTP
	bandwidthTIAS = "TIAS" // bit/s, without
)

// tiasOverhead is what RFC 8829 section 5.9 takes for the headers below RTP, beside
// a twentieth: 50 packets of 40 bytes a second.
const tiasOverhead = 50 * 40 * 8

// mostBits bounds what an offer may say: more is no bound.
const mostBits = 2_000_000_000

// What sound needs, in bits per second of RTP. Browsers take the bound of an Opus
// section for its target, so it is no larger than what stereo is worth.
const (
	leastOpusBits  = 32_000
	mostOpusBits   = 128_000
	otherSoundBits = 72_000 // G.711 and G.722: 64 kbit/s in 50 packets
	// opusShare is the part of a cap that sound gets, when it is between the bounds.
	opusShare = 16
)

// bitsOf returns how many bits per second of RTP b= lines allow, 0 for any number.
// TIAS says it itself and goes before AS, which is converted as RFC 8829 section
// 5.9 says.
func bitsOf(lines []sdp.Bandwidth) (bits int) {
	for _, b := range lines {
		switch {
		case b.Experimental || b.Bandwidth == 0 || b.Bandwidth > mostBits:
		case b.Type == bandwidthTIAS:
			return int(b.Bandwidth)
		case b.Type == bandwidthAS && b.Bandwidth <= mostBits/1000:
			bits = max(int(b.Bandwidth)*950-tiasOverhead, 1)
		}
	}
	return bits
}

// bandwidth writes how much may be sent. TIAS comes last: libwebrtc takes the last
// line it knows.
func (t *text) bandwidth(bits int) {
	if bits <= 0 {
		return
	}
	t.line("b=AS:", strconv.Itoa(max((bits+tiasOverhead)/950, 1)))
	t.line("b=TIAS:", strconv.Itoa(bits))
}

// share splits the cap of a publisher between its sections: sound gets what it
// needs, but never more than half while there is a picture, which gets the rest.
func share(sections []Section, most int) {
	if most <= 0 {
		return
	}
	rest, picture := most, false
	for i := range sections {
		picture = picture || sections[i].receives(router.Video)
	}
	for i := range sections {
		if s := &sections[i]; s.receives(router.Audio) {
			s.Bandwidth = min(soundBits(s, most), most)
			if picture {
				s.Bandwidth = min(s.Bandwidth, most/2)
			}
			rest -= s.Bandwidth
		}
	}
	for i := range sections {
		if s := &sections[i]; s.receives(router.Video) {
			s.Bandwidth = rest
		}
	}
}

func (s *Section) receives(kind router.Kind) bool {
	return !s.Application && !s.Rejected && s.Answer == recvonly && s.Kind == kind
}

func soundBits(s *Section, most int) int {
	if len(s.PayloadTypes) > 0 && s.PayloadTypes[0].Codec.Name != router.Opus {
		return otherSoundBits
	}
	return min(max(most/opusShare, leastOpusBits), mostOpusBits)
}

// bound is how much a player takes of everything: what the offer says before its
// first section, or the sum of the sections, whichever is less. A section of sound
// that says nothing counts with what it needs at most; a picture that says nothing
// leaves the sum open.
func (o *Offer) bound(sections []Section) int {
	sum, said := 0, false
	for i := range sections {
		switch s := &sections[i]; {
		case s.Application || s.Answer != sendonly:
		case s.Bandwidth > 0:
			sum, said = sum+s.Bandwidth, true
		case s.Kind == router.Video:
			return o.maxBits
		default:
			sum += mostOpusBits
		}
	}
	if !said || o.maxBits > 0 && o.maxBits < sum {
		return o.maxBits
	}
	return sum
}
