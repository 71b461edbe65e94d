package depacket

import (
	"time"

	"github.com/pion/rtp"
)

const (
	// maxHeld bounds how many packets wait for a missing one.
	maxHeld = 1024
	// maxJump is how far numbers may jump before a new sender is assumed.
	maxJump = 3000
)

// Queue hands packets out in the order of their numbers and waits a bounded time
// for those that are missing, so that retransmissions find their place.
type Queue struct {
	wait    time.Duration
	started bool
	next    uint16 // the number that is due
	highest uint16 // the newest number seen
	held    map[uint16]arrived

	// Received counts packets that were handed out or wait; Lost those that were
	// given up; Repaired those that came after a newer one and yet in time; Late
	// those that came too late or twice.
	Received, Lost, Repaired, Late uint64
}

type arrived struct {
	packet *rtp.Packet
	at     time.Time
}

// NewQueue returns a queue that waits this long for a missing packet.
func NewQueue(wait time.Duration) *Queue {
	return &Queue{wait: wait, held: make(map[uint16]arrived)}
}

// Push takes a packet, which must not be changed afterwards.
func (q *Queue) Push(now time.Time, p *rtp.Packet) {
	number := p.SequenceNumber
	ahead := int16(number - q.next) //nolint:gosec // the distance on a circle
	switch {
	case !q.started || ahead > maxJump || ahead < -maxJump:
		clear(q.held)
		q.started, q.next, q.highest = true, number, number
	case ahead < 0:
		q.Late++
		return
	}
	if _, twice := q.held[number]; twice {
		q.Late++
		return
	}
	q.Received++
	if int16(number-q.highest) < 0 { //nolint:gosec // the distance on a circle
		q.Repaired++
	} else {
		q.highest = number
	}
	q.held[number] = arrived{p, now}
}

// Pop returns the next packet and how many before it were given up; nil when
// nothing is due yet.
func (q *Queue) Pop(now time.Time) (p *rtp.Packet, lost int) {
	if len(q.held) == 0 {
		return nil, 0
	}
	first, ok := q.held[q.next]
	if !ok {
		distance := q.gap()
		if len(q.held) < maxHeld && now.Sub(q.waitingSince()) < q.wait {
			return nil, 0
		}
		q.next += distance
		q.Lost += uint64(distance)
		first, lost = q.held[q.next], int(distance)
	}
	delete(q.held, q.next)
	q.next++
	return first.packet, lost
}

// Due returns when Pop gives up waiting, and false when it is not waiting.
func (q *Queue) Due() (time.Time, bool) {
	if len(q.held) == 0 {
		return time.Time{}, false
	}
	return q.waitingSince().Add(q.wait), true
}

// gap is how many packets are missing before the oldest one held.
func (q *Queue) gap() (distance uint16) {
	distance = 1<<16 - 1
	for number := range q.held {
		distance = min(distance, number-q.next)
	}
	return distance
}

// waitingSince is when the first of the held packets came.
func (q *Queue) waitingSince() (first time.Time) {
	for _, a := range q.held {
		if first.IsZero() || a.at.Before(first) {
			first = a.at
		}
	}
	return first
}
