package negotiate

import (
	"github.com/headgate/headgate/internal/fault"
	"github.com/headgate/headgate/router"
)

// PublishPolicy says which codecs a publisher may use.
type PublishPolicy struct {
	// Video and Audio are codec names (router.H264, router.Opus, ...), the
	// preferred one first. An empty list means that the kind is not taken.
	Video, Audio []string
	// MaxBits caps what the publisher may send, all sections and layers together, in
	// bits per second of RTP; 0 is no cap.
	MaxBits int
}

// ForPublish decides what of the offer is accepted from a publisher: one codec
// for each of at most one audio and one video section. It is all or nothing
// (RFC 9725 sections 4.4.2 and 4.4.3). Refusals are Unprocessable, but
// ErrBadOffer where one payload type stands for two codecs.
func (o *Offer) ForPublish(p PublishPolicy) (*Plan, error) {
	if refusal := o.checkPublish(); refusal != nil {
		return nil, refusal
	}
	sections := make([]Section, 0, len(o.sections))
	for _, s := range o.sections {
		section, refusal := o.publishSection(s, p)
		if refusal != nil {
			return nil, refusal
		}
		sections = append(sections, section)
	}
	share(sections, p.MaxBits)
	plan, err := o.plan(sections, "")
	if err != nil {
		return nil, err
	}
	plan.MaxBits = p.MaxBits
	return plan, nil
}

func (o *Offer) checkPublish() *fault.Error {
	for _, s := range o.active() {
		if !s.supported() {
			return ErrSectionUnsupported.Because("A media section (%s %s) is of a sort that is not supported; leave it out.", s.media, s.proto)
		}
	}
	if refusal := o.checkDirections(sendonly); refusal != nil {
		return refusal
	}
	if refusal := o.checkTracks(); refusal != nil {
		return refusal
	}
	if refusal := o.checkMux(); refusal != nil {
		return refusal
	}
	return o.checkBundle()
}

// checkTracks allows one track of each kind and one stream for all (RFC 9725
// section 4.4.2).
func (o *Offer) checkTracks() *fault.Error {
	audio, video := o.count("audio"), o.count("video")
	switch {
	case audio+video == 0:
		return ErrNoMedia
	case audio > 1 || video > 1:
		return ErrTooManyTracks
	case o.count("application") > 1:
		return ErrSectionUnsupported.Because("The offer has more than one data section.")
	}
	var streams []string
	for _, s := range o.active() {
		if s.severalTracks() {
			return ErrTooManyTracks.Because("A media section declares several tracks; offer one, with simulcast streams named by a=rid.")
		}
		for _, id := range s.streamIDs() {
			streams = appendNew(streams, id)
		}
	}
	if len(streams) > 1 {
		return ErrTooManyTracks.Because("The tracks belong to different streams in a=msid; put them into one or use one session for each.")
	}
	return nil
}

// severalTracks finds the ways of old: several tracks in one section, or layers
// told apart by an SSRC group.
func (s *offered) severalTracks() bool {
	return len(s.simulcasts) == 0 && (s.sources.layered || len(s.sources.tracks) > 1)
}

func (o *Offer) publishSection(s *offered, p PublishPolicy) (Section, *fault.Error) {
	switch {
	case s.disabled:
		return s.rejected(), nil
	case !s.isMedia():
		return s.section(), nil
	}
	names := p.Audio
	if s.kind() == router.Video {
		names = p.Video
	}
	chosen, ok := s.choosePublished(names)
	if !ok {
		return Section{}, ErrCodecUnsupported.Because("No offered %s codec can be used: offered %s, taken %s.",
			s.media, s.offeredNames(), nameList(names))
	}
	return o.published(s, chosen), nil
}

// choosePublished takes the first codec of names that the section has.
func (s *offered) choosePublished(names []string) (payload, bool) {
	for _, name := range names {
		name = canonicalName(s.kind(), name)
		if p, ok := choose(s.payloads, name, publishRank(name)); ok {
			return p, true
		}
	}
	return payload{}, false
}

func (o *Offer) published(s *offered, chosen payload) Section {
	section := s.section()
	section.Answer = recvonly
	pt := chosen.accept(s.publishFeedback(chosen))
	section.PayloadTypes = []router.PayloadType{pt}
	if !o.simulcast {
		section.RIDs = s.simulcastRIDs(chosen.number)
	}
	if len(section.RIDs) == 0 {
		section.SSRCs = s.sources.declared(pt.RTX != 0)
	}
	section.extensions = s.publishExtensions(chosen.codec.Name, len(section.RIDs) > 0, pt.Feedback.TransportCC)
	section.Extensions = extensionIDs(section.extensions)
	if ids := s.streamIDs(); len(ids) > 0 {
		section.StreamID = ids[0]
	}
	return section
}

// publishFeedback is what we send to a publisher: one sort of congestion
// feedback, the better one if its extension is there.
func (s *offered) publishFeedback(chosen payload) router.Feedback {
	transportCC := chosen.feedback.TransportCC && s.offers(router.ExtTransportCC, sendonly)
	f := router.Feedback{NACK: true, TransportCC: transportCC}
	if s.kind() == router.Video {
		f.PLI, f.FIR, f.REMB = true, true, !transportCC
	}
	return f
}
