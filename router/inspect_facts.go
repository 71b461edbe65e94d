package router

import "time"

// StreamFacts are what the bytes of one layer tell of how it was encoded, whatever
// the offer said of it. They serve diagnoses and change nothing.
type StreamFacts struct {
	// Profile, Constraints and Level are profile_idc, the constraint flags and
	// level_idc of the newest H.264 sequence parameter set; zero before there is one.
	Profile, Constraints, Level uint8
	// BFrames tells of pictures that need a later one: slices of type B, or
	// timestamps that went back. Decoders of browsers show them late or not at all.
	BFrames bool
	// KeyInterval is the time between the newest two key frames, LastKeyFrame when
	// the newest one began.
	KeyInterval  time.Duration
	LastKeyFrame time.Time
	// Deaf tells that requests for key frames are of no use; see Layer.Deaf.
	Deaf bool
	// Sounds counts the packets of Opus that were looked at, Stereo those of them
	// that carry two channels (RFC 6716 section 3.1).
	Sounds, Stereo uint64
	// ClockFaults counts sender reports whose times contradict those before them.
	ClockFaults uint64
}

const (
	// lookFrames is how many frames after a key frame are looked at for slices of
	// type B: encoders that use them do so at once.
	lookFrames = 32
	// backwards is how many timestamps have to go back: a single one may be a new
	// start of the encoder's clock.
	backwards = 3
	// lookSounds is how many packets of sound there are to one that is looked at.
	lookSounds = 16
)

// streamFacts collects StreamFacts. What costs something is looked at rarely: a
// few frames after each key frame, and one packet of sound in lookSounds.
type streamFacts struct {
	found  StreamFacts
	left   int // frames still to look at
	backs  int
	newest uint32 // highest timestamp
	begun  bool
}

// keyFrame notes that a key frame began.
func (f *streamFacts) keyFrame(now time.Time) {
	if last := f.found.LastKeyFrame; !last.IsZero() {
		f.found.KeyInterval = now.Sub(last)
	}
	f.found.LastKeyFrame = now
	f.left = lookFrames
	f.begun = false
}

// picture looks at the first packet of a frame.
func (f *streamFacts) picture(codec string, p *Packet) {
	f.left--
	if f.begun && int32(p.Timestamp-f.newest) < 0 {
		f.backs++
	} else {
		f.newest, f.begun = p.Timestamp, true
	}
	if f.backs >= backwards || codec == H264 && h264StartsB(p.Payload) {
		f.found.BFrames = true
	}
}

// sound looks at a packet of Opus.
func (f *streamFacts) sound(payload []byte) {
	f.found.Sounds++
	if payload[0]&4 != 0 {
		f.found.Stereo++
	}
}

// factsNow completes the facts with what others know of the stream.
func (s *ingestStream) factsNow() StreamFacts {
	found := s.facts.found
	found.Deaf = s.keys.deaf
	found.ClockFaults = s.clock.contradicted
	newest := int64(-1)
	for _, u := range s.sets.units {
		if s.stats.Codec.Name == H264 && u.kind == h264SPS && u.seq > newest && len(u.unit) >= 4 {
			newest = u.seq
			found.Profile, found.Constraints, found.Level = u.unit[1], u.unit[2], u.unit[3]
		}
	}
	return found
}

// h264StartsB tells whether a payload begins with a slice of type B (H.264 7.3.3:
// first_mb_in_slice, slice_type).
func h264StartsB(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	kind, header := payload[0]&0x1f, payload[1:]
	switch kind {
	case h264STAPA:
		if len(payload) < 5 {
			return false
		}
		kind, header = payload[3]&0x1f, payload[4:]
	case h264FUA:
		kind, header = payload[1]&0x1f, payload[2:]
		if payload[1]&0x80 == 0 {
			return false
		}
	}
	if kind != h264NonIDR {
		return false
	}
	r := bitReader{b: header[:min(len(header), 12)], escape: true}
	r.ue() // first_mb_in_slice
	t := r.ue()
	return !r.failed && (t == 1 || t == 6)
}
