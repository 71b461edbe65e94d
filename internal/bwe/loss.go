package bwe

// Loss counts from windows of feedback.
const (
	lossWindow  = 500_000 // microseconds
	lossPackets = 20
	// muchLoss lowers the estimate, littleLoss lets it grow: as in
	// draft-ietf-rmcat-gcc-02 section 6.
	muchLoss   = 0.10
	littleLoss = 0.02
	// overflow is the loss that makes a queue that stands a full one.
	overflow = 0.05
	// ownFor is how long, in microseconds, loss that did not fall when less was sent
	// is taken for the path's own; mostOwn bounds it.
	ownFor  = 60_000_000
	mostOwn = 0.4
)

// lossTrack follows the share of packets that get lost.
type lossTrack struct {
	lost, total int
	since       int64
	window      float64 // of the last window
	share       float64 // smoothed

	// troubleShare and troubleRate are what was lost and sent, in bits per second,
	// when much loss first lowered the estimate; 0 while there is none.
	troubleShare float64
	troubleRate  int
	own          float64 // what the path is believed to lose whatever is sent
	ownUntil     int64
}

// close ends a window that is long enough; told then.
func (l *lossTrack) close(now int64) (told bool) {
	if l.since == 0 {
		l.since = now
	}
	if now-l.since < lossWindow || l.total < lossPackets {
		return false
	}
	l.window = float64(max(l.lost, 0)) / float64(l.total)
	l.share += 0.4 * (l.window - l.share)
	l.lost, l.total, l.since = 0, 0, now
	return true
}

// overflowing tells whether what is lost fits a queue that is full.
func (l *lossTrack) overflowing() bool {
	return l.window > overflow || l.total >= lossPackets && float64(l.lost) > overflow*float64(l.total)
}

// much tells whether more is lost than a path does by itself.
func (l *lossTrack) much() bool { return l.share > max(muchLoss, 1.3*l.own) }

// judge is called with every window: does loss follow what is sent? If it stays
// although a quarter less is sent, nothing is won by sending still less.
func (l *lossTrack) judge(now int64, rate int) {
	if l.own > 0 && now >= l.ownUntil {
		l.own = 0
	}
	switch {
	case !l.much():
		l.troubleRate = 0
	case l.troubleRate == 0:
		l.troubleRate, l.troubleShare = rate, l.share
	case rate*4 < l.troubleRate*3:
		if l.share > 0.75*l.troubleShare {
			l.own, l.ownUntil = min(l.share, mostOwn), now+ownFor
		}
		l.troubleRate = 0
	}
}
