package router

import (
	"encoding/binary"
	"time"
)

const (
	// restartPause is the least time between two new numberings of one SSRC: a
	// layer is expensive.
	restartPause = 500 * time.Millisecond
	// restartWindow is how soon the second packet of a new numbering must follow.
	restartWindow = time.Second
	// restartQuiet is how long the numbering in use must have been silent before
	// another one may use its numbers: what repeats them while it goes on are
	// packets of another layer (Q-OBS-9).
	restartQuiet = 100 * time.Millisecond
	// longestHeld bounds the packet that is held until the next one tells whether
	// a new numbering has begun.
	longestHeld = 2048
)

// incoming is one media packet on its way in, unwrapped from RTX.
type incoming struct {
	seq       uint16
	timestamp uint32
	marker    bool
	repaired  bool // came as RTX
	codec     *PayloadType
	payload   []byte
	ext       *ingestExtensions
	raw       []byte // the packet as it came
}

// ingestStream is one media SSRC of a publisher. The Ingest's lock guards it.
type ingestStream struct {
	ssrc     uint32
	slot     *streamSlot
	settings *IngestSettings
	born     time.Time // of the Ingest: base of all durations

	numbers   sequencer
	reception reception
	nack      nackList
	keys      keyFramePolicy
	clock     streamClock
	frames    frameTracker
	described dependencyReader
	sets      parameterSets
	facts     streamFacts
	inspect   inspector // nil: audio
	slab      ingestSlab

	layer *Layer // nil before the first media
	open  []*Packet
	since time.Time // arrival of the first open packet

	last, restarted time.Time
	ended           bool // BYE
	rtx             bool // has repeated a packet as RTX, and will again

	held      []byte // copy of a packet that may begin a new numbering
	heldSeq   uint16
	heldStamp uint32
	heldAt    time.Time

	stats LayerStats
}

func newIngestStream(ssrc uint32, slot *streamSlot, born time.Time, s *IngestSettings, pt *PayloadType) *ingestStream {
	st := &ingestStream{ssrc: ssrc, slot: slot, settings: s, born: born}
	st.stats = LayerStats{Mid: slot.section.Mid, RID: slot.rid, Kind: slot.section.Track.kind, SSRC: ssrc}
	st.reset(pt)
	return st
}

// reset starts a new numbering with a codec.
func (s *ingestStream) reset(pt *PayloadType) {
	window, can := s.settings.AudioHistory, noKeyFeedback
	s.inspect = nil
	if s.stats.Kind == Video {
		window, can = s.settings.VideoHistory, keyFeedbackOf(pt.Feedback)
		s.inspect = inspectorOf(pt.Codec.Name)
	}
	rate := max(pt.Codec.ClockRate, 1)
	asked := s.keys.pending
	s.numbers = newSequencer(window, rate)
	s.reception = reception{}
	s.nack = nackList{settings: s.settings, rtt: s.nack.rtt, samples: s.nack.samples, count: s.nack.count}
	s.keys = newKeyFramePolicy(s.settings, can)
	if asked {
		s.keys.request()
	}
	s.clock = streamClock{bases: &s.slot.section.feed.clocks, rate: rate}
	if s.stats.Codec != pt.Codec {
		s.sets = offeredParameters(pt.Codec)
	}
	s.frames = frameTracker{bare: len(s.sets.units) > 0}
	s.facts = streamFacts{}
	s.described = dependencyReader{}
	s.held = s.held[:0]
	s.stats.Codec = pt.Codec
}

// leave takes the stream's layer off its track.
func (s *ingestStream) leave() {
	s.flush()
	s.clock.end()
	if s.layer != nil {
		s.layer.track.cache.remove(s.layer)
		s.slot.section.feed.leave(s.layer)
		s.layer = nil
	}
}

// restart begins a new layer: numbering or codec have changed.
func (s *ingestStream) restart(now time.Time, pt *PayloadType) {
	s.leave()
	s.reset(pt)
	s.restarted = now
}

// mayRestart tells whether the last new layer is long enough ago.
func (s *ingestStream) mayRestart(now time.Time) bool {
	return s.restarted.IsZero() || now.Sub(s.restarted) >= restartPause
}

