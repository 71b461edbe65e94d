package egress

// replayWindowSize is how far behind the newest a packet may come, in packets: the
// least that RFC 3711 section 3.3.2 allows, and some seconds of feedback.
const replayWindowSize = 64

// replayWindow knows which of the newest numbers under one SSRC came. Its zero value is
// that none did.
type replayWindow struct {
	highest uint32
	// came has a bit for each number, the highest in the last place.
	came uint64
}

// fresh tells that number n did not come yet, as far as is known.
func (w *replayWindow) fresh(n uint32) bool {
	if w.came == 0 || n > w.highest {
		return true
	}
	behind := w.highest - n
	return behind < replayWindowSize && w.came>>behind&1 == 0
}

// note marks n, which is fresh, as come.
func (w *replayWindow) note(n uint32) {
	switch {
	case w.came == 0:
		w.highest, w.came = n, 1
	case n > w.highest:
		w.came = w.came<<(n-w.highest) | 1 // more than 63 leave nothing
		w.highest = n
	default:
		w.came |= 1 << (w.highest - n)
	}
}
