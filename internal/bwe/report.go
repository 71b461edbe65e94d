package bwe

import "time"

// Times are microseconds.
const (
	// tripsKept is how long the least round trip counts.
	tripsKept = 20_000_000
	// longTrip is how much longer than the least a round trip is when a queue stands.
	longTrip = 100_000
	// roughJitter is by how much more than the least the jitter may be while nothing
	// is wrong.
	roughJitter = 30_000
	// feedbackKept is for how long feedback is the better witness.
	feedbackKept = 5_000_000
	// longestReport is the longest pause between reports that growth counts for.
	longestReport = 5_000_000
	// patience is how much has to be wrong in reports in a row: loss and a late report
	// count one each, because one of them may be so by a burst that went out right
	// before. What has only just been stepped up gets hastyPatience.
	patience, hastyPatience = 2, 1
	// flood is the loss that speaks for itself.
	flood = 0.3
	// reportGrowth is the share by which good reports let the estimate grow in a
	// second.
	reportGrowth = 0.30
	// stepRoom is how far, in percent, the estimate may grow beyond what one more step
	// takes.
	stepRoom = 102
	// stepped is how much more than was ever found good is a step up.
	stepped = 1.2
	// What was too much is not tried again for leastRetry, then for twice as long and
	// so on, up to mostRetry. A calm minute halves that.
	leastRetry, mostRetry, calmReports = 10_000_000, 160_000_000, 60_000_000
	// pausedRetry is how long a picture that is paused waits at most.
	pausedRetry = 10_000_000
	// settling is how long the queue of a step that was taken back may take to drain.
	settling = 2_500_000
	// fullQueue is what a queue holds, when nothing tells but what it had no room for.
	fullQueue = 300_000
	// triedPercent is the share of what was too much that is tried all the same.
	triedPercent = 90
	// leastMissing packets, and one of missingShare, have to be asked for again to show
	// that a step was too much.
	leastMissing, missingShare = 6, 5
	// episode is for how long bad reports tell of one trouble.
	episode = 4_000_000
)

// longestTrip is the longest round trip that is believed.
const longestTrip = 10 * time.Second

// Reception is what a receiver report tells of a stream.
type Reception struct {
	// Lost is the share of packets lost since the report before, in 256ths.
	Lost uint8
	// Trip is the round trip, 0 if it is not known. Jitter is that of arrivals.
	Trip, Jitter time.Duration
}

// reports is what receiver reports have told.
type reports struct {
	trip, jitter low
	at           int64 // of the last report that counted
	bad          int   // how much was wrong in the last ones
	excess       int64 // by how much the last round trip was too long, 0 for a usual one
	// proven is the most, in bits per second, that good reports came for; 0 before.
	proven int
	// failed is what was too much, in bits per second: no more is tried for a while. 0
	// if nothing was.
	failed int
	wait   int64 // until it is
	pause  int64 // what wait was when a step was last taken back
	// trouble began last, 0 if there was none.
	trouble int64
	// settledBy is until when bad reports tell of a step that was taken back.
	settledBy int64
}

// low keeps the least of some values for tripsKept to twice that.
type low struct {
	least [2]int64 // of this period, of the one before
	until int64
}

func (l *low) note(now, v int64) {
	switch {
	case l.until == 0:
		l.least, l.until = [2]int64{v, v}, now+tripsKept
	case now >= l.until:
		l.least, l.until = [2]int64{v, l.least[0]}, now+tripsKept
	default:
		l.least[0] = min(l.least[0], v)
	}
}

func (l *low) value() int64 { return min(l.least[0], l.least[1]) }

// Report takes a receiver report. It counts while no transport-wide feedback comes.
// A good one tells that what is sent gets through and lets the estimate grow up to
// one more step, but makes it no known one: what more there is room for it does not
// say. A step that proves too much is taken back at the first bad report, and not
// tried again for a while.
func (e *Estimator) Report(now time.Time, r Reception) {
	t := e.at(now)
	late, rough := e.reports.note(t, r)
	if !e.deaf(t) {
		return
	}
	p := &e.reports
	dt := min(t-p.at, longestReport)
	if p.at == 0 {
		dt = 0
	}
	if dt < lookEvery && p.at != 0 {
		return // sections report one after the other
	}
	p.at = t
	loss := float64(r.Lost) / 256
	e.loss.window = loss
	e.loss.share += 0.4 * (loss - e.loss.share)
	e.loss.judge(t, e.rate)
	lossy := loss > muchLoss && e.loss.much() && !e.paused // a pause mends no loss of the path's own
	if p.suspect(lossy, late, loss >= flood) < e.patience(late || loss >= 2*muchLoss) {
		if !lossy && !late && !rough && (loss < littleLoss || r.Trip > 0) {
			e.growOnReport(t, dt)
		}
		return
	}
	e.troubled(t, loss, late)
}

