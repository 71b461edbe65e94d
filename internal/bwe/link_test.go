package bwe

import (
	"math/rand/v2"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// road is a way through a network: a bottleneck with a queue, then a delay.
type road struct {
	bits   func(t time.Duration) int // per second
	cross  func(t time.Duration) int // bits per second of somebody else's traffic
	jitter func(r *rand.Rand, t time.Duration) time.Duration
	trip   time.Duration // there and back, without queues
	queue  time.Duration // what the queue holds, in time
	loss   float64
	// burst is how many bytes a bucket lets through at once when it was spared for
	// long enough.
	burst int
	// report is the longest time between two feedback packets, 100 ms if 0.
	report time.Duration
	// unheard is the share of feedback that gets lost.
	unheard float64
	// drift is by how much the receiver's clock is faster.
	drift float64
}

func always(bits int) func(time.Duration) int { return func(time.Duration) int { return bits } }

// link carries packets along a road.
type link struct {
	road
	rand     *rand.Rand
	now      time.Duration
	free     time.Duration // when the bottleneck has nothing left
	crossing float64       // bytes of other traffic not yet queued
	last     time.Duration // the last arrival
}

// tick lets other traffic enter the queue.
func (l *link) tick(now time.Duration) {
	if l.road.cross != nil {
		l.crossing += float64(l.road.cross(now)) * (now - l.now).Seconds() / 8
		for l.now = now; l.crossing >= 1200; l.crossing -= 1200 {
			l.enter(1200)
		}
	}
	l.now = now
}

// enter queues bytes; ok is false if the queue is full.
func (l *link) enter(bytes int) (out time.Duration, ok bool) {
	bits := float64(l.bits(l.now))
	spared := time.Duration(float64(l.road.burst) * 8 / bits * float64(time.Second))
	start := max(l.now-spared, l.free)
	if start-l.now > l.road.queue {
		return 0, false
	}
	l.free = start + time.Duration(float64(bytes)*8/bits*float64(time.Second))
	return max(l.free, l.now), true
}

// send returns when a packet of so many bytes on the wire arrives; ok is false if it
// does not.
func (l *link) send(bytes int) (arrival time.Duration, ok bool) {
	out, ok := l.enter(bytes)
	if !ok || l.rand.Float64() < l.loss {
		return 0, false
	}
	arrival = out + l.trip/2
	if l.road.jitter != nil {
		arrival += l.road.jitter(l.rand, l.now)
	}
	l.last = max(l.last, arrival)
	return l.last, true
}

// arrival is a packet at the receiver.
type arrival struct {
	number uint16
	at     time.Duration
}

// receiver reports as libwebrtc does, in irregular intervals.
type receiver struct {
	rand     *rand.Rand
	recorder *twcc.Recorder
	coming   []arrival
	next     time.Duration
	reports  []report
}

type report struct {
	at   time.Duration
	body []byte // what follows the media SSRC
}

const rtcpToMedia = 12 // bytes of a feedback packet up to its media SSRC

// tick takes what arrived and reports it from time to time.
func (r *receiver) tick(now time.Duration, road *road) {
	for len(r.coming) > 0 && r.coming[0].at <= now {
		at := time.Duration(float64(r.coming[0].at) * (1 + road.drift))
		r.recorder.Record(1, r.coming[0].number, int64(at/time.Microsecond))
		r.coming = r.coming[1:]
	}
	if now < r.next {
		return
	}
	r.next = now + road.report/2 + time.Duration(r.rand.Int64N(int64(road.report/2)))
	for _, p := range r.recorder.BuildFeedbackPacket() {
		b, err := p.(*rtcp.TransportLayerCC).Marshal()
		if err != nil {
			panic(err)
		}
		if r.rand.Float64() >= road.unheard {
			r.reports = append(r.reports, report{at: now + road.trip/2, body: b[rtcpToMedia:]})
		}
	}
}
