package bwe

import "time"

// All times of this file are microseconds; arrivals are on the receiver's clock.
const (
	// binLength holds at least one frame of 30 a second. What counts of a bin is its
	// least delay: frames leave in bursts, and only what the first packet after a
	// pause waits for stands in the queue; the rest waits for its own burst.
	binLength = 50_000
	binsKept  = 16
	// thirds is how many bins a third of the trend has.
	third = 3

	// standsAfter is after how many bins a queue stands.
	standsAfter = 5

	leastThreshold = 15_000
	mostThreshold  = 80_000
	mostNoise      = 30_000
	// baseKept is how long a least delay counts; in that time a clock that drifts by
	// 100 ppm moves by 1 to 2 ms.
	baseKept = 10_000_000
	// flatFor is after how many seconds a delay that neither grows nor falls, while
	// nothing is lost, is believed to be a longer way.
	flatFor = 4
	flat    = 5_000
	// ackedSpan is how far the acknowledged rate looks back.
	ackedSpan = 500_000
	// binsBusy is how far the rate of a full queue looks back, leastBusy how long it
	// must have been full.
	binsBusy  = 10
	leastBusy = 80_000
	// brokenOff is the pause after which no trend goes on.
	brokenOff = 300_000
)

// bin is what arrived within a twentieth of a second.
type bin struct {
	first, last int64 // arrivals
	bytes       int32
	firstBytes  int32 // of the first packet
	delay       int64 // the least one, of arbitrary origin
	probe       bool
}

// delayTrack watches how long packets are on the way, out of arrival minus
// departure, and how much arrives.
type delayTrack struct {
	cur     bin
	bins    [binsKept]bin
	n       int // bins closed ever
	trendOf int // bins since the trend could last begin

	base      [2]int64 // least delays: of this period, of the one before
	baseUntil int64
	noise     int64 // by how much bins differ beside any trend
	rising    int   // bins in a row that confirm a trend
	over      bool

	seconds [flatFor]int64 // the least delay of the last seconds, newest first
	second  int64
	until   int64
	known   int
}

// add notes a received packet.
func (d *delayTrack) add(sent, arrival int64, size int, probe bool) {
	if d.cur.bytes > 0 && arrival >= d.cur.first+binLength {
		d.close()
	}
	c := &d.cur
	if c.bytes == 0 {
		*c = bin{first: arrival, last: arrival, delay: arrival - sent, firstBytes: int32(size)}
	}
	c.last = max(c.last, arrival)
	c.delay = min(c.delay, arrival-sent)
	c.bytes += int32(size)
	c.probe = c.probe || probe
}

// unheardOf counts what probably arrived though its feedback did not.
func (d *delayTrack) unheardOf(size int) {
	if d.cur.bytes > 0 {
		d.cur.bytes += int32(size)
	}
}

// close ends the bin that fills.
func (d *delayTrack) close() {
	c := d.cur
	d.cur.bytes = 0
	if d.n > 0 && c.first-d.ago(0).last > brokenOff {
		d.trendOf = 0
	}
	d.bins[d.n%binsKept] = c
	d.n++
	d.trendOf++
	d.rebase(c)
	d.measureNoise()
	if c.probe {
		// A probe fills the queue itself; what becomes of that is its result.
		d.trendOf = 0
	}
	d.detect()
	d.longRun(c)
}

// ago returns the bin closed i bins before the last.
func (d *delayTrack) ago(i int) *bin { return &d.bins[(d.n-1-i)%binsKept] }

// rebase keeps the least delay of the last 10 to 20 seconds.
func (d *delayTrack) rebase(c bin) {
	switch {
	case d.n == 1:
		d.base = [2]int64{c.delay, c.delay}
		d.baseUntil = c.first + baseKept
	case c.first >= d.baseUntil:
		d.base = [2]int64{c.delay, d.base[0]}
		d.baseUntil = c.first + baseKept
	default:
		d.base[0] = min(d.base[0], c.delay)
	}
}

// queue is how long packets wait.
func (d *delayTrack) queue() int64 {
	if d.n == 0 {
		return 0
	}
	return d.waited(d.ago(0))
}

func (d *delayTrack) waited(b *bin) int64 { return max(0, b.delay-min(d.base[0], d.base[1])) }

// threshold is the wait above which a queue is believed to stand. Delays that vary
// by themselves raise it.
func (d *delayTrack) threshold() int64 {
	return min(max(leastThreshold, 12_000+3*d.noise), mostThreshold)
}

