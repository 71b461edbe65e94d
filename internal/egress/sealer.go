package egress

import (
	"errors"

	"github.com/headgate/headgate/router"
)

// errUsed is what a sealer answers for a number that was used already, or lies
// so far back that it can't know: with GCM a second packet under one number
// would give away the authentication key (RFC 7714 section 8.4).
var errUsed = errors.New("the packet's number was used before")

// cipherContext seals packets of one viewer. It does not look at numbers: that is
// the sealer's part.
type cipherContext interface {
	// seal appends the SRTP packet of p to dst, which has room for it.
	seal(dst []byte, p *router.Outgoing) ([]byte, error)
	// sealRTCP appends the SRTCP packet of p to dst, under an index.
	sealRTCP(dst []byte, p *router.OutgoingRTCP, index uint32) ([]byte, error)
}

// sealer is the only place where anything to a viewer is encrypted. It belongs to the
// viewer's worker.
type sealer struct {
	context cipherContext
	streams []stream
	// reports is the index of the last SRTCP packet. It is one for all SSRCs, which
	// is more than is asked for.
	reports uint32
}

// stream is what was sealed under one SSRC.
type stream struct {
	ssrc uint32
	used usedWindow
}

func newSealer(k Keys) (*sealer, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	var context cipherContext
	var err error
	if k.Profile == AES128CMHMACSHA1_80 {
		context, err = newCounterMode(k)
	} else {
		context, err = newGCM(k)
	}
	if err != nil {
		return nil, err
	}
	return &sealer{context: context}, nil
}

// seal appends the SRTP packet of p to dst, or refuses.
func (s *sealer) seal(dst []byte, p *router.Outgoing) ([]byte, error) {
	if !s.window(p.SSRC).claim(p.Index) {
		return dst, errUsed
	}
	return s.context.seal(dst, p)
}

// maxReports is the highest SRTCP index (RFC 3711 section 3.4).
const maxReports = 1<<31 - 1

// sealRTCP appends the SRTCP packet of p to dst, or refuses.
func (s *sealer) sealRTCP(dst []byte, p *router.OutgoingRTCP) ([]byte, error) {
	if s.reports == maxReports {
		return dst, errUsed
	}
	s.reports++
	return s.context.sealRTCP(dst, p, s.reports)
}

// window finds the numbers used under an SSRC. A viewer has two for each section.
func (s *sealer) window(ssrc uint32) *usedWindow {
	for i := range s.streams {
		if s.streams[i].ssrc == ssrc {
			return &s.streams[i].used
		}
	}
	s.streams = append(s.streams, stream{ssrc: ssrc, used: usedWindow{highest: -1}})
	return &s.streams[len(s.streams)-1].used
}

// usedWindowSize is how many numbers below the highest may still be used: as many
// as a section of router remembers.
const usedWindowSize = 2048

// maxIndex is the highest number an SRTP key may be used for (RFC 3711 section
// 3.3.1: 32 bits of rollovers, 16 of sequence number).
const maxIndex = 1<<48 - 1

// usedWindow knows which of the newest numbers were used. What is older counts as
// used.
type usedWindow struct {
	highest int64 // -1 before the first
	bits    [usedWindowSize / 64]uint64
}

// claim marks n as used, and is false if it can't be shown to be unused.
func (w *usedWindow) claim(n int64) bool {
	if n > w.highest {
		if n > maxIndex {
			return false
		}
		w.advance(n)
	} else if n < 0 || w.highest-n >= usedWindowSize {
		return false
	}
	word, bit := &w.bits[n/64%int64(len(w.bits))], uint64(1)<<(n%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// advance makes n the highest number and the numbers passed over unused.
func (w *usedWindow) advance(n int64) {
	if n-w.highest >= usedWindowSize {
		w.bits = [usedWindowSize / 64]uint64{}
	} else {
		for i := w.highest + 1; i <= n; i++ {
			w.bits[i/64%int64(len(w.bits))] &^= 1 << (i % 64)
		}
	}
	w.highest = n
}
