package dependency

// bits reads bits from the highest down. Past the end it gives zeros and is failed.
type bits struct {
	b      []byte
	at     int
	failed bool
}

// read returns the next n bits, the last 31 of them.
func (r *bits) read(n int) (v int) {
	if r.at+n > 8*len(r.b) {
		r.failed = true
		return 0
	}
	for ; n > 0; n-- {
		v = v<<1&0x7fffffff | int(r.b[r.at>>3]>>(7-r.at&7)&1)
		r.at++
	}
	return v
}

func (r *bits) flag() bool { return r.read(1) == 1 }

// nonSymmetric returns a number below n (A.8.1, ns(n)).
func (r *bits) nonSymmetric(n int) int {
	width := 0
	for x := n; x != 0; x >>= 1 {
		width++
	}
	short := 1<<width - n // how many numbers take a bit less
	v := r.read(width - 1)
	if v < short {
		return v
	}
	return v<<1 - short + r.read(1)
}
