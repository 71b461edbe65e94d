package router

import "time"

const (
	// firstCycle keeps extended numbers above zero.
	firstCycle = 1 << 16
	// earlyNumbers are how many numbers before the first packet are still taken:
	// the network may have swapped the first ones.
	earlyNumbers = 64
	// maxDropout is the largest step forward that counts as loss (RFC 3550 A.1).
	maxDropout = 3000
	// maxRepairAhead is how far a retransmission may run ahead of its stream.
	maxRepairAhead = 64
	// timestampLeeway and timestampBack are how far, in seconds, a timestamp may
	// run ahead of real time, or lie before the newest one (reordered pictures,
	// late packets), before the numbering counts as a new one.
	timestampLeeway = 10
	timestampBack   = 5
	// reorderedTime is how far, in seconds, pictures may be sent out of order, and
	// besideNumbers how far the neighbours of a missing packet are looked for.
	reorderedTime = 1
	besideNumbers = 64
	// staleNumbers useless packets in a row and staleTime without a useful one
	// are a new numbering that looks like the old one.
	staleNumbers = 100
	staleTime    = time.Second
)

// verdict is what a sequence number turned out to be.
type verdict uint8

const (
	arrivedNext    verdict = iota // beyond everything before
	arrivedLate                   // fills a hole
	arrivedTwice                  // known already, too old to tell, or not what is missing
	arrivedStrange                // belongs to another numbering
)

type numberState uint8

const (
	numberUnknown numberState = iota
	numberEarly               // before the first packet
	numberMissing
	numberArrived
)

// number is what is known of one extended sequence number.
type number struct {
	ext       int64 // the publisher's number, extended
	seq       int64 // Packet.Seq
	timestamp uint32
	state     numberState
}

// sequencer extends the sequence numbers of one SSRC, finds duplicates and
// holes, and numbers padding away (M-053): Packet.Seq has a gap where a packet
// is missing and none where there was only padding.
type sequencer struct {
	window    []number // a power of two
	started   bool
	first     int64
	highest   int64
	next      int64 // Packet.Seq of highest+1
	timestamp uint32
	arrival   time.Time
	rate      uint32
	stale     int  // packets in a row that were no use
	reordered bool // timestamps have gone back: pictures are not sent in their order
}

func newSequencer(window int, clockRate uint32) sequencer {
	n := earlyNumbers * 2
	for n < window {
		n <<= 1
	}
	return sequencer{window: make([]number, n), rate: max(clockRate, 1)}
}

func (q *sequencer) at(ext int64) *number {
	return &q.window[ext&int64(len(q.window)-1)]
}

// extend gives the extended number nearest to the newest one.
func (q *sequencer) extend(seq uint16) int64 {
	if !q.started {
		return firstCycle + int64(seq)
	}
	return q.highest + int64(int16(seq-uint16(q.highest)))
}

// judge tells what a packet is without taking it.
func (q *sequencer) judge(now time.Time, seq uint16, timestamp uint32) (int64, verdict) {
	ext := q.extend(seq)
	if !q.started {
		return ext, arrivedNext
	}
	v := q.compare(now, ext, timestamp)
	if v != arrivedTwice {
		q.stale = 0
		return ext, v
	}
	q.stale++
	if q.stale > staleNumbers && now.Sub(q.arrival) > staleTime {
		return ext, arrivedStrange
	}
	return ext, v
}

func (q *sequencer) compare(now time.Time, ext int64, timestamp uint32) verdict {
	d := int64(int32(timestamp - q.timestamp))
	back := timestampBack * int64(q.rate)
	switch n := q.at(ext); {
	case ext > q.highest+maxDropout:
		return arrivedStrange
	case ext > q.highest:
		if q.plausible(now, d) {
			return arrivedNext
		}
		return arrivedStrange
	case d > back || d < -2*back:
		return arrivedStrange
	case ext <= q.highest-int64(len(q.window)), n.ext != ext, n.state == numberUnknown:
		return arrivedTwice // too old to tell
	case n.state != numberArrived:
		if !q.fits(ext, timestamp) {
			return arrivedTwice // a number of this layer, a packet of another
		}
		return arrivedLate
	case n.timestamp == timestamp:
		return arrivedTwice
	}
	return arrivedStrange
}

// fits tells whether a packet of a timestamp can stand at a number that has not
// come: inside a picture there is no other, and between two pictures there is one
// of about their time. Publishers that keep the sent packets of all layers
// together answer requests for one with packets of another (Q-OBS-9).
func (q *sequencer) fits(ext int64, timestamp uint32) bool {
	before, after := q.beside(ext, -1), q.beside(ext, +1)
	if before == nil || after == nil {
		return true
	}
	span, d := int64(int32(after.timestamp-before.timestamp)), int64(int32(timestamp-before.timestamp))
	if span == 0 {
		return d == 0
	}
	var leeway int64
	if q.reordered {
		leeway = reorderedTime * int64(q.rate)
	}
	return d >= min(span, 0)-leeway && d <= max(span, 0)+leeway
}

