package stamp

// sourceShift leaves 20 bits for the frames of one source among many: at 50 a
// second, five hours.
const sourceShift = 20

// MaxSource is the greatest number of a source.
const MaxSource = 255

// OfSource makes the number of a frame of a source, 1 to MaxSource, so that viewers
// of several can tell whose it is. Source 0 leaves the number as it is.
func OfSource(source int, number uint32) uint32 {
	if source == 0 {
		return number
	}
	return number&(1<<sourceShift-1) | uint32(source)<<sourceShift //nolint:gosec // below MaxSource
}

// Source is who made a frame, 0 if its number does not tell. Only those who know
// that sources have numbers may ask.
func Source(frame uint32) int { return int(Number(frame) >> sourceShift) }