// accept takes one packet. again is true when a packet held before began a new
// numbering: it and then this one are to be accepted once more.
func (s *ingestStream) accept(now time.Time, m *incoming) (again bool) {
	if s.ended && !s.revive(now, m) {
		return false
	}
	if s.stats.Codec.Name != m.codec.Codec.Name {
		if m.repaired || !s.mayRestart(now) {
			return false
		}
		s.restart(now, m.codec)
	}
	ext, v := s.numbers.judge(now, m.seq, m.timestamp)
	if m.repaired {
		s.rtx = true
		if v == arrivedNext && (!s.numbers.started || ext > s.numbers.highest+maxRepairAhead) {
			v = arrivedTwice
		}
	} else {
		s.last = now
	}
	switch v {
	case arrivedStrange:
		return !m.repaired && s.strange(now, m, ext)
	case arrivedTwice:
		s.stats.Duplicates++
		if !m.repaired {
			s.reception.received++ // RFC 3550 A.3 counts duplicates
		}
	case arrivedLate:
		s.late(now, m, ext)
	case arrivedNext:
		s.next(now, m, ext)
	}
	return false
}

// revive lets a stream that said BYE come back, but not by a straggler.
func (s *ingestStream) revive(now time.Time, m *incoming) bool {
	if m.repaired || now.Sub(s.last) < restartPause || !s.mayRestart(now) {
		return false
	}
	s.ended = false
	s.restart(now, m.codec)
	return true
}

// strange holds a packet of another numbering until a second one confirms it
// (RFC 3550 A.1).
func (s *ingestStream) strange(now time.Time, m *incoming, ext int64) (confirmed bool) {
	d := int64(int32(m.timestamp - s.heldStamp))
	bound := timestampLeeway * int64(s.numbers.rate)
	confirmed = len(s.held) > 0 && m.seq == s.heldSeq+1 && d >= -bound && d <= bound &&
		now.Sub(s.heldAt) <= restartWindow && s.mayRestart(now) &&
		(!s.numbers.repeats(now, ext, m.timestamp) || now.Sub(s.numbers.arrival) >= restartQuiet)
	if !confirmed && len(m.raw) <= longestHeld {
		s.held = append(s.held[:0], m.raw...)
		s.heldSeq, s.heldStamp, s.heldAt = m.seq, m.timestamp, now
	}
	return confirmed
}

func (s *ingestStream) elapsed(now time.Time) time.Duration { return now.Sub(s.born) }

// next takes the newest packet.
func (s *ingestStream) next(now time.Time, m *incoming, ext int64) {
	joined := s.numbers.started && s.numbers.arrived(ext-1)
	seq, missing := s.numbers.take(now, ext, m.timestamp, len(m.payload) == 0)
	if !m.repaired {
		s.reception.arrive(s.elapsed(now), ext, m.timestamp, s.numbers.rate)
	}
	if missing > 0 {
		s.stats.Missing += uint64(missing)
		s.stats.Lost += uint64(missing)
		if m.codec.Feedback.NACK && !s.nack.lose(now, ext, missing) {
			s.keys.request()
		}
	}
	if len(m.payload) == 0 {
		return
	}
	p, signs := s.packet(now, m, seq)
	if s.inspect == nil {
		s.push(p)
		s.flush()
		return
	}
	if len(s.open) > 0 && s.open[0].Timestamp != p.Timestamp {
		s.flush()
	}
	s.frames.next(p, signs, joined)
	if p.Frame.KeyStart {
		s.startKeyFrame(now, p, signs)
		s.nack.supersede(ext)
		s.facts.keyFrame(now)
	} else if p.Frame.Start && s.facts.left > 0 {
		s.facts.picture(s.stats.Codec.Name, p)
	}
	s.push(p)
	if p.Frame.End || len(s.open) >= s.settings.BurstPackets || now.Sub(s.since) >= s.settings.BurstHold {
		s.flush()
	}
}

// late takes a packet that fills a hole, as a burst of its own.
func (s *ingestStream) late(now time.Time, m *incoming, ext int64) {
	early := s.numbers.at(ext).state == numberEarly
	seq, _ := s.numbers.take(now, ext, m.timestamp, len(m.payload) == 0)
	if !m.repaired {
		s.reception.arrive(s.elapsed(now), ext, m.timestamp, s.numbers.rate)
	}
	asked := s.nack.find(now, ext, m.repaired || !s.rtx)
	if !early {
		s.stats.Lost--
		if asked || m.repaired {
			s.stats.Repaired++
		}
	}
	if len(m.payload) == 0 && (early || s.layer == nil) {
		return
	}
	s.flush()
	p, signs := s.packet(now, m, seq)
	if s.inspect != nil && len(m.payload) > 0 {
		s.frames.late(p, s.layer.Packet(seq-1), signs)
		if p.Frame.KeyStart {
			s.startKeyFrame(now, p, signs)
		}
	}
	s.push(p)
	s.flush()
}

