package bwe

import "time"

// witness is what a receiver tells of the way to it.
type witness uint8

const (
	feedbackOnly witness = iota
	reportsOnly
	rembOnly
)

// reporter stands for a receiver that sends no transport-wide feedback: reports of
// losses, of jitter and of the way back, or an estimate of its own.
type reporter struct {
	kind  witness
	nacks bool
	every time.Duration // between two reports, on average

	nextReport, nextSR time.Duration
	lastSR, lastSRCame time.Duration
	srs                []senderReport
	coming             []reported
	told               []toldLater
	sentN, lostN       int
	got                int // bytes since the last estimate
	remb               float64
	queue              time.Duration // of the last packet
	jitter, transit    time.Duration
	counted            time.Duration

	lost int // packets the queue had no room for, since settled
}

type senderReport struct{ sent, came time.Duration }

// reported is a packet that the receiver gets, or finds missing, at a time.
type reported struct {
	at, sent time.Duration
	size     int
	ok       bool
}

type toldLater struct {
	at   time.Duration
	what Reception
	sr   time.Duration // the newest sender report, 0 before the first
	dlsr time.Duration
	remb int
}

func newDeafWorld(seed uint64, kind witness, r road, ladder ...int) *world {
	w := newWorld(seed, r, ladder...)
	w.reporter = reporter{kind: kind, every: time.Second, remb: 300_000, nacks: true}
	return w
}

func (r *reporter) sent(w *world, size int, at time.Duration, ok bool) {
	if r.kind == feedbackOnly {
		return
	}
	if !ok {
		at = w.link.free + w.link.road.trip/2 // noticed by the next one
		if w.now >= settled {
			r.lost++
		}
	}
	r.coming = append(r.coming, reported{at: at, sent: w.now, size: size, ok: ok})
}

func (r *reporter) tick(w *world) {
	if r.kind == feedbackOnly {
		return
	}
	if w.now >= r.nextSR {
		r.nextSR = w.now + time.Second
		if at, ok := w.link.send(80); ok {
			r.srs = append(r.srs, senderReport{w.now, at})
		}
	}
	for len(r.srs) > 0 && r.srs[0].came <= w.now {
		r.lastSR, r.lastSRCame = r.srs[0].sent, r.srs[0].came
		r.srs = r.srs[1:]
	}
	for len(r.coming) > 0 && r.coming[0].at <= w.now {
		r.receive(w, r.coming[0])
		r.coming = r.coming[1:]
	}
	if w.now >= r.nextReport {
		r.report(w)
	}
	for len(r.told) > 0 && r.told[0].at <= w.now {
		r.tell(w, r.told[0])
		r.told = r.told[1:]
	}
}

func (r *reporter) receive(w *world, p reported) {
	r.sentN++
	if !p.ok {
		r.lostN++
		if r.nacks {
			w.est.Missing(w.wall())
		}
		return
	}
	r.got += p.size
	transit := p.at - p.sent
	if r.transit != 0 {
		r.jitter += ((transit - r.transit).Abs() - r.jitter) / 16
	}
	r.transit = transit
	r.queue = transit
}

func (r *reporter) report(w *world) {
	r.nextReport = w.now + r.every/2 + time.Duration(w.rand.Int64N(int64(r.every)))
	t := toldLater{at: w.now + w.link.road.trip/2, sr: r.lastSR, dlsr: w.now - r.lastSRCame}
	if r.sentN > 0 {
		t.what.Lost = uint8(min(255, 256*r.lostN/r.sentN))
	}
	t.what.Jitter = r.jitter
	r.sentN, r.lostN = 0, 0
	if r.kind == rembOnly {
		t.remb = r.estimate(w)
	}
	r.told = append(r.told, t)
}

// estimate is what libwebrtc's receiving estimator comes to: it grows by 8 % a second
// up to one and a half of what comes, and falls below that when a queue grows.
func (r *reporter) estimate(w *world) int {
	dt := (w.now - r.counted).Seconds()
	r.counted = w.now
	incoming := float64(r.got) * 8 / max(dt, 0.1)
	r.got = 0
	if r.queue > w.link.road.trip/2+80*time.Millisecond {
		r.remb = min(r.remb, 0.85*incoming)
	} else {
		r.remb = max(r.remb, min(r.remb*(1+0.08*dt), 1.5*incoming+10_000))
	}
	return int(r.remb)
}

func (r *reporter) tell(w *world, t toldLater) {
	if t.sr > 0 {
		t.what.Trip = w.now - t.sr - t.dlsr
	}
	if r.kind == rembOnly {
		w.est.REMB(w.wall(), t.remb)
	}
	w.est.Report(w.wall(), t.what)
	w.allocate()
}
