package router

import "time"

const (
	// pacePercent is how much of what the path is believed to carry goes out at
	// most while a large frame is spread, so that the estimate has room to be wrong.
	pacePercent = 150
	// paceBurst is what may go out at once, as the time it takes at that rate. Most
	// frames are smaller: they leave in one piece, sealed and sent with everybody's.
	paceBurst = 40 * time.Millisecond
	// leastPaceBurst is the least that may, in bytes.
	leastPaceBurst = 4 << 10
	// longestBacklog is how late a frame may be before the rest is dropped up to the
	// next key frame (M-065): it would only be later with every frame.
	longestBacklog = 600 * time.Millisecond
	// paceGrid is when the rest follows: the same moments for all viewers of a
	// worker, so that what they are sent still shares system calls.
	paceGrid = 5 * time.Millisecond
)

// pacer is a leaky bucket in front of a viewer's path. It only ever holds back
// video: sound and repairs fill it, and go at once.
type pacer struct {
	rate  float64 // bytes per second that leak; 0: nothing is known, nothing is held back
	level float64
	at    time.Time
}

// believe sets the rate by what the path carries, in bits per second; 0 lets
// everything through.
func (p *pacer) believe(bits int) {
	p.rate = float64(bits) * pacePercent / 100 / 8
	if p.rate == 0 {
		p.level = 0
	}
}

// spend notes bytes that go out.
func (p *pacer) spend(now time.Time, bytes int) {
	if p.rate == 0 {
		return
	}
	p.leak(now)
	p.level += float64(bytes)
}

// full tells that video has to wait.
func (p *pacer) full(now time.Time) bool {
	if p.rate == 0 {
		return false
	}
	p.leak(now)
	return p.level >= max(p.rate*paceBurst.Seconds(), leastPaceBurst)
}

func (p *pacer) leak(now time.Time) {
	if d := now.Sub(p.at); d > 0 {
		p.level = max(p.level-p.rate*d.Seconds(), 0)
		p.at = now
	}
}

// backlog is the rest of what came of the current layer, while it is spread. It is
// read from the layer's history.
type backlog struct {
	active bool
	next   int64 // the first that waits
	until  int64 // the last known when it began; bursts since are known by the layer
	due    time.Time
}

// holdBack leaves the current layer's packets from seq on for later.
func (s *section) holdBack(now time.Time, seq, until int64) {
	s.keySince = time.Time{} // no burst that tells something of the path
	s.backlog = backlog{active: true, next: seq, until: until, due: nextOnGrid(now, s.viewer.clock.epoch)}
}

func nextOnGrid(now, epoch time.Time) time.Time {
	return now.Add(paceGrid - now.Sub(epoch)%paceGrid)
}

// stepBacklog sends what may go by now.
func (s *section) stepBacklog(now time.Time, out *Out) {
	b := &s.backlog
	last := max(b.until, s.cur.newest)
	for b.active && b.next <= last {
		p := s.cur.layer.Packet(b.next)
		if p != nil && s.viewer.pacer.full(now) {
			b.due = nextOnGrid(now, s.viewer.clock.epoch)
			if now.Sub(p.Arrival) > longestBacklog {
				s.viewer.flood(now, s, out)
			}
			return
		}
		b.next++
		if p != nil {
			s.forward(now, p, out)
		}
		if s.ready != nil && !s.inFrame {
			s.takeReady(now, out)
			return
		}
	}
	*b = backlog{}
}

// besideBacklog handles live packets while earlier ones wait: what fills a hole
// among those that went out goes at once, the rest is in its place in the history.
func (s *section) besideBacklog(now time.Time, b Burst, out *Out) {
	for _, p := range b.Packets {
		if p.Seq < s.backlog.next {
			s.forward(now, p, out)
		}
	}
}