// startKeyFrame notes the start of a key frame, and moves it to the first packet
// of its timestamp that is still here: parameter sets may come behind a
// delimiter or the like. One that comes without them is given those sent before.
func (s *ingestStream) startKeyFrame(now time.Time, p *Packet, signs sign) {
	s.keys.keyFrame(now)
	s.layer.wanted.Store(false)
	s.stats.KeyFrames++
	if s.stats.FirstKeyFrame.IsZero() {
		s.stats.FirstKeyFrame = now
	}
	if len(s.open) > 0 && s.open[0].Timestamp == p.Timestamp {
		s.open[0].Frame.KeyStart, s.open[0].Frame.Key = true, true
		s.frames.keySeq = s.open[0].Seq
		p.Frame.KeyStart = false
		p = s.open[0]
	}
	if signs&signParameters == 0 {
		p.Parameters = s.sets.before(p)
	}
}

// packet makes the immutable packet and inspects it.
func (s *ingestStream) packet(now time.Time, m *incoming, seq int64) (*Packet, sign) {
	if s.layer == nil {
		s.join(now, m.codec)
	}
	p := s.slab.packet()
	capture := s.clock.capture(s.elapsed(now), m.timestamp)
	*p = Packet{
		Seq: seq, Timestamp: m.timestamp, Marker: m.marker, Arrival: now,
		Capture: s.born.Add(capture), Payload: s.slab.copyBytes(m.payload),
	}
	s.pass(p, m.ext, capture)
	s.stats.Packets++
	s.stats.Bytes += uint64(len(m.payload))
	switch {
	case len(m.payload) == 0:
	case s.inspect != nil:
		signs := s.inspect(p.Payload, &p.Frame)
		if signs&signSet != 0 {
			s.sets.note(s.stats.Codec.Name, p.Payload, seq)
		}
		return p, s.described.read(p, m.ext.passed[passedDependency], signs)
	case s.stats.Kind == Audio:
		if s.stats.Packets%lookSounds == 1 && s.stats.Codec.Name == Opus {
			s.facts.sound(p.Payload)
		}
		p.Frame = Frame{Start: true, End: true, KeyStart: true, Key: true}
	}
	return p, 0
}

// pass copies the extensions that reach viewers.
func (s *ingestStream) pass(p *Packet, x *ingestExtensions, capture time.Duration) {
	n := x.count
	if x.captureTime != nil {
		n++
	}
	if n == 0 {
		return
	}
	if v := x.passed[passedLevel]; v != nil {
		s.layer.noteLevel(p.Arrival.Sub(s.born), v)
	}
	p.Extensions = s.slab.passed(n)[:0]
	for i, v := range x.passed {
		if v != nil {
			p.Extensions = append(p.Extensions, PassedExtension{URI: passedURIs[i], Value: s.slab.copyBytes(v)})
		}
	}
	if x.captureTime != nil {
		var ntp [8]byte
		binary.BigEndian.PutUint64(ntp[:], s.clock.translate(s.born, capture, x.captureTime))
		p.Extensions = append(p.Extensions, PassedExtension{URI: ExtAbsCaptureTime, Value: s.slab.copyBytes(ntp[:])})
	}
}

// join makes the layer and shows it.
func (s *ingestStream) join(now time.Time, pt *PayloadType) {
	section := s.slot.section
	s.layer = newLayer(section.Track, s.slot.rid, pt.Codec, s.born, s.settings)
	s.layer.order = s.slot.order
	s.layer.deaf.Store(s.keys.deaf)
	s.layer.lastSeen.Store(int64(s.elapsed(now)))
	if s.stats.FirstPacket.IsZero() {
		s.stats.FirstPacket = now
	}
	section.Track.cache.add(s.layer)
	section.feed.join(s.layer)
}

// push adds a packet to the open burst.
func (s *ingestStream) push(p *Packet) {
	if len(s.open) == 0 {
		s.since = p.Arrival
	}
	s.open = append(s.open, p)
	if s.layer.measure(p) {
		s.slot.section.feed.sort(p.Arrival)
	}
}

// flush keeps and delivers the open burst.
func (s *ingestStream) flush() {
	if len(s.open) == 0 {
		return
	}
	for _, p := range s.open {
		s.layer.keep(p)
	}
	s.layer.track.cache.charge(s.layer)
	packets := s.slab.burst(s.open)
	clear(s.open)
	s.open = s.open[:0]
	s.slot.section.feed.deliver(Burst{Layer: s.layer, Packets: packets})
}
