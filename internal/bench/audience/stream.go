package audience

import "time"

// stream is one SSRC that a viewer receives.
type stream struct {
	ssrc   uint32
	video  bool
	nack   bool
	pli    bool
	codec  string
	clock  uint32
	rtx    bool
	seq    sequence
	losses losses
	frames frames
	// toSample counts beginnings of frames down to the next that is decrypted.
	toSample int
	counts   streamCounts
	report   reportState
}

// streamCounts are what Reset forgets. expected counts numbers, unique those that
// arrived, so that the difference is lost.
type streamCounts struct {
	packets, bytes                       uint64
	expected, unique                     uint64
	duplicates, reordered, retransmitted uint64
}

// reset begins to count anew: what is missing now is still expected.
func (s *stream) reset() {
	s.counts = streamCounts{expected: uint64(len(s.losses.open))}
	s.frames.begun, s.frames.broken, s.frames.skipped, s.frames.freezes = 0, 0, 0, 0
}

// take counts a packet by its number; fresh means that it begins a frame.
func (s *stream) take(now time.Time, h header) (index int64, kind arrivalKind, fresh bool) {
	began := s.seq.first
	index, kind, gap := s.seq.add(h.seq)
	switch kind {
	case inOrder:
		fresh = s.inOrder(now, index, gap, h)
	case late:
		s.filled(now, index, index < began)
	case duplicate:
		s.counts.duplicates++
	}
	return index, kind, fresh
}

func (s *stream) inOrder(now time.Time, index int64, gap int, h header) (fresh bool) {
	s.counts.expected += uint64(gap) + 1
	s.counts.unique++
	if !s.video {
		if gap > 0 {
			s.losses.add(now, index, gap, h.timestamp, 0)
		}
		fresh = !s.frames.started || h.timestamp != s.frames.timestamp
		s.frames.started, s.frames.timestamp = true, h.timestamp
		return fresh
	}
	fresh, whole := s.frames.inOrder(now, h.timestamp, h.marker, gap, len(s.losses.open) == 0)
	if gap > 0 {
		s.given(s.losses.add(now, index, gap, h.timestamp, whole))
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

func (s *stream) given(up []hole) {
	for _, h := range up {
		s.frames.lost(h)
	}
}

// keyFrame notes that packet index begins a key frame.
func (s *stream) keyFrame(now time.Time, index int64, timestamp uint32) {
	given := s.losses.before(index)
	s.given(given)
	s.frames.keyFrame(timestamp)
	s.maybeShown(now)
}

// expire gives up what has been missing for too long.
func (s *stream) expire(now time.Time) {
	if len(s.losses.open) == 0 {
		return
	}
	up := s.losses.expire(now)
	if s.video {
		s.given(up)
		if len(up) > 0 {
			s.maybeShown(now)
		}
	}
}
