package router

import "time"

// Level is how loud a track of sound was of late, in -dBov: 0 is the loudest, 127
// silence (RFC 6464). It comes from the audio-level extension; known is false while
// its publisher does not send that, or for a second nothing came. It is safe for
// concurrent use.
func (t *Track) Level(now time.Time) (level uint8, known bool) { return 127, false }
