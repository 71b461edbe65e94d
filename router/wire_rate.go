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
	// spatialIDs and temporalIDs are how many scalability layers are told apart; ids
	// beyond count as the highest.
	spatialIDs  = 3
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
	delta [spatialIDs][temporalIDs]int32 // by spatial and temporal id
	key   [spatialIDs]int32              // of key frames
}

func (s *wireSlot) add(o *wireSlot) {
	for sid := range s.delta {
		s.key[sid] += o.key[sid]
		for tid, n := range o.delta[sid] {
			s.delta[sid][tid] += n
		}
	}
}

func (s *wireSlot) deltas() (sum int) {
	for sid := range s.delta {
		for _, n := range s.delta[sid] {
			sum += int(n)
		}
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

	rates             [spatialIDs][temporalIDs]atomic.Int64 // bits per second up to both ids
	spatial, temporal atomic.Int64                          // the highest ids there are
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
	s, bytes := &r.slots[r.slot%wireSlots], int32(len(p.Payload)+wireOverhead)
	sid := min(p.Frame.Descriptor.SID, spatialIDs-1)
	if p.Frame.Key {
		s.key[sid] += bytes
	} else {
		s.delta[sid][min(p.Frame.Descriptor.TID, temporalIDs-1)] += bytes
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
		sum.add(&r.slots[i])
	}
	scale := 1.0
	if n := float64(sum.deltas()); n > 0 {
		scale = max(n/span, r.recent(span)) / n
	}
	var below [temporalIDs]float64 // what lower spatial layers take, up to a temporal id
	var spatial, temporal int64
	for sid := range sum.delta {
		perSlot := float64(sum.key[sid]) / wireSlots
		for tid, n := range sum.delta[sid] {
			perSlot += float64(n) * scale
			below[tid] += perSlot
			r.rates[sid][tid].Store(int64(below[tid] * 8 * float64(time.Second/rateSlot)))
			if n > 0 {
				spatial, temporal = int64(sid), max(temporal, int64(tid))
			}
		}
		if sum.key[sid] > 0 {
			spatial = int64(sid)
		}
	}
	r.spatial.Store(spatial)
	r.temporal.Store(temporal)
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
func (l *Layer) WireRate(now time.Time) int {
	return l.WireRateUpTo(now, spatialIDs-1, temporalIDs-1)
}

// WireRateUpTo is the part of WireRate that the frames with a spatial id of at most
// sid and a temporal id of at most tid take.
func (l *Layer) WireRateUpTo(now time.Time, sid, tid int) int {
	if !l.activeAt(now) {
		return 0
	}
	return int(l.wire.rates[min(max(sid, 0), spatialIDs-1)][min(max(tid, 0), temporalIDs-1)].Load())
}

// Spatial is the highest spatial id the layer's frames had in the last seconds, 0
// where no spatial layer can be left out: VP9 tells where one ends, AV1 does with
// dependency descriptors.
func (l *Layer) Spatial() int {
	if l.codec.Name != VP9 && l.described.Load() == 0 {
		return 0
	}
	return int(l.wire.spatial.Load())
}

// Temporal is the highest temporal id the layer's frames had, 0 without temporal
// layers.
func (l *Layer) Temporal() int { return int(l.wire.temporal.Load()) }
