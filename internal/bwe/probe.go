package bwe

import "time"

// Times are microseconds.
const (
	// grid is how often padding is asked for during a probe.
	grid = 5_000
	// A probe lasts for probeLength, and longer until probeExcess bytes beyond the
	// estimate have gone, but no longer than longestProbe: shapers let some ten
	// thousand bytes through at once when they were spared, which tells nothing of
	// what they let through later.
	probeLength  = 150_000
	longestProbe = 600_000
	probeExcess  = 32_000
	// spared is what such a shaper may have let through of a probe that failed.
	spared = 12_000
	// glimpse is the length of a first probe. Its result is used for nothing but to
	// tell whether a real one may follow: on a path that is far slower than is
	// believed, that would fill the queue for a second.
	glimpse = 50_000
	// probeRoom is how much faster than what is wanted a probe goes: what is lost and
	// what edges take away must not make it fail.
	probeRoom = 1.1
	// probeLeap bounds a probe by the estimate while nothing speaks against more,
	// probeStep after a failure: then most of them fail, and a small one disturbs
	// little.
	probeLeap   = 3.0
	probeStep   = 1.4
	forgetAfter = 3
	// Failed probes are repeated after probePause, and then later and later. The
	// bound is what the return of a better path may take to be noticed.
	probePause     = 2_000_000
	mostProbePause = 5_000_000
	// probeAnswer is how long feedback may take.
	probeAnswer    = 1_000_000
	hopelessGrowth = 100_000
	// queueGrowth is by how much the delay may grow before a probe is cut short.
	queueGrowth = 30_000
	// probeGrowth is by how much the delay may grow during a probe that gets through.
	probeGrowth = 12_000
	// probeEnd is the least of a probe's end in which the delay is compared with that
	// of its beginning.
	probeEnd = 30_000
	// probeAgain is how soon a probe is repeated of which too little was heard.
	probeAgain = 300_000
	// leastPadding is not worth less.
	leastPadding = 100
)

type probeState uint8

const (
	idle probeState = iota
	sending
	awaiting
)

// probe is a short time in which more is sent than is needed, to see whether it
// arrives as fast.
type probe struct {
	state       probeState
	rate        int
	length      int64
	start       int64
	first, last uint16 // numbers
	firstSent   int64
	lastSent    int64
	lastSize    int
	sent        int // bytes

	unheard                   int // bytes whose feedback was lost
	got                       int // bytes
	gotFirst                  int // bytes of what arrived first
	firstHeard                bool
	firstArrival, lastArrival int64
	firstDelay, growth        int64 // how much longer than the first the last one took
	// early and late are the least delays of the first third and of the end: jitter of
	// single packets does not count.
	early, late       int64
	anyEarly, anyLate bool

	cut       bool // it ended early, because a queue grew
	notBefore int64
	pause     int64
	failed    int   // times, not forgotten yet
	won       int   // times in a row
	ended     int64 // the last one was judged
	glimpsed  bool
}

// begin starts a probe; believed is the estimate, next the number of the first
// packet.
func (p *probe) begin(now int64, rate, believed int, next uint16) {
	*p = probe{
		state: sending, rate: rate, length: glimpse, start: now, first: next, last: next - 1,
		notBefore: p.notBefore, pause: p.pause, failed: p.failed, won: p.won, glimpsed: p.glimpsed, ended: p.ended,
	}
	if p.glimpsed {
		p.length = min(max(probeLength, probeExcess*8*1_000_000/int64(max(rate-believed, 1))), longestProbe)
	}
}

// noteSent counts a packet, media or padding, that leaves during the probe.
func (p *probe) noteSent(now int64, number uint16, size int) {
	if p.sent == 0 {
		p.firstSent = now
	}
	p.last, p.lastSent, p.lastSize = number, now, size
	p.sent += size
}

// has tells whether the packet belongs to the probe.
func (p *probe) has(number uint16) bool {
	return p.state != idle && p.sent > 0 && number-p.first <= p.last-p.first
}

// noteReceived counts a packet that arrived.
func (p *probe) noteReceived(sent, arrival int64, size int) {
	if !p.firstHeard {
		p.firstHeard, p.firstArrival, p.firstDelay, p.gotFirst = true, arrival, arrival-sent, size
	}
	p.growth = arrival - sent - p.firstDelay
	switch position := sent - p.firstSent; {
	case position <= p.length/3:
		p.early, p.anyEarly = least(p.early, arrival-sent, p.anyEarly), true
	case position >= p.length-max(p.length/10, probeEnd):
		p.late, p.anyLate = least(p.late, arrival-sent, p.anyLate), true
	}
	p.lastArrival = max(p.lastArrival, arrival)
	p.got += size
}

// due is how many bytes are missing until one grid from now.
func (p *probe) due(now int64) int {
	target := int64(p.rate) * (now - p.start + grid) / 8_000_000
	most := int64(p.rate) * 4 * grid / 8_000_000 // an asker who was late makes no burst
	if due := int(min(target-int64(p.sent), most)); due >= leastPadding {
		return due
	}
	return 0
}