// note tells whether the round trip is one of a queue, and whether the jitter is
// more than usual.
func (p *reports) note(now int64, r Reception) (late, rough bool) {
	p.excess = 0
	if trip := r.Trip.Microseconds(); trip > 0 && r.Trip <= longestTrip {
		p.trip.note(now, trip)
		least := p.trip.value()
		if late = trip > least+max(longTrip, least/2); late {
			p.excess = trip - least
		}
	}
	jitter := max(r.Jitter.Microseconds(), 0)
	p.jitter.note(now, jitter)
	return late, jitter > 2*p.jitter.value()+roughJitter
}

// suspect counts what is wrong in reports in a row.
func (p *reports) suspect(lossy, late, flooded bool) int {
	if !lossy && !late {
		p.bad = 0
	}
	if lossy {
		p.bad++
	}
	if late {
		p.bad++
	}
	if flooded {
		p.bad = max(p.bad, patience)
	}
	return p.bad
}

// patience is how much has to be wrong. Some loss alone may be the path's own.
func (e *Estimator) patience(sure bool) int {
	if sure && e.trying() {
		return hastyPatience
	}
	return patience
}

// trying tells that more is sent than reports have found good.
func (e *Estimator) trying() bool {
	return e.reports.proven > 0 && float64(e.rate) > stepped*float64(e.reports.proven)
}

// troubled lowers the estimate to what gets through, and remembers what was too
// much. Where nothing but loss tells, it may be the path's own.
func (e *Estimator) troubled(now int64, loss float64, late bool) {
	p := &e.reports
	if now < p.settledBy {
		return
	}
	arrives := float64(e.rate) * (1 - loss)
	bits, trying := int(backOff*arrives), e.trying()
	switch {
	case trying:
		bits = max(p.proven, bits)
		p.settledBy = now + settling
		p.excess, p.at = max(p.excess, fullQueue), now
	case !late && loss < flood:
		bits = max(int(arrives), int(float64(min(e.bits, e.reach()))*(1-loss/2)))
	}
	p.fail(now, min(e.rate, e.bits)*triedPercent/100, trying)
	e.lower(bits)
	p.proven = min(p.proven, e.bits)
	e.known = true
}

// fail remembers what was too much. The pause gets longer with every step that is taken
// back; a path that carries less than before may soon carry that again.
func (p *reports) fail(now int64, tried int, stepped bool) {
	if p.trouble != 0 && now-p.trouble < episode {
		return
	}
	p.wait = leastRetry
	if stepped {
		for calm := now - p.trouble - p.pause; p.trouble != 0 && calm >= calmReports; calm -= calmReports {
			p.pause /= 4 // so that what follows is half of it
		}
		p.pause = min(max(2*p.pause, leastRetry), mostRetry)
		p.wait = p.pause
	}
	p.failed, p.trouble = tried, now
}

// mayRetry tells whether what was too much may be tried again.
func (e *Estimator) mayRetry(now int64) bool {
	p := &e.reports
	wait := p.wait
	if e.paused {
		wait = min(wait, pausedRetry)
	}
	return p.trouble == 0 || now-p.trouble >= wait
}

// reach is how far the estimate may be beyond what is sent: one more step has to be
// tried in good faith where nothing can be probed.
func (e *Estimator) reach() int {
	return max(int(unused*float64(e.rate)), e.next*stepRoom/100)
}

// growOnReport takes what is sent for carried, and lets the estimate grow for dt
// microseconds until now.
func (e *Estimator) growOnReport(now, dt int64) {
	p := &e.reports
	carried := min(e.rate, e.average)
	p.proven = max(p.proven, carried)
	limit := e.reach()
	if !e.mayRetry(now) {
		limit = min(limit, max(p.failed, carried))
	}
	grown := e.bits + int(reportGrowth*float64(e.bits)*float64(dt)/1e6)
	e.raise(max(carried, min(grown, limit)))
}

// Missing notes that a receiver asks for one more packet that was sent. A step up
// that costs many is taken back without waiting for a report.
func (e *Estimator) Missing(now time.Time) {
	t := e.at(now)
	e.missing++
	if e.missing < leastMissing || e.missing*missingShare < e.packets || !e.deaf(t) || !e.trying() {
		return
	}
	loss := min(float64(e.missing)/float64(e.packets), 1)
	e.missing, e.reports.bad = 0, 0
	e.troubled(t, loss, true)
}

// deaf tells whether no transport-wide feedback comes.
func (e *Estimator) deaf(now int64) bool {
	return e.heard == 0 || now-e.heard > feedbackKept
}
