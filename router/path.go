package router

import "time"

const (
	// beliefLife is how long what was learnt of a path is believed.
	beliefLife = 30 * time.Second
	// probeSpan is how much of a layer goes out at once to an unknown path, as the
	// time it lasts live: every queue on the way is believed to hold that much.
	// leastProbe is the least in bytes (RFC 6928 sends as much).
	probeSpan  = 120 * time.Millisecond
	leastProbe = 16 << 10
	// probeNoise is how much of a round trip may come from anything but the probe.
	probeNoise = 5 * time.Millisecond
	// probeWait is how long a report that answers a probe is waited for. Receivers
	// report once a second, give or take half of it.
	probeWait = 2 * time.Second
	// probeLate is how much longer than a round trip a report that was sent behind
	// a probe, and does not know of it, may be on its way.
	probeLate = 250 * time.Millisecond
	// quietTrips is how many round trips have to be seen until the smallest is
	// believed to have met no queue.
	quietTrips = 5
	// leastWatched is the least size of a live key frame that tells something: this
	// part of a second of its layer.
	leastWatched = 50
	// pathShare is how much of a path is used, in tenths.
	pathShare = 8
	// packetOverhead is what a packet has besides its payload: IP, UDP, RTP with
	// extensions, SRTP.
	packetOverhead = 64
)

// path is what is known of the way to one viewer. Without a bandwidth estimate
// that is little: the smallest round trip, and how long the sender report behind
// a known number of bytes took, which those bytes delayed if they had to queue.
type path struct {
	rtt   time.Duration // the smallest seen; 0 before the first
	trips int           // how many were seen
	bits  int           // per second that the path carries at least; 0 unknown
	when  time.Time     // bits was learnt
	probe
}

// probe is a burst with a sender report behind it.
type probe struct {
	waiting bool
	sent    time.Time
	report  uint32 // as receivers quote it
	bytes   int
	took    time.Duration // to send it
}

// trip notes a round trip. Zero is unknown.
func (p *path) trip(rtt time.Duration) {
	if rtt <= 0 {
		return
	}
	if p.trips++; p.rtt == 0 || rtt < p.rtt {
		p.rtt = rtt
	}
}

// base is the round trip without queues, 0 if it is not known: each of a few may
// have met one.
func (p *path) base() time.Duration {
	if p.trips < quietTrips {
		return 0
	}
	return p.rtt
}

// believe notes how many bits per second the path carries.
func (p *path) believe(now time.Time, bits int) {
	p.bits, p.when, p.waiting = bits, now, false
}

// believed is how many bits per second the path is believed to carry, 0 if
// nothing is known.
func (p *path) believed(now time.Time, set *ViewerSettings) int {
	if set.PathBitsPerSecond > 0 {
		return set.PathBitsPerSecond
	}
	if p.bits > 0 && now.Sub(p.when) <= beliefLife {
		return p.bits
	}
	return 0
}

// answer takes a report that quotes the probe: its round trip was rtt. What is
// longer than one without queues was spent behind the burst. Where that is not
// known all of it may have been.
func (p *path) answer(now time.Time, rtt time.Duration) {
	queued := max(rtt-p.base(), 0) + p.took + probeNoise
	p.believe(now, int(float64(p.bytes)*8/queued.Seconds()))
}

// quotes tells whether a receiver that quotes a report answers the probe that is
// waited for.
func (p *path) quotes(report uint32) bool { return p.waiting && p.report == report }

// lost tells whether a receiver that quotes a report should have quoted the probe.
func (p *path) lost(now time.Time, report uint32) bool {
	return p.waiting && p.report != report && now.Sub(p.sent) > p.rtt+probeLate
}

// watchKeyFrame makes a live key frame that has just been sent a probe, now and
// then: it is the largest burst there is, and so the path is known when a replay
// wants to know it.
func (s *section) watchKeyFrame(now time.Time, b Burst, out *Out) {
	p := &s.viewer.path
	if b.Packets[0].Frame.KeyStart {
		s.keySince, s.keyBytes = now, 0
	}
	for _, packet := range b.Packets {
		s.keyBytes += len(packet.Payload) + packetOverhead
	}
	if s.inFrame || s.keySince.IsZero() {
		return
	}
	since := s.keySince
	s.keySince = time.Time{}
	if p.base() == 0 || now.Sub(p.when) < beliefLife/3 || p.waiting && now.Sub(p.sent) < probeWait ||
		s.keyBytes*8 < s.cur.layer.Bitrate(now)/leastWatched {
		return
	}
	s.sendProbe(now, since, s.keyBytes, out)
}

// NoteRTT tells a round trip to the viewer that was measured while nothing else
// was on the way, as by ICE: with it the first replay can judge the path. To be
// called in the shard's goroutine.
func (v *Viewer) NoteRTT(rtt time.Duration) {
	if rtt > 0 {
		v.path.trip(rtt)
		v.path.trips += quietTrips
	}
}

// sendProbe sends a report behind the bytes that a section has sent since then.
func (s *section) sendProbe(now, since time.Time, bytes int, out *Out) {
	s.report(now, out)
	s.viewer.path.probe = probe{
		waiting: true, sent: now, report: s.viewer.clock.middle(now), bytes: bytes, took: now.Sub(since),
	}
	if next := now.Add(probeWait); s.reports.at.Before(next) { // a newer report would be quoted instead
		s.reports.at = next
	}
}

// reportSoon ends the silence that keeps a probe the newest report.
func (s *section) reportSoon(now time.Time) {
	s.reports.at = earlier(s.reports.at, now.Add(s.reportInterval()))
}

// heardReport takes what a report block says: which of our reports it quotes, 0
// for none, and the round trip if that was the newest.
func (v *Viewer) heardReport(now time.Time, report uint32, rtt time.Duration, out *Out) {
	switch {
	case v.path.quotes(report):
		v.path.answer(now, rtt)
	case v.path.lost(now, report):
		v.path.waiting = false
	default:
		return
	}
	v.pathChanged(now, out)
}

// pathChanged lets replays go on by what is known of the path now.
func (v *Viewer) pathChanged(now time.Time, out *Out) {
	for _, s := range v.sections {
		if s.replay.active {
			s.judge(now)
			s.stepReplay(now, out)
			s.settleBurst(now, out)
		}
	}
}