// result is the rate at which the probe arrived, and whether that was as fast as it
// was sent. loss is the share that gets lost anyway. ok is false if too little of it
// was seen.
func (p *probe) result(noise int64, loss float64) (rate int, through, ok bool) {
	sendSpan, span := p.lastSent-p.firstSent, p.lastArrival-p.firstArrival
	if p.hopeless() || p.cut && p.glimpsed && span > glimpse {
		return perSecond(p.got-p.gotFirst, span), false, true
	}
	kept := 1 - min(loss, mostOwn)
	if float64(p.got) < 0.7*kept*float64(p.sent) || sendSpan < p.length/2 || !p.anyEarly || !p.anyLate {
		return 0, false, false
	}
	growth := p.late - p.early // in most of the time
	sent, got := perSecond(p.sent-p.lastSize, sendSpan), perSecond(p.got-p.gotFirst, sendSpan+max(growth, 0)*6/5)
	got = int(float64(got) / kept)
	through = growth < max(probeGrowth, sendSpan/10, noise)
	return min(sent, got, p.rate*21/20), through, true
}

// least is the smaller one, b if a counts for nothing.
func least(a, b int64, counts bool) int64 {
	if counts {
		return min(a, b)
	}
	return b
}

// hopeless tells whether the probe fills the queue so fast that its end need not be
// awaited.
func (p *probe) hopeless() bool {
	return p.firstHeard && p.growth > hopelessGrowth && p.lastArrival-p.firstArrival > glimpse
}

// queues tells that the probe need not go on: what was heard last took longer than
// what was heard first by more than jitter explains.
func (p *probe) queues(noise int64) bool {
	return p.glimpsed && p.firstHeard && p.growth > max(queueGrowth, 2*noise)
}

// unsure tells that too much of the feedback was lost.
func (p *probe) unsure() bool { return p.unheard*5 > p.sent }

// fail lets the next probe wait.
func (p *probe) fail(now int64) {
	p.failed++
	p.won = 0
	p.glimpsed = false
	p.pause = min(max(probePause, p.pause*3/2), mostProbePause)
	p.notBefore = now + p.pause
}

// forgive lets the next probe follow at once. Failures are forgotten with the third
// success in a row: a shaper that was spared lets one or two through.
func (p *probe) forgive(now int64) {
	if p.won++; p.won >= forgetAfter {
		p.failed = 0
	}
	p.pause, p.notBefore, p.glimpsed = 0, now, true
}

// Want says how many bits per second one more step would take, 0 if there is none,
// and how many are worth probing for; 0, or no more than the estimate, wants no
// probing. paused tells that a picture waits for that step: it is tried again sooner.
func (e *Estimator) Want(next, most int, paused bool) { e.next, e.want, e.paused = next, most, paused }

// Padding says how many bytes of padding are due now as part of a probe, and when
// to ask again; zero: not before something else happens. Padding that was sent is
// to be noted by Sent like anything else.
func (e *Estimator) Padding(now time.Time) (bytes int, next time.Time) {
	t := e.at(now)
	if e.probe.state == idle {
		if !e.mayProbe(t) {
			return 0, time.Time{}
		}
		if t < e.probe.notBefore {
			return 0, now.Add(time.Duration(e.probe.notBefore-t) * time.Microsecond)
		}
		e.probe.begin(t, e.probeRate(), e.bits, e.sent.next)
	}
	if e.probe.state == awaiting {
		return 0, time.Time{}
	}
	if t-e.probe.start >= e.probe.length || e.delay.queue() > e.delay.threshold() || e.probe.queues(e.delay.noise) {
		e.probe.state, e.probe.cut = awaiting, t-e.probe.start < e.probe.length
		return 0, time.Time{}
	}
	return e.probe.due(t), now.Add(grid * time.Microsecond)
}

// afterProbe is for how long the rate of what arrives is still that of a probe.
const afterProbe = 1_000_000

// probing tells that what arrives is, or lately was, more than usual for a moment
// only.
func (e *Estimator) probing(now int64) bool {
	return e.probe.state != idle || e.probe.ended != 0 && now-e.probe.ended < afterProbe
}

// mayProbe tells whether a probe is wanted and the path is quiet enough for it to
// tell something.
func (e *Estimator) mayProbe(now int64) bool {
	return e.want > e.bits && e.bits < e.bound() && e.delay.n >= 2 &&
		now-e.heard < probeAnswer && e.delay.queue() <= e.delay.threshold() &&
		!e.delay.over && !e.loss.much()
}

func (e *Estimator) probeRate() int {
	leap := probeLeap
	if e.probe.failed > 0 {
		leap = probeStep
	}
	return int(min(probeRoom*float64(e.want), leap*float64(e.bits), probeRoom*float64(e.bound())))
}

// judgeProbe ends a probe when feedback has covered it, or does not come.
func (e *Estimator) judgeProbe(now int64) {
	p := &e.probe
	if p.state == sending && now-p.start >= p.length {
		p.state = awaiting // nobody asked for padding any more
	}
	if p.state == idle || p.state == sending && !p.hopeless() {
		return
	}
	covered := p.hopeless() || p.unsure() || p.sent > 0 && before(p.last, e.sent.told)
	if !covered && now-p.start < p.length+probeAnswer {
		return
	}
	p.state, p.ended = idle, now
	rate, through, ok := p.result(e.delay.noise, e.loss.share)
	switch {
	case p.unsure() && !p.hopeless():
		p.notBefore = now + probeAgain
		return
	case !ok:
		p.fail(now)
	case through && !p.glimpsed:
		p.glimpsed = true
	case through:
		p.forgive(now)
		e.raise(rate)
	default:
		p.fail(now)
		e.raise(int(backOff * float64(rate-perSecond(spared/2, p.length))))
		if p.cut || p.hopeless() {
			e.lower(max(rate, e.delay.acked()))
		}
		if !e.proven {
			e.lower(int(backOff * float64(rate)))
		}
	}
	e.proven = e.proven || ok && p.glimpsed
}