// beside is the nearest number that has come.
func (q *sequencer) beside(ext, step int64) *number {
	for e := ext + step; e > ext-besideNumbers && e < ext+besideNumbers && e <= q.highest; e += step {
		if q.arrived(e) {
			return q.at(e)
		}
	}
	return nil
}

// repeats tells whether a packet has a number that has come and a time that is
// near.
func (q *sequencer) repeats(now time.Time, ext int64, timestamp uint32) bool {
	return q.arrived(ext) && q.plausible(now, int64(int32(timestamp-q.timestamp)))
}

// plausible tells whether a timestamp d after the newest one can follow it.
func (q *sequencer) plausible(now time.Time, d int64) bool {
	elapsed := now.Sub(q.arrival)
	rate := int64(q.rate)
	return elapsed > time.Hour ||
		d >= -timestampBack*rate && d <= timestampLeeway*rate+ticksOf(elapsed, q.rate)
}

// take accepts a packet that judge called next or late, and returns its
// Packet.Seq. missing is how many numbers before it have not come; they are
// those right below ext.
func (q *sequencer) take(now time.Time, ext int64, timestamp uint32, padding bool) (seq int64, missing int) {
	if q.started && ext <= q.highest {
		n := q.at(ext)
		n.state, n.timestamp = numberArrived, timestamp
		return n.seq, 0
	}
	if !q.started {
		q.begin(ext)
	}
	missing = int(ext - q.highest - 1)
	q.reordered = q.reordered || missing == 0 && int32(timestamp-q.timestamp) < 0 && q.highest >= q.first
	q.skip(ext)
	seq = q.next
	*q.at(ext) = number{ext: ext, seq: seq, timestamp: timestamp, state: numberArrived}
	if !padding {
		q.next++
	}
	q.highest, q.timestamp, q.arrival = ext, timestamp, now
	return seq, missing
}

// begin starts the numbering at ext.
func (q *sequencer) begin(ext int64) {
	q.started, q.first = true, ext
	q.highest, q.next = ext-1, ext
	for e := ext - earlyNumbers; e < ext; e++ {
		*q.at(e) = number{ext: e, seq: e, state: numberEarly}
	}
}

// skip marks the numbers between the newest and ext as missing.
func (q *sequencer) skip(ext int64) {
	from := q.highest + 1
	if far := ext - int64(len(q.window)); far > from {
		q.next += far - from
		from = far
	}
	for e := from; e < ext; e++ {
		*q.at(e) = number{ext: e, seq: q.next, state: numberMissing}
		q.next++
	}
}

// arrived tells whether a number has come.
func (q *sequencer) arrived(ext int64) bool {
	n := q.at(ext)
	return n.ext == ext && n.state == numberArrived
}

// reception is the receiver's side of the reports on one SSRC (RFC 3550 sections
// 6.4.1, A.3 and A.8). Retransmissions on another SSRC do not count.
type reception struct {
	started       bool
	base, highest int64 // extended numbers
	received      int64

	expectedBefore, receivedBefore int64 // at the last report

	transit int32 // of the last packet, in timestamp units
	jitter  float64

	report   uint32 // middle of the NTP time of the last sender report, 0: none
	reportAt time.Time
}

// arrive counts a packet that came elapsed after some fixed time.
func (r *reception) arrive(elapsed time.Duration, ext int64, timestamp, rate uint32) {
	transit := int32(uint32(ticksOf(elapsed, rate)) - timestamp)
	if !r.started {
		r.started, r.base, r.highest, r.transit = true, ext, ext, transit
	}
	r.received++
	r.highest = max(r.highest, ext)
	r.base = min(r.base, ext)
	d := transit - r.transit
	r.transit = transit
	if d < 0 {
		d = -d
	}
	if d < 0 || d > int32(min(rate, 1<<20))*timestampLeeway { // the clock jumped
		return
	}
	r.jitter += (float64(d) - r.jitter) / 16
}

// lost returns the fraction of 256 lost since the last call and the number lost
// altogether, in 24 bits as the report block wants it.
func (r *reception) lost() (fraction uint8, total uint32) {
	expected := r.highest - r.base + 1
	total = uint32(min(max(expected-r.received, -0x800000), 0x7fffff)) & 0xffffff
	expectedNow, receivedNow := expected-r.expectedBefore, r.received-r.receivedBefore
	r.expectedBefore, r.receivedBefore = expected, r.received
	if lost := expectedNow - receivedNow; expectedNow > 0 && lost > 0 {
		fraction = uint8(min(lost<<8/expectedNow, 255))
	}
	return fraction, total
}

// ticksOf converts a duration to timestamp units without overflow.
func ticksOf(d time.Duration, rate uint32) int64 {
	s, rest := int64(d/time.Second), int64(d%time.Second)
	return s*int64(rate) + rest*int64(rate)/int64(time.Second)
}

// durationOf converts timestamp units to a duration without overflow.
func durationOf(ticks int64, rate uint32) time.Duration {
	r := int64(max(rate, 1))
	return time.Duration(ticks/r)*time.Second + time.Duration(ticks%r*int64(time.Second)/r)
}
