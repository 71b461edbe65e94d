package testkit

// orderWindow is how many packets an order remembers.
const orderWindow = 2048

// order checks that packets stand in an order a decoder can use, however they
// arrive: it compares each with its neighbours.
type order struct {
	at [orderWindow]ordered
}

type ordered struct {
	known     bool
	marked    bool // else parameter sets or the like
	seq       int64
	timestamp uint32
	mark
}

func (o *order) find(seq int64) *ordered {
	if p := &o.at[uint64(seq)%orderWindow]; p.known && p.seq == seq {
		return p
	}
	return nil
}

// packet takes the packet at a position and counts what is wrong with it.
func (o *order) packet(seq int64, timestamp uint32, m mark, marked bool, s *Seen) {
	if o.find(seq) != nil {
		return
	}
	p := &o.at[uint64(seq)%orderWindow]
	*p = ordered{known: true, marked: marked, seq: seq, timestamp: timestamp, mark: m}
	if before := o.neighbour(seq, -1); before != nil {
		before.judge(p, s)
	}
	if after := o.neighbour(seq, +1); after != nil {
		p.judge(after, s)
	}
}

// neighbour is the nearest marked packet with nothing unknown in between, seen
// from a marked one.
func (o *order) neighbour(seq, step int64) *ordered {
	if !o.find(seq).marked {
		return nil
	}
	for p := o.find(seq + step); p != nil; p = o.find(p.seq + step) {
		if p.marked {
			return p
		}
	}
	return nil
}

// judge looks at a packet and the next one.
func (p *ordered) judge(next *ordered, s *Seen) {
	same := p.layer == next.layer && p.frame == next.frame
	begins := next.key && next.index == 0
	switch {
	case p.layer != next.layer && (!begins || next.timestamp == p.timestamp):
		s.Mixed++
	case same != (next.timestamp == p.timestamp), int32(next.timestamp-p.timestamp) < 0:
		s.Backwards++
	}
}
