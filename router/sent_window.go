package router

// sentWindowSize is how many of the newest numbers a section knows to be sent or
// not: more than a second of video, and a power of two.
const sentWindowSize = 2048

// sentWindow remembers which of the newest outgoing numbers were sent, so that
// each of them carries one packet and is sent once.
type sentWindow struct {
	highest int64
	bits    [sentWindowSize / 64]uint64
	// turns are those that were sent in their turn, not to fill a hole.
	turns [sentWindowSize / 64]uint64
}

// advance makes n, which is above highest, the highest number and marks it sent.
func (w *sentWindow) advance(n int64) {
	if n-w.highest >= sentWindowSize {
		w.bits, w.turns = [sentWindowSize / 64]uint64{}, [sentWindowSize / 64]uint64{}
	} else {
		for i := w.highest + 1; i < n; i++ {
			w.bits[i/64%int64(len(w.bits))] &^= 1 << (i % 64)
			w.turns[i/64%int64(len(w.turns))] &^= 1 << (i % 64)
		}
	}
	w.highest = n
	w.mark(n)
	w.turns[n/64%int64(len(w.turns))] |= 1 << (n % 64)
}

// mark marks n, which is in the window, as sent.
func (w *sentWindow) mark(n int64) { w.bits[n/64%int64(len(w.bits))] |= 1 << (n % 64) }

// holds tells whether n is recent enough to be known. There are no numbers below
// 0, though a packet from before the first one sent may seem to have one.
func (w *sentWindow) holds(n int64) bool {
	return n >= 0 && n <= w.highest && w.highest-n < sentWindowSize
}

// sent tells whether n, which the window holds, was sent.
func (w *sentWindow) sent(n int64) bool { return w.bits[n/64%int64(len(w.bits))]&(1<<(n%64)) != 0 }

// inTurn counts the numbers from first to last that were sent in their turn, of those
// that the window holds.
func (w *sentWindow) inTurn(first, last int64) (count int) {
	for n := first; n <= last; n++ {
		if w.holds(n) && w.turns[n/64%int64(len(w.turns))]&(1<<(n%64)) != 0 {
			count++
		}
	}
	return count
}

// extend returns the number whose low 16 bits are seq and which lies nearest to
// the highest one sent.
func (w *sentWindow) extend(seq uint16) int64 {
	return w.highest + int64(int16(seq-uint16(w.highest)))
}
