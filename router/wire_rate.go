package router

import (
	"slices"
	"sync/atomic"
	"time"
)

const (
	// wireOverhead is what a packet takes on the wire beyond its payload, in bytes:
	// RTP header and extensions, SRTP tag, UDP and IP.
	wireOverhead = 60
	// temporalIDs are how many temporal layers are told apart; ids beyond count as
	// the highest.
	temporalIDs = 4

	// wireSlots of rateSlot are the window of a wireRate: two of the longer
	// intervals between key frames that are usual.
	wireSlots = 40
	// wireYoung slots are the least that say anything.
	wireYoung = 4
	// wireRecent slots tell of growth; wireCalm is which of them in order of size,
	// so that single bursts say nothing.
	wireRecent = 10
	wireCalm   = 3
)

// wireSlot is what came in one slot, in bytes on the wire.
type wireSlot struct {
	delta [temporalIDs]int // by temporal id
	key   int              // of key frames
}

func (s *wireSlot) deltas() (sum int) {
	for _, n := range s.delta {
		sum += n
	}
	return sum
}

// wireRate measures what a layer takes on the wire, for those who divide a link.
// A key frame counts with its share of the whole window from the moment it comes,
// so that it makes no peak; growth of all other frames counts within a second, and
// less is believed after the window only.
type wireRate struct {
	slots [wireSlots]wireSlot
	slot  int64         // in use
	from  time.Duration // the first packet came
	used  bool

	rates [temporalIDs]atomic.Int64 // bits per second up to a temporal id
	ids   atomic.Int64              // temporal ids there are
}

// add counts a packet that came at a time. A silence that makes a layer inactive
// begins anew.
func (r *wireRate) add(at time.Duration, p *Packet) {
	slot := int64(at / rateSlot)
	if r.used && slot > r.slot {
		r.measure()
	}
	if !r.used || slot-r.slot > int64(activeFor/rateSlot) {
		r.slots, r.used, r.slot, r.from = [wireSlots]wireSlot{}, true, slot, at
	}
	for r.slot < slot {
		r.slot++
		r.slots[r.slot%wireSlots] = wireSlot{}
	}
	s, bytes := &r.slots[r.slot%wireSlots], len(p.Payload)+wireOverhead
	if p.Frame.Key {
		s.key += bytes
	} else {
		s.delta[min(p.Frame.Descriptor.TID, temporalIDs-1)] += bytes
	}
}

// measure works out the rates when a slot is complete.
func (r *wireRate) measure() {
	span := min(float64(time.Duration(r.slot+1)*rateSlot-r.from)/float64(rateSlot), wireSlots)
	if span < wireYoung {
		return
	}
	var sum wireSlot
	for i := range r.slots {
		sum.key += r.slots[i].key
		for id, n := range r.slots[i].delta {
			sum.delta[id] += n
		}
	}
	grown := max(float64(sum.deltas())/span, r.recent(span))
	scale := 1.0
	if n := sum.deltas(); n > 0 {
		scale = grown / float64(n)
	}
	perSlot, ids := float64(sum.key)/wireSlots, 0
	for id, n := range sum.delta {
		perSlot += float64(n) * scale
		r.rates[id].Store(int64(perSlot * 8 * float64(time.Second/rateSlot)))
		if n > 0 {
			ids = id + 1
		}
	}
	r.ids.Store(int64(ids))
}

// recent is what a calm one of the latest slots had, 0 while there are too few.
func (r *wireRate) recent(span float64) float64 {
	if span < wireRecent {
		return 0
	}
	var latest [wireRecent]int
	for i := range latest {
		latest[i] = r.slots[(r.slot-int64(i))%wireSlots].deltas()
	}
	slices.Sort(latest[:])
	return float64(latest[wireCalm])
}

// WireRate is what the layer takes on the wire of a viewer, in bits per second,
// headers included: a mean over the last seconds that a key frame does not make
// jump. It is 0 until the layer has sent for half a second, and while nothing came
// for a second (M-050); whoever goes on after that begins with what he had.
func (l *Layer) WireRate(now time.Time) int { return l.WireRateUpTo(now, temporalIDs-1) }

// WireRateUpTo is the part of WireRate that the frames with a temporal id of at
// most tid take.
func (l *Layer) WireRateUpTo(now time.Time, tid int) int {
	if !l.activeAt(now) {
		return 0
	}
	return int(l.wire.rates[min(max(tid, 0), temporalIDs-1)].Load())
}

// Temporal is the highest temporal id the layer's frames have, 0 without temporal
// layers.
func (l *Layer) Temporal() int { return int(max(l.wire.ids.Load()-1, 0)) }
