package router

// SourceClock relates the clock of one publication's publisher to the gateway's.
// The audio and the video track of a publication share one, so that lip sync
// within a publication is exact.
type SourceClock struct{}

// NewSourceClock makes the clock of one publication.
func NewSourceClock() *SourceClock { return &SourceClock{} }
