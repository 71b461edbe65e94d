package audience

// cadence learns the usual step between the timestamps of frames (the majority
// vote of Boyer and Moore), and finds frames that a server left out.
//
// Steps also change for good: a server may replay with closer timestamps, or drop
// to half the frame rate. So what looks left out counts only once the usual step
// is back.
type cadence struct {
	step    uint32
	votes   int
	pending int
}

const (
	// enoughVotes make a step sure, mostVotes bound how long a new one takes.
	enoughVotes = 5
	mostVotes   = 30
	// tolerance is the share of a step, 1/8, by which timestamps may be off it.
	tolerance = 8
)

// next takes the step to a frame whose packets follow without a gap, and returns
// how many frames turn out to have been left out.
func (c *cadence) next(step uint32) (skipped int) {
	switch {
	case c.isUsual(step):
		c.votes = min(c.votes+1, mostVotes)
		skipped, c.pending = c.pending, 0
		return skipped
	case c.votes > 0:
		c.pending += c.steps(step) - 1
		c.votes--
	default:
		*c = cadence{step: step, votes: 1}
	}
	return 0
}

func (c *cadence) isUsual(step uint32) bool {
	off := int64(step) - int64(c.step)
	return c.votes > 0 && max(off, -off) <= int64(c.step/tolerance)
}

// steps is how many steps a distance has, to the nearest and at least one; one if
// that is not known, and for what cannot be a distance.
func (c *cadence) steps(distance uint32) int {
	if c.votes < enoughVotes || c.step == 0 || distance > 1<<31 {
		return 1
	}
	return max(1, int((uint64(distance)+uint64(c.step)/2)/uint64(c.step)))
}
