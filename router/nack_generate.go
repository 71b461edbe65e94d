package router

import (
	"slices"
	"time"
)

// nackDatagram bounds the packets one NACK asks for; the rest follows with the
// next.
const nackDatagram = 256

// The bounds of a measured round trip time, and of how many answers the smallest
// is taken.
const (
	minNACKSpacing = 10 * time.Millisecond
	maxNACKSpacing = 500 * time.Millisecond
	rttSamples     = 8
)

// missingPacket is one number that has not come.
type missingPacket struct {
	ext          int64
	since, asked time.Time
	first        time.Time // first asked
	tries        int
}

// nackList decides when to ask for what is missing of one SSRC (M-002): a while
// after the hole was seen, then again at round-trip spacing, a bounded number of
// times, and not when a key frame has made it useless.
type nackList struct {
	settings *IngestSettings
	missing  []missingPacket // by ext
	rtt      time.Duration   // 0: not measured
	samples  [rttSamples]time.Duration
	count    int
}

// lose notes the n numbers right below ext. It returns false when the hole is
// too large to be asked for; then nothing before it is asked for any more.
func (l *nackList) lose(now time.Time, ext int64, n int) bool {
	if len(l.missing)+n > l.settings.NACKGap {
		l.missing = l.missing[:0]
		return false
	}
	for e := ext - int64(n); e < ext; e++ {
		l.missing = append(l.missing, missingPacket{ext: e, since: now})
	}
	return true
}

// find notes that a missing number came, and tells whether it had been asked
// for. answered tells that it may have come because of that: one that was merely
// late says nothing about the round trip.
func (l *nackList) find(now time.Time, ext int64, answered bool) (asked bool) {
	for i := range l.missing {
		if m := l.missing[i]; m.ext == ext {
			if m.tries > 0 && answered {
				l.measure(now.Sub(m.first))
			}
			l.missing = append(l.missing[:i], l.missing[i+1:]...)
			return m.tries > 0
		}
	}
	return false
}

// measure takes the time from the first request to the packet. When requests or
// answers were lost this is more than the round trip: the smallest of some counts.
func (l *nackList) measure(d time.Duration) {
	l.samples[l.count%rttSamples] = min(max(d, minNACKSpacing), maxNACKSpacing)
	l.count++
	l.rtt = slices.Min(l.samples[:min(l.count, rttSamples)])
}

// supersede forgets what is missing before ext: a key frame starts there.
func (l *nackList) supersede(ext int64) {
	n := 0
	for n < len(l.missing) && l.missing[n].ext < ext {
		n++
	}
	l.missing = append(l.missing[:0], l.missing[n:]...)
}

// due appends the numbers to ask for now and counts them as asked. highest is
// the newest number that came.
func (l *nackList) due(now time.Time, highest int64, dst []uint16) []uint16 {
	kept := l.missing[:0]
	for _, m := range l.missing {
		if l.overdue(now, m) {
			continue
		}
		if len(dst) < nackDatagram && l.ripe(now, highest, m) {
			dst = append(dst, uint16(m.ext))
			if m.tries == 0 {
				m.first = now
			}
			m.tries++
			m.asked = now
		}
		kept = append(kept, m)
	}
	l.missing = kept
	return dst
}

// overdue tells whether it is no use to wait for a packet any longer.
func (l *nackList) overdue(now time.Time, m missingPacket) bool {
	if m.tries >= l.settings.NACKTries && now.Sub(m.asked) >= l.spacing() {
		return true
	}
	return now.Sub(m.since) > l.settings.NACKAge
}

// ripe tells whether a packet should be asked for now.
func (l *nackList) ripe(now time.Time, highest int64, m missingPacket) bool {
	if m.tries >= l.settings.NACKTries {
		return false
	}
	if m.tries > 0 {
		return now.Sub(m.asked) >= l.spacing()
	}
	return highest-m.ext >= int64(l.settings.ReorderPackets) || now.Sub(m.since) >= l.settings.ReorderWait
}

// spacing is the time between two requests for one packet: a little more than
// the round trip.
func (l *nackList) spacing() time.Duration {
	if l.rtt == 0 {
		return l.settings.RTT
	}
	return l.rtt + l.rtt/8
}
