package bwe

import "time"

// Times are microseconds.
const (
	rembKept = 10_000_000
	// tripsKept is how long the least round trip counts.
	tripsKept = 20_000_000
	// longTrip is how much longer than the least a round trip is when a queue stands.
	longTrip = 100_000
	// feedbackKept is for how long feedback is the better witness.
	feedbackKept = 5_000_000
	// patienceWithReports is how many reports in a row have to be bad: one may be so
	// by a burst that went out right before.
	patienceWithReports = 2
	// flood is the loss that speaks for itself.
	flood = 0.3
	// reportUnused is how far beyond what is sent the estimate may grow on reports:
	// nothing can be probed then, but for a step up in good faith.
	reportUnused = 4
	// reportGrowth is the share by which good reports let the estimate grow in a
	// second, slowReportGrowth near where there was trouble.
	reportGrowth     = 0.30
	slowReportGrowth = 0.03
)

// longestTrip is the longest round trip that is believed.
const longestTrip = 10 * time.Second

// trips follows round trips.
type trips struct {
	least [2]int64 // of this period, of the one before
	until int64
	at    int64 // of the last report that counted
	bad   int   // reports in a row that told of trouble
	full  int   // what was sent when they did last, 0 if they never did
}

func (t *trips) note(now, trip int64) {
	switch {
	case t.until == 0:
		t.least, t.until = [2]int64{trip, trip}, now+tripsKept
	case now >= t.until:
		t.least, t.until = [2]int64{trip, t.least[0]}, now+tripsKept
	default:
		t.least[0] = min(t.least[0], trip)
	}
}

// REMB takes what the receiver estimates, in bits per second: an upper bound beside
// transport-wide feedback, and the estimate without.
func (e *Estimator) REMB(now time.Time, bits int) {
	if bits <= 0 {
		return
	}
	t := e.at(now)
	e.remb, e.rembAt = bits, t
	if e.deaf(t) {
		e.bits, e.known = max(min(bits, e.cfg.Most), e.cfg.Least), true
	}
}

// Report takes a receiver report: the share of packets lost, in 256ths, and the
// round trip, 0 if it is not known. It counts while no transport-wide feedback
// comes. A good one tells that what is sent gets through and lets the estimate grow,
// but makes it no known one: what more there is room for it does not say.
func (e *Estimator) Report(now time.Time, share uint8, trip time.Duration) {
	t := e.at(now)
	if trip < 0 || trip > longestTrip {
		trip = 0
	}
	if trip > 0 {
		e.trips.note(t, trip.Microseconds())
	}
	if !e.deaf(t) {
		return
	}
	dt := min(t-e.trips.at, 2_000_000)
	if e.trips.at == 0 {
		dt = 0
	}
	if dt < lookEvery && e.trips.at != 0 {
		return // sections report one after the other
	}
	e.trips.at = t
	loss := float64(share) / 256
	least := min(e.trips.least[0], e.trips.least[1])
	lossy, late := loss > muchLoss, trip.Microseconds() > least+max(longTrip, least/2)
	if !lossy && !late {
		e.trips.bad = 0
	} else if e.trips.bad++; e.trips.bad < patienceWithReports && loss < flood {
		return
	}
	switch {
	case late || loss >= flood:
		through := int(float64(e.rate) * (1 - loss))
		e.trips.full = through
		e.lower(int(backOff * float64(through)))
		e.known = true
	case lossy:
		e.trips.full = e.rate
		e.lower(int(float64(min(e.bits, reportUnused*e.rate)) * (1 - loss/2)))
		e.known = true
	case loss < littleLoss:
		e.growOnReport(dt)
	}
}

// growOnReport takes what is sent for carried, and lets the estimate grow for dt
// microseconds.
func (e *Estimator) growOnReport(dt int64) {
	share := reportGrowth
	if full := e.trips.full; e.bits > full*8/10 && e.bits < full*13/10 {
		share = slowReportGrowth
	}
	grown := e.bits + int(share*float64(e.bits)*float64(dt)/1e6)
	e.raise(max(e.rate, min(grown, reportUnused*e.rate)))
}

// deaf tells whether no transport-wide feedback comes.
func (e *Estimator) deaf(now int64) bool {
	return e.heard == 0 || now-e.heard > feedbackKept
}
