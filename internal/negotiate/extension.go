package negotiate

import (
	"strconv"
	"strings"

	"github.com/headgate/headgate/router"
)

// extension is one usable a=extmap line (RFC 8285 section 5).
type extension struct {
	id        uint8
	uri       string
	direction string // as offered; empty where the line has none
}

// maxExtensionID is the largest id of the two-byte form that the WebRTC stack
// takes; 15 is reserved (RFC 8285 section 4.2).
const maxExtensionID = 246

// maxOneByteID is the largest id, maxOneByteValue the longest value of the
// one-byte form.
const (
	maxOneByteID    = 14
	maxOneByteValue = 16
)

// appendExtension reads the value of a=extmap. Unusable lines, unknown URIs and
// ids that are taken are left out.
func appendExtension(list []extension, value string) []extension {
	fields := strings.Fields(value)
	if len(fields) < 2 || !forwarded[fields[1]].known {
		return list
	}
	number, direction, _ := strings.Cut(fields[0], "/")
	id, err := strconv.ParseUint(number, 10, 8)
	if err != nil || id < 1 || id > maxExtensionID || id == 15 {
		return list
	}
	for _, e := range list {
		if e.id == uint8(id) || e.uri == fields[1] {
			return list
		}
	}
	return append(list, extension{id: uint8(id), uri: fields[1], direction: direction})
}

// extensionUse says towards whom an extension is negotiated.
type extensionUse struct{ known, publish, play bool }

// forwarded lists the extensions that are read from publishers or written to
// viewers; all others are left out of answers. The dependency descriptor is read from
// publishers of AV1 only, because a browser that may send it leaves the temporal ids
// out of VP8.
var forwarded = map[string]extensionUse{
	router.ExtMID:             {true, true, true},
	router.ExtRID:             {true, true, false},
	router.ExtRepairedRID:     {true, true, false},
	router.ExtTransportCC:     {true, true, true},
	router.ExtAudioLevel:      {true, true, true},
	router.ExtOrientation:     {true, true, true},
	router.ExtPlayoutDelay:    {true, true, true},
	router.ExtColorSpace:      {true, true, true},
	router.ExtAbsCaptureTime:  {true, true, true},
	router.ExtDependencyDescr: {true, true, true},
}

// flows tells whether the line lets the offerer use the extension in the
// direction given: sendonly for a publisher, recvonly for a viewer.
func (e extension) flows(direction string) bool {
	return e.direction == "" || e.direction == sendrecv || e.direction == direction
}

// answer is the a=extmap value of the answer: the same id, the direction
// reversed (RFC 8285 section 6).
func (e extension) answer() string {
	id := strconv.Itoa(int(e.id))
	if e.direction != "" {
		id += "/" + reversed(e.direction)
	}
	return id + " " + e.uri
}

func reversed(direction string) string {
	switch direction {
	case sendonly:
		return recvonly
	case recvonly:
		return sendonly
	}
	return direction
}

// publishExtensions keeps what is wanted from a publisher of a codec. The RID
// extensions belong to simulcast, transport-cc to its feedback.
func (s *offered) publishExtensions(codec string, simulcast, transportCC bool) []extension {
	return s.keepExtensions(func(e extension) bool {
		switch e.uri {
		case router.ExtDependencyDescr:
			return codec == router.AV1 && e.flows(sendonly)
		case router.ExtRID, router.ExtRepairedRID:
			return simulcast && e.flows(sendonly)
		case router.ExtTransportCC:
			return transportCC && e.flows(sendonly)
		}
		return forwarded[e.uri].publish && e.flows(sendonly)
	})
}

// playExtensions keeps what is written to a viewer, which is always the one-byte form,
// but for packets with a long dependency descriptor.
func (s *offered) playExtensions(described, transportCC bool) []extension {
	return s.keepExtensions(func(e extension) bool {
		switch {
		case e.uri == router.ExtMID && len(s.mid) > maxOneByteValue:
			return false
		case e.uri == router.ExtDependencyDescr && !described, e.uri == router.ExtTransportCC && !transportCC:
			return false
		}
		return forwarded[e.uri].play && e.id <= maxOneByteID && e.flows(recvonly)
	})
}

func (s *offered) keepExtensions(keep func(extension) bool) []extension {
	var kept []extension
	for _, e := range s.extensions {
		if keep(e) {
			kept = append(kept, e)
		}
	}
	return kept
}

// offers tells whether the offerer uses the extension in the direction given.
func (s *offered) offers(uri, direction string) bool {
	for _, e := range s.extensions {
		if e.uri == uri && e.flows(direction) {
			return true
		}
	}
	return false
}

func extensionIDs(list []extension) router.Extensions {
	ids := make(router.Extensions, len(list))
	for _, e := range list {
		ids[e.uri] = e.id
	}
	return ids
}
