package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
)

// sources are the a=ssrc and a=ssrc-group lines of a section (RFC 5576).
type sources struct {
	order  []uint32
	seen   map[uint32]bool
	repair map[uint32]uint32 // SSRC of RTX by that of its media
	extra  map[uint32]bool   // SSRCs of retransmissions and FEC
	// tracks are the different "msid:<stream> <track>" of a=ssrc lines.
	tracks []string
	// layered tells that a SIM group declares several SSRCs as one track.
	layered bool
}

// maxSources bounds what is remembered of one section.
const maxSources = 64

// readSource reads the value of a=ssrc: "1234 cname:x".
func (s *sources) readSource(value string) {
	id, attribute, _ := strings.Cut(value, " ")
	ssrc, ok := parseSSRC(id)
	if !ok || len(s.order) == maxSources {
		return
	}
	if !s.seen[ssrc] {
		if s.seen == nil {
			s.seen = make(map[uint32]bool)
		}
		s.seen[ssrc] = true
		s.order = append(s.order, ssrc)
	}
	if track, ok := strings.CutPrefix(strings.TrimSpace(attribute), "msid:"); ok {
		s.tracks = appendNew(s.tracks, track)
	}
}

// readGroup reads the value of a=ssrc-group: "FID 1 2".
func (s *sources) readGroup(value string) {
	fields := strings.Fields(value)
	if len(fields) < 3 || len(s.extra) >= maxSources {
		return
	}
	media, ok1 := parseSSRC(fields[1])
	other, ok2 := parseSSRC(fields[2])
	switch {
	case fields[0] == "SIM":
		s.layered = true
	case !ok1 || !ok2 || fields[0] != "FID" && fields[0] != "FEC-FR":
		return
	default:
		s.addRepair(fields[0], media, other)
	}
}

func (s *sources) addRepair(semantics string, media, other uint32) {
	if s.extra == nil {
		s.extra, s.repair = make(map[uint32]bool), make(map[uint32]uint32)
	}
	s.extra[other] = true
	if semantics == "FID" {
		s.repair[media] = other
	}
}

func parseSSRC(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 0
}

// declared returns the SSRC of the section's one track, none if the offer does
// not say. rtx tells whether retransmissions were accepted.
func (s *sources) declared(rtx bool) []router.DeclaredSSRC {
	for _, ssrc := range s.order {
		if s.extra[ssrc] {
			continue
		}
		d := router.DeclaredSSRC{Media: ssrc}
		if rtx {
			d.RTX = s.repair[ssrc]
		}
		return []router.DeclaredSSRC{d}
	}
	return nil
}

// streamOf returns the stream id of the value of a=msid; "-" means that the
// track is in no stream (RFC 8829 section 5.2.1).
func streamOf(msid string) string {
	stream, _, _ := strings.Cut(msid, " ")
	if stream == "-" {
		return ""
	}
	return stream
}

// streamIDs returns the different stream ids of the section, from a=msid or,
// without one, from its a=ssrc lines.
func (s *offered) streamIDs() []string {
	msids := s.streams
	if len(msids) == 0 {
		for _, track := range s.sources.tracks {
			msids = append(msids, streamOf(track))
		}
	}
	var ids []string
	for _, id := range msids {
		if id != "" {
			ids = appendNew(ids, id)
		}
	}
	return ids
}

// appendNew adds s unless it is there. One is normal, a second is refused later,
// so few are remembered.
func appendNew(list []string, s string) []string {
	const enough = 4
	if len(list) == enough || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
