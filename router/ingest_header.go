package router

import "encoding/binary"

// Profiles of RTP header extensions (RFC 8285 section 4).
const (
	oneByteProfile     = 0xbede
	twoByteProfile     = 0x1000
	twoByteProfileMask = 0xfff0
)

// ingestHeader is what the way in needs of an RTP packet (RFC 3550 section 5.1).
// Its slices point into the packet.
type ingestHeader struct {
	ssrc, timestamp uint32
	seq             uint16
	payloadType     uint8
	marker          bool
	profile         uint16 // of the header extension, 0 without
	extension       []byte
	payload         []byte // without padding
}

// parseIngestHeader reads an RTP packet; ok is false when it is none.
func parseIngestHeader(b []byte) (h ingestHeader, ok bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return h, false
	}
	h.marker, h.payloadType = b[1]&0x80 != 0, b[1]&0x7f
	h.seq = binary.BigEndian.Uint16(b[2:])
	h.timestamp = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	rest := b[12:]
	csrcs := 4 * int(b[0]&0x0f)
	if len(rest) < csrcs {
		return h, false
	}
	rest = rest[csrcs:]
	if b[0]&0x10 != 0 {
		if rest, ok = h.takeExtension(rest); !ok {
			return h, false
		}
	}
	if b[0]&0x20 != 0 {
		if rest, ok = withoutPadding(rest); !ok {
			return h, false
		}
	}
	h.payload = rest
	return h, true
}

func (h *ingestHeader) takeExtension(b []byte) (rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, false
	}
	end := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
	if len(b) < end {
		return nil, false
	}
	h.profile, h.extension = binary.BigEndian.Uint16(b), b[4:end]
	return b[end:], true
}

func withoutPadding(b []byte) (rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	n := int(b[len(b)-1])
	if n == 0 || n > len(b) {
		return nil, false
	}
	return b[:len(b)-n], true
}

// nextExtension cuts the first element off the header extension. id is 0 at its
// end (RFC 8285 sections 4.2 and 4.3).
func (h *ingestHeader) nextExtension() (id uint8, value []byte) {
	for len(h.extension) > 0 && h.extension[0] == 0 {
		h.extension = h.extension[1:]
	}
	head, n := 1, 0
	switch e := h.extension; {
	case len(e) == 0:
		return 0, nil
	case h.profile == oneByteProfile:
		id, n = e[0]>>4, int(e[0]&0x0f)+1
		if id == 15 {
			return 0, nil
		}
	case h.profile&twoByteProfileMask == twoByteProfile && len(e) >= 2:
		id, n, head = e[0], int(e[1]), 2
	default:
		return 0, nil
	}
	if len(h.extension) < head+n {
		return 0, nil
	}
	value = h.extension[head : head+n]
	h.extension = h.extension[head+n:]
	return id, value
}

// extensionRole is what an extension is to the way in.
type extensionRole uint8

const (
	roleNone extensionRole = iota
	roleMID
	roleRID
	roleRepairedRID
	roleTransportCC
	roleCaptureTime
	rolePassed // the first of passedURIs
)

// passedLevel is the place of the audio level among passedURIs.
const passedLevel, passedDependency = 0, 4

// passedURIs are the extensions that reach viewers unchanged (M-084).
// abs-capture-time does too, translated to the gateway's clock.
var passedURIs = [...]string{
	passedLevel: ExtAudioLevel, ExtOrientation, ExtPlayoutDelay, ExtColorSpace, ExtDependencyDescr,
}

// extensionRoles tells the role of each id.
type extensionRoles [256]extensionRole

// learn adds the ids of a section; an id that is known stays what it is.
func (t *extensionRoles) learn(e Extensions) {
	set := func(uri string, role extensionRole) {
		if id := e[uri]; id != 0 && t[id] == roleNone {
			t[id] = role
		}
	}
	set(ExtMID, roleMID)
	set(ExtRID, roleRID)
	set(ExtRepairedRID, roleRepairedRID)
	set(ExtTransportCC, roleTransportCC)
	set(ExtAbsCaptureTime, roleCaptureTime)
	for i, uri := range passedURIs {
		set(uri, rolePassed+extensionRole(i))
	}
}

// ingestExtensions are the extensions of one packet; the slices point into it.
type ingestExtensions struct {
	mid, rid, repairedRID []byte
	transport             uint16
	hasTransport          bool
	captureTime           []byte
	passed                [len(passedURIs)][]byte
	count                 int // of passed
}

// read collects what roles knows from the header.
func (x *ingestExtensions) read(h ingestHeader, roles *extensionRoles) {
	for {
		id, value := h.nextExtension()
		if id == 0 {
			return
		}
		x.take(roles[id], value)
	}
}

func (x *ingestExtensions) take(role extensionRole, value []byte) {
	switch role {
	case roleNone:
	case roleMID:
		x.mid = value
	case roleRID:
		x.rid = value
	case roleRepairedRID:
		x.repairedRID = value
	case roleTransportCC:
		if len(value) >= 2 {
			x.transport, x.hasTransport = binary.BigEndian.Uint16(value), true
		}
	case roleCaptureTime:
		x.captureTime = value
	default:
		if at := &x.passed[role-rolePassed]; *at == nil && value != nil {
			*at = value
			x.count++
		}
	}
}