// measureNoise takes the second difference, which a steady growth does not change.
func (d *delayTrack) measureNoise() {
	if d.trendOf < 3 {
		return
	}
	bend := d.ago(0).delay - 2*d.ago(1).delay + d.ago(2).delay
	d.noise += (min(max(bend, -bend)/2, mostNoise) - d.noise) / 32
}

// detect tells whether the queue grows: from the first third of the last bins to the
// second and from there to the last, twice in a row. A jump, be it by a key frame
// or another way through the network, grows once only. A growth that is steep and
// long is believed sooner.
func (d *delayTrack) detect() {
	d.over = false
	now := d.queue()
	if d.trendOf < 4 || now <= d.threshold() {
		d.rising = 0
		return
	}
	if d.steep() {
		d.rising, d.over = max(d.rising, 1), true
		return
	}
	if d.trendOf < 3*third || d.ago(0).delay < d.ago(1).delay {
		d.rising = 0
		return
	}
	least := max(5_000, 3*d.noise/2)
	a, b, c := d.median(2*third), d.median(third), d.median(0)
	if b-a <= least || c-b <= least {
		d.rising = 0
		return
	}
	d.rising++
	d.over = d.rising > 1
}

// steep tells whether each of the last bins waited much longer than the one before.
func (d *delayTrack) steep() bool {
	least := max(12_000, 2*d.noise)
	for i := range 3 {
		if d.ago(i).delay-d.ago(i+1).delay < least {
			return false
		}
	}
	return d.queue() > 3*d.threshold()
}

// standing tells whether the queue was never empty in the last bins.
func (d *delayTrack) standing() bool {
	for i := range min(d.n, standsAfter) {
		if b := d.ago(i); d.waited(b) <= d.threshold() {
			return false
		}
	}
	return d.n >= standsAfter
}

// median is that of the delays of three bins, from i bins ago backwards.
func (d *delayTrack) median(i int) int64 {
	a, b, c := d.ago(i).delay, d.ago(i+1).delay, d.ago(i+2).delay
	return max(min(a, b), min(max(a, b), c))
}

// longRun looks at the least delays of whole seconds: a slow growth is found only
// there, and a delay that stays is a longer way rather than a queue.
func (d *delayTrack) longRun(c bin) {
	if d.until == 0 || c.first >= d.until {
		if d.until != 0 {
			copy(d.seconds[1:], d.seconds[:])
			d.seconds[0] = d.second
			d.known++
			d.judgeSeconds()
		}
		d.second, d.until = c.delay, c.first+1_000_000
	}
	d.second = min(d.second, c.delay)
}

func (d *delayTrack) judgeSeconds() {
	if d.queue() <= d.threshold() || d.known < flatFor || d.n <= binsBusy {
		return
	}
	least, most := d.seconds[0], d.seconds[0]
	for _, s := range d.seconds {
		least, most = min(least, s), max(most, s)
	}
	if most-least < flat {
		d.base = [2]int64{least, least}
		return
	}
	growth := max(8_000, d.noise)
	falling := d.ago(0).delay < d.ago(binsBusy).delay
	d.over = d.over || !falling && d.seconds[0]-d.seconds[1] > growth && d.seconds[1]-d.seconds[2] > growth
}

// acked is the rate in bits per second at which data arrived lately, 0 if unknown.
func (d *delayTrack) acked() int {
	bytes, span := 0, int64(0)
	for i := 0; i < min(d.n, binsKept) && span < ackedSpan; i++ {
		b := d.ago(i)
		bytes += int(b.bytes)
		span = d.ago(0).first + binLength - b.first
	}
	if span < 2*binLength {
		return 0
	}
	return perSecond(bytes, span)
}

// busy is the rate at which data arrived while the queue never was empty: what the
// path carries; 0 if that was not long enough.
func (d *delayTrack) busy() int {
	bytes, i := 0, 0
	for ; i < min(d.n, binsBusy) && d.waited(d.ago(i)) > d.threshold()/2; i++ {
		bytes += int(d.ago(i).bytes)
	}
	if i == 0 {
		return 0
	}
	first := d.ago(i - 1)
	span := d.ago(0).last - first.first
	if span < leastBusy {
		return 0
	}
	return perSecond(bytes-int(first.firstBytes), span)
}

// perSecond is bits per second of so many bytes in so many microseconds.
func perSecond(bytes int, span int64) int {
	return int(int64(bytes) * 8 * int64(time.Second/time.Microsecond) / max(span, 1))
}
