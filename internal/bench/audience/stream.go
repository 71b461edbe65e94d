package audience

import "time"

// stream is one SSRC that a viewer receives.
type stream struct {
	ssrc   uint32
	kind   uint8 // payload type, the newest
	video  bool
	nack   bool
	pli    bool
	codec  string
	clock  uint32
	rtx    bool
	seq    sequence
	losses losses
	frames frames
	layers layers
	seat   seat
	// toSample counts beginnings of frames down to the next that is decrypted.
	toSample int
	// again means that the packet looked into had no stamp (parameter sets have none),
	// so the next one is too.
	again  bool
	counts streamCounts
	report reportState
	asked  asked
	heard  time.Time // the last packet
}

// streamCounts are what Reset forgets. expected counts numbers, unique those that
// arrived, so that the difference is lost.
type streamCounts struct {
	packets, bytes                       uint64
	expected, unique                     uint64
	duplicates, reordered, retransmitted uint64
	stepsBack                            uint64
}

// reset begins to count anew: what is missing now is still expected.
func (s *stream) reset() {
	s.counts = streamCounts{expected: uint64(len(s.losses.open))}
	s.asked.nacks, s.asked.plis = 0, 0
	f := &s.frames
	f.begun, f.broken, f.skipped, f.freezes, f.longest, f.frozen, f.stood = 0, 0, 0, 0, 0, 0, 0
	s.layers.reset()
	s.seat.reset()
}

// take counts a packet by its number; fresh means that it begins a frame.
func (s *stream) take(now time.Time, h header) (index int64, kind arrivalKind, fresh bool) {
	began := s.seq.first
	index, kind, missing := s.seq.add(h.seq)
	switch kind {
	case inOrder:
		fresh = s.inOrder(now, gap{shown: index, size: missing}, h)
	case late:
		s.filled(now, index, index < began)
	case duplicate:
		s.counts.duplicates++
	case stray: // the next one tells what it is
	}
	return index, kind, fresh
}

func (s *stream) inOrder(now time.Time, g gap, h header) (fresh bool) {
	s.counts.expected += uint64(g.size) + 1
	s.counts.unique++
	if s.frames.started && int32(h.timestamp-s.frames.timestamp) < 0 {
		s.counts.stepsBack++
	}
	if s.video {
		fresh = s.frames.inOrder(now, h.timestamp, h.marker, &g, len(s.losses.open) == 0)
	} else {
		fresh = !s.frames.started || h.timestamp != s.frames.timestamp
		s.frames.started, s.frames.timestamp = true, h.timestamp
	}
	if g.size > 0 {
		s.given(s.losses.add(now, g))
	}
	s.maybeShown(now)
	return fresh
}

// filled counts a packet that came late under its own number; early that it was
// sent before the first one.
func (s *stream) filled(now time.Time, index int64, early bool) {
	s.counts.unique++
	filled, asked := s.losses.fill(index)
	if early || s.counts.unique > s.counts.expected {
		s.counts.expected++ // nobody had expected it, at least not since Reset
	}
	if asked {
		s.counts.retransmitted++
	} else {
		s.counts.reordered++
	}
	if filled {
		s.maybeShown(now)
	}
}

// maybeShown shows the newest frame if it is complete and nothing before it is
// missing.
func (s *stream) maybeShown(now time.Time) {
	if s.video && s.frames.marked && len(s.losses.open) == 0 {
		s.frames.shown(now, s.frames.timestamp)
	}
}

// repaired takes the original number of an RTX packet.
func (s *stream) repaired(now time.Time, seq uint16) {
	if !s.seq.started {
		return
	}
	index := s.seq.index(seq)
	if index > s.seq.highest || index <= s.seq.highest-historyBits {
		return // sent before its time, or long after
	}
	s.counts.retransmitted++
	if s.seq.has(index) {
		s.counts.duplicates++
		return
	}
	s.seq.mark(index)
	s.counts.unique++
	if filled, _ := s.losses.fill(index); filled {
		s.maybeShown(now)
	}
}

// given gives up holes; sound goes on without them.
func (s *stream) given(up []hole) {
	if !s.video || len(up) == 0 {
		return
	}
	for _, h := range up {
		s.frames.lost(h.gap)
	}
}

// keyFrame notes that packet index begins a key frame.
func (s *stream) keyFrame(now time.Time, index int64, timestamp uint32) {
	s.given(s.losses.before(index))
	s.frames.keyFrame(now, timestamp)
	s.maybeShown(now)
}

// expire gives up what has been missing for too long.
func (s *stream) expire(now time.Time) {
	if len(s.losses.open) > 0 {
		s.given(s.losses.expire(now))
	}
}
