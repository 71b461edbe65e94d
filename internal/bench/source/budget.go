package source

// keyWeight is how many times larger a key frame is than others.
const keyWeight = 4

// budget decides on the size of frames, so that the mean over time is the bit
// rate, however many key frames are asked for.
type budget struct {
	average     int // bytes a frame
	delta       int // bytes of a frame that is no key frame
	credit      int // bytes saved, negative after a key frame
	lowestLimit int // credit is never spent below it
}

// newBudget plans for a key frame in every period frames.
func newBudget(bitsPerSecond, framesPerSecond, period int) *budget {
	b := &budget{average: bitsPerSecond / 8 / framesPerSecond}
	b.delta = b.average * period / (period - 1 + keyWeight)
	b.lowestLimit = b.average - keyWeight*b.delta
	return b
}

// next returns the size of the next frame in bytes.
func (b *budget) next(key bool) int {
	size := b.delta
	if key {
		size *= keyWeight
	}
	b.credit += b.average
	size = max(min(size, b.credit-b.lowestLimit), leastFrameBytes)
	b.credit = min(b.credit-size, 0)
	return size
}
