package bwe

const (
	// backOff is the share of what gets through that is believed after the path was
	// found full: the rest lets the queue drain.
	backOff = 0.85
	// bursting is that share when the path was full for a burst only, a key frame
	// say, and carries what is sent on average with sustained to spare.
	bursting  = 0.95
	sustained = 0.93
	// unused is how far beyond what arrives the estimate may grow by itself. More
	// has to be probed: an application that sends in steps would find out by
	// overloading the path.
	unused = 1.2
	// perSecondGrowth is the share by which the estimate grows far from where the
	// path was last full, steadyGrowth what it grows near there, in bits per second.
	perSecondGrowth = 0.08
	steadyGrowth    = 40_000
	// silence is how long feedback may fail to come, in microseconds, until the
	// estimate falls, by silenceLoss every look.
	silence     = 2_000_000
	silenceLoss = 0.05
	lookEvery   = 250_000
)

// take reads a feedback into the tracks; false if it tells nothing.
func (e *Estimator) take(now int64, f feedback) (told bool) {
	e.skipTo(f.base)
	w := walker{chunks: f.chunks, deltas: f.deltas, arrival: e.unwrap(f.reference)}
	for i := range f.count {
		number := f.base + uint16(i)
		got := w.next()
		p := e.sent.find(number)
		if p == nil {
			continue
		}
		if !before(number, e.sent.told) {
			e.sent.told = number + 1
		}
		e.settle(now, number, p, got, w.arrival)
		told = true
	}
	return told
}

// settle notes what became of one packet. What was reported lost may still arrive.
func (e *Estimator) settle(now int64, number uint16, p *sentPacket, got bool, arrival int64) {
	switch {
	case p.fate == received:
		return
	case !got && p.fate == unheard:
		p.fate = lost
		e.loss.lost++
		e.loss.total++
	case got:
		if p.fate == lost {
			e.loss.lost--
		} else {
			e.loss.total++
		}
		p.fate = received
		inProbe := e.probe.has(number)
		sent := now - p.since(now)
		e.delay.add(sent, arrival, int(p.size), inProbe)
		if inProbe {
			e.probe.noteReceived(sent, arrival, int(p.size))
		}
	}
}

// skipTo passes over packets whose feedback was lost: most of them arrived, but
// nobody knows when.
func (e *Estimator) skipTo(base uint16) {
	for ; before(e.sent.told, base); e.sent.told++ {
		if p := e.sent.find(e.sent.told); p != nil && p.fate == unheard {
			p.fate = received
			e.delay.unheardOf(int(p.size))
			if e.probe.has(e.sent.told) {
				e.probe.unheard += int(p.size)
			}
		}
	}
}

// unwrap turns a reference time of 24 bits into microseconds that go on.
func (e *Estimator) unwrap(reference int32) int64 {
	last := int32(e.reference / referenceUnit)
	step := (reference - last) << 8 >> 8
	e.reference += int64(step) * referenceUnit
	return e.reference
}

// control moves the estimate after a feedback.
func (e *Estimator) control(now int64) {
	dt := min(now-e.grown, 1_000_000)
	e.grown = now
	e.controlLoss(now)
	switch {
	case e.delay.over, e.delay.standing() && e.loss.overflowing():
		e.full()
	case e.delay.queue() > e.delay.threshold() || e.loss.share > max(littleLoss, e.loss.own):
	default:
		e.grow(now, dt)
	}
}

// controlLoss lowers the estimate when much is lost, but not below what arrives.
func (e *Estimator) controlLoss(now int64) {
	if !e.loss.close(now) {
		return
	}
	e.loss.judge(now, e.rate)
	if e.loss.much() && e.loss.window > muchLoss {
		e.lower(max(int(float64(e.bits)*(1-e.loss.share/2)), int(backOff*float64(e.delay.acked()))))
	}
}

// full backs off: the queue grows.
func (e *Estimator) full() {
	through := e.delay.busy()
	if through == 0 {
		through = e.delay.acked()
	}
	if through == 0 {
		return
	}
	e.ceiling, e.proven = through, true
	share := backOff
	if float64(e.average) < sustained*float64(through) {
		share = bursting
	}
	e.lower(int(share * float64(through)))
}

// lower takes bits for the estimate if that is less.
func (e *Estimator) lower(bits int) {
	bits = max(bits, e.cfg.Least)
	if bits < e.bits {
		e.bits = bits
	}
}

// raise takes bits for the estimate if that is more.
func (e *Estimator) raise(bits int) {
	e.bits = max(e.bits, min(bits, e.cfg.Most))
}

// grow lets the estimate grow for dt microseconds until now, as far as it is used; what arrives
// without a queue is carried.
func (e *Estimator) grow(now, dt int64) {
	if e.probing(now) {
		return // its result says what it showed
	}
	e.raise(e.delay.acked())
	limit := int(unused * float64(e.delay.acked()))
	if e.bits >= limit {
		return
	}
	step := perSecondGrowth * float64(e.bits)
	if e.ceiling > 0 && e.bits > e.ceiling*8/10 && e.bits < e.ceiling*11/10 {
		step = min(step, steadyGrowth)
	}
	e.raise(min(limit, e.bits+int(step*float64(dt)/1e6)))
}

// look is called every quarter of a second while packets are sent.
func (e *Estimator) look(now int64) {
	if e.looked != 0 {
		rate := perSecond(e.total, now-e.looked)
		if e.rate == 0 {
			e.rate, e.average = rate, rate
		}
		e.rate += (rate - e.rate) / 4
		e.average += (rate - e.average) / 16
	}
	e.total, e.looked, e.nextLook = 0, now, now+lookEvery
	e.packets, e.missing = e.packets/2, e.missing/2
	if now-e.remb.at > rembKept {
		e.remb = remb{}
	}
	if e.heard != 0 && e.waiting != 0 && now-e.waiting > silence && e.bits > e.cfg.Start/4 {
		e.lower(max(e.cfg.Start/4, int((1-silenceLoss)*float64(e.bits))))
	}
}
