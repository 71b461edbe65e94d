package router

import (
	"math/rand/v2"
	"time"
)

const (
	// resendSlots is how many packets' retransmissions are counted, direct mapped.
	resendSlots = 256
	// pendingSlots bounds the requests that wait for a packet from upstream.
	pendingSlots = 32
	// longestSpacing bounds what a round trip that a viewer reports can do.
	longestSpacing = 500 * time.Millisecond
)

// resender is what a section needs to answer NACKs within bounds.
type resender struct {
	index   int64     // of the last retransmission; they have an SSRC of their own
	asked   time.Time // the newest NACK
	meter   rateMeter
	bytes   allowance
	lookups allowance
	pending pendingNACKs
	slots   *[resendSlots]resent // made with the first NACK
}

// resent counts the retransmissions of one packet.
type resent struct {
	n     int64
	last  time.Duration // since the viewer's epoch
	count int
	// missed tells that it was asked for, which may have been refused.
	missed bool
}

// nextIndex starts low, as media does, and never wraps.
func (r *resender) nextIndex() int64 {
	if r.index == 0 {
		r.index = rand.Int64N(1 << 14)
	}
	r.index++
	return r.index
}

// slot returns the counter of packet n.
func (r *resender) slot(n int64) *resent {
	if r.slots == nil {
		r.slots = new([resendSlots]resent)
	}
	c := &r.slots[uint64(n)%resendSlots]
	if c.n != n {
		*c = resent{n: n}
	}
	return c
}

// repairs tells whether what went out in seg can be sent again.
func (s *section) repairs(seg *segment) bool { return s.cfg.RTXSSRC != 0 && seg.rtx != 0 }

// nack answers one entry of a generic NACK (RFC 4585 section 6.2.1): seq, and
// after it those whose bits are set.
func (s *section) nack(now time.Time, seq, following uint16, out *Out) {
	s.resend.asked = now
	s.nackOne(now, seq, out)
	for ; following != 0; following >>= 1 {
		seq++
		if following&1 != 0 {
			s.nackOne(now, seq, out)
		}
	}
}

func (s *section) nackOne(now time.Time, seq uint16, out *Out) {
	t := &s.viewer.pending
	t.nacks++
	limit := float64(s.settings().NACKsPerSecond)
	if !s.resend.lookups.take(now, 1, limit, limit) {
		t.suppressed++
		return
	}
	n := s.window.extend(seq)
	seg := s.segments.find(n)
	if n > s.window.highest || seg == nil {
		t.notFound++
		return
	}
	p := seg.kept(n)
	if p == nil {
		s.nackMissing(now, n, seg)
		return
	}
	s.serve(now, p, s.segments.place(seg.layer, p, n), n, out)
}

// nackMissing handles a request for a packet that is not in the history: what was
// never received may still come (M-010), what was sent is gone.
func (s *section) nackMissing(now time.Time, n int64, seg *segment) {
	may := s.cur != nil && seg.layer == s.cur.layer && s.window.holds(n) && !s.window.sent(n)
	if !may || !s.resend.pending.add(n, now, now.Add(s.settings().NACKWait)) {
		s.viewer.pending.notFound++
	}
}

// serve sends p, which has number n, again; or for the first time if it came from
// upstream and the burst with it is still on its way.
func (s *section) serve(now time.Time, p *Packet, seg *segment, n int64, out *Out) {
	if s.window.holds(n) && !s.window.sent(n) {
		s.window.mark(n)
		s.resend.pending.settle(n, now)
		s.write(now, out, p, seg, n, s.repairs(seg))
		return
	}
	if !s.repairs(seg) {
		// The same packet cannot be sealed twice: only a key frame helps (M-008).
		s.askKeyFrame(now, out)
		return
	}
	c := s.resend.slot(n)
	if !c.missed {
		c.missed = true
		s.missed(now)
		s.viewer.bwe.Missing(now)
	}
	if s.superseded(now, n) || !s.mayResend(now, c, len(p.Payload)) {
		s.viewer.pending.suppressed++
		return
	}
	c.count++
	c.last = now.Sub(s.viewer.clock.epoch)
	s.write(now, out, p, seg, n, true)
}

// superseded tells that n belongs to a picture from before the newest key frame, or
// the one that is to come, which the viewer can do without, and the path is full.
func (s *section) superseded(now time.Time, n int64) bool {
	return s.paused&pausedByQueue != 0 || n < s.keyNumber && s.viewer.bwe.Queue(now) > drainedQueue
}

// repairFloor is what retransmissions may always take, in bits per second: of a path
// that is known to be narrow, a part.
func (v *Viewer) repairFloor() float64 {
	floor := v.cfg.Settings.RetransmitFloor
	if v.believed {
		floor = min(floor, v.allocated/repairPart)
	}
	return float64(floor)
}

// repairPart is the part of a narrow path that repairs may always take.
const repairPart = 3

// mayResend applies the bounds of M-011.
func (s *section) mayResend(now time.Time, c *resent, size int) bool {
	set := s.settings()
	spacing := min(max(set.NACKSpacing, s.viewer.rtt*3/4), longestSpacing)
	if c.count >= set.NACKTries || c.count > 0 && now.Sub(s.viewer.clock.epoch)-c.last < spacing {
		return false
	}
	own := max(s.resend.meter.bitsPerSecond, s.replay.bitsPerSecond())
	rate := max(own*set.RetransmitShare, s.viewer.repairFloor()) / 8
	return s.resend.bytes.take(now, float64(size+rtpHeader), rate, rate)
}

// pendingNACKs are requests for packets that the gateway lacks too.
type pendingNACKs struct {
	list [pendingSlots]pendingNACK
	n    int
}

type pendingNACK struct {
	n     int64
	until time.Time
}

// add notes a request. It is false when there are too many.
func (p *pendingNACKs) add(n int64, now, until time.Time) bool {
	for i := range p.list[:p.n] {
		if p.list[i].n == n {
			return true
		}
	}
	if p.n == pendingSlots {
		p.expire(now)
	}
	if p.n == pendingSlots {
		return false
	}
	p.list[p.n] = pendingNACK{n, until}
	p.n++
	return true
}

// settle takes n out and tells whether it was still waited for.
func (p *pendingNACKs) settle(n int64, now time.Time) bool {
	for i := range p.list[:p.n] {
		if p.list[i].n == n {
			waiting := now.Before(p.list[i].until)
			p.n--
			p.list[i] = p.list[p.n]
			return waiting
		}
	}
	return false
}

// expire gives up what has waited long enough and returns how many that were.
func (p *pendingNACKs) expire(now time.Time) (given int) {
	k := 0
	for _, e := range p.list[:p.n] {
		if now.Before(e.until) {
			p.list[k] = e
			k++
		}
	}
	given = p.n - k
	p.n = k
	return given
}
