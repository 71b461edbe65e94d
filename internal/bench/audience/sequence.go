package audience

// historyBits is how many numbers back a packet can still be told from a
// duplicate; maxForward how far numbers may jump before that is taken for a new
// start rather than for a loss (RFC 3550 appendix A.1 has 3000; outages at high
// rates reach further).
const (
	historyBits = 4096
	maxForward  = 20_000
)

// arrivalKind is what a sequence number says about a packet.
type arrivalKind uint8

const (
	// inOrder is above all before it.
	inOrder arrivalKind = iota
	// late fills a hole.
	late
	// duplicate was there before.
	duplicate
	// stray is too far off to say anything; the next one decides.
	stray
)

// sequence follows the numbers of one SSRC over wraps. The zero value has seen
// nothing. Time is not its business.
type sequence struct {
	started bool
	// highest and first are extended numbers. They begin at 2^16 plus the number, so
	// that what came before the first is positive too.
	highest, first int64
	// bad is the number after the last stray one.
	bad  uint16
	seen [historyBits / 64]uint64
}

// index is the extended number nearest to seq; started must hold.
func (s *sequence) index(seq uint16) int64 {
	return s.highest + int64(int16(seq-uint16(s.highest)))
}

// add takes a packet. gap is the count of numbers that an inOrder one leaves out.
func (s *sequence) add(seq uint16) (index int64, kind arrivalKind, gap int) {
	if !s.started {
		s.start(1<<16 + int64(seq))
		return s.highest, inOrder, 0
	}
	index = s.index(seq)
	switch distance := index - s.highest; {
	case distance > maxForward || distance <= -historyBits:
		if seq != s.bad {
			s.bad = seq + 1
			return index, stray, 0
		}
		s.start(index)
		return index, inOrder, 0
	case distance > 0:
		s.advance(index)
		return index, inOrder, int(distance) - 1
	case s.has(index):
		return index, duplicate, 0
	default:
		s.mark(index)
		s.first = min(s.first, index)
		return index, late, 0
	}
}

func (s *sequence) start(index int64) {
	s.seen = [historyBits / 64]uint64{}
	s.started, s.first, s.highest, s.bad = true, index, index, uint16(index)+1
	s.mark(index)
}

// advance forgets what falls out of the history.
func (s *sequence) advance(to int64) {
	if to-s.highest >= historyBits {
		s.seen = [historyBits / 64]uint64{}
	} else {
		for i := s.highest + 1; i < to; i++ {
			s.seen[i%historyBits/64] &^= 1 << (i % 64)
		}
	}
	s.highest = to
	s.mark(to)
}

func (s *sequence) mark(index int64) { s.seen[index%historyBits/64] |= 1 << (index % 64) }

// has reports whether index, which is within the history, was seen.
func (s *sequence) has(index int64) bool {
	return s.seen[index%historyBits/64]&(1<<(index%64)) != 0
}
