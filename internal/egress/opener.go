package egress

import (
	"encoding/binary"
	"errors"
	"slices"
)

// What Opener.Open answers instead of a packet.
var (
	errNoRTCP   = errors.New("not an SRTCP packet")
	errRepeated = errors.New("the packet came before, or is too old to know")
	errForged   = errors.New("the packet does not authenticate")
	// ErrTooManySenders is for an authentic packet of yet another SSRC.
	ErrTooManySenders = errors.New("RTCP of too many SSRCs")
)

// Opener opens what a viewer sends, which is SRTCP: it authenticates, decrypts and
// refuses repetitions (RFC 3711 sections 3.3.2 and 3.4). It is for one goroutine at a
// time.
type Opener struct {
	context openingContext
	senders []sender
	plain   []byte
}

// openingContext opens packets of one viewer. It does not look at their numbers.
type openingContext interface {
	// indexWord returns the E bit and index of a packet, false if it is too short.
	indexWord(packet []byte) (uint32, bool)
	// openRTCP appends the RTCP packet to dst, which has room for it. It is false if
	// the packet does not authenticate.
	openRTCP(dst, packet []byte, word uint32) ([]byte, bool)
}

// sender is what came under one SSRC.
type sender struct {
	ssrc uint32
	came replayWindow
}

const (
	// maxOpened is the longest packet that is opened, in bytes. The stack reads no
	// more either.
	maxOpened = 1500
	// maxSenders is how many SSRCs a viewer may send RTCP with. It has one, or one for
	// each section.
	maxSenders = 64
)

// NewOpener is for the keys of what the viewer sends.
func NewOpener(k Keys) (*Opener, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	context, err := newOpeningContext(k)
	if err != nil {
		return nil, err
	}
	return &Opener{context: context}, nil
}

func newOpeningContext(k Keys) (openingContext, error) {
	if k.Profile == AES128CMHMACSHA1_80 {
		c, err := newCounterKey(k, labelRTCPEncryption, labelRTCPAuthentication, labelRTCPSalt)
		return &c, err
	}
	g, err := newGCMKey(k, labelRTCPEncryption, labelRTCPSalt)
	return &g, err
}

// IsRTCP tells RTCP, sealed or not, from what else comes on the same port (RFC 5761
// section 4, RFC 7983 section 7).
func IsRTCP(b []byte) bool { return len(b) > 1 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223 }

// Open returns the RTCP packet or compound in an SRTCP packet, which is left as it is.
// It is overwritten by the next Open.
func (o *Opener) Open(packet []byte) ([]byte, error) {
	word, ok := o.context.indexWord(packet)
	if !ok || !IsRTCP(packet) || len(packet) > maxOpened {
		return nil, errNoRTCP
	}
	// Looking for repetitions first saves opening them; what has not authenticated
	// changes nothing.
	ssrc, index := ssrcOf(packet), word&^encrypted
	known := slices.IndexFunc(o.senders, func(s sender) bool { return s.ssrc == ssrc })
	if known >= 0 && !o.senders[known].came.fresh(index) {
		return nil, errRepeated
	}
	o.plain = slices.Grow(o.plain[:0], len(packet))
	plain, ok := o.context.openRTCP(o.plain, packet, word)
	switch {
	case !ok:
		return nil, errForged
	case known < 0 && len(o.senders) == maxSenders:
		return nil, ErrTooManySenders
	case known < 0:
		known = len(o.senders)
		o.senders = append(o.senders, sender{ssrc: ssrc})
	}
	o.senders[known].came.note(index)
	return plain, nil
}

// ssrcOf is who sent an RTCP packet of at least rtcpClear bytes.
func ssrcOf(packet []byte) uint32 { return binary.BigEndian.Uint32(packet[4:]) }
