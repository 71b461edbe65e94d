package router

import (
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/bwe"
)

// section is one media section of a viewer. Which layer, source and publisher
// fills it may change; its SSRC, its numbering and its line of timestamps go on.
//
// What it sends comes from cur. While another layer is awaited, that is target.
// Both belong to tracks the section is subscribed to through the shard.
type section struct {
	viewer *Viewer
	cfg    SectionConfig
	ext    extensionWriter
	timer  wakeTimer

	// selection is what the viewer asked for, options are the layers it leaves, and
	// steps what each takes.
	selection Selection
	priority  int // among the sections of video, above their lowest layer
	options   []option
	steps     []bwe.Step
	paused    pauseReason
	pausedAt  time.Time // the allocator's pause began
	refusedAt time.Time // since then the lowest layer is more than the path seems to carry
	hurried   bool      // on the way to less, because the path does not carry what is sent
	watched   *Layer
	shown     atomic.Pointer[Layer]
	sends     atomic.Uint32 // how much of what is shown, see sendsNow

	// want is the track to show. cur may belong to another one for a while.
	want        *shardTrack
	cur, target *trackLayer

	// ready is the first packet of target's key frame while the frame of cur is
	// being finished, until readyBy.
	ready   *Packet
	readyBy time.Time
	// holdUntil ends the showing of another track than want.
	holdUntil time.Time
	// askAt is when more is done to get a key frame of target: its group is
	// replayed if the viewer sees nothing, or the publisher is asked again.
	askAt     time.Time
	mayReplay bool
	replay    replay
	landing   landing
	backlog   backlog
	thin      thinning
	// keyAt is when the newest key frame began, keyNumber its first number.
	keyAt     time.Time
	keyNumber int64
	// keySince is when the live key frame began that is being sent, keyBytes its
	// size so far.
	keySince time.Time
	keyBytes int
	segments segmentList
	window   sentWindow
	line     timeline
	pictures pictureState
	frames   frameState
	// inFrame tells that the newest packet did not end its frame.
	inFrame bool
	// identified is set by the first RTCP that names the SSRC: the viewer knows
	// which section it belongs to, and MID is no longer sent (M-086).
	identified bool

	resend  resender
	reports reportState
	asks    keyFrameAsks
	// fraction and jitter are from the newest receiver report, reported is the highest
	// number it tells, and pathLoss the loss without holes that were sent as such.
	fraction uint8
	jitter   time.Duration
	reported int64
	pathLoss float64
}

func newSection(v *Viewer, cfg SectionConfig, first int64, timestamp uint32) *section {
	s := &section{viewer: v, cfg: cfg, selection: Automatic(), thin: thinning{goal: wholeLayer}, ext: newExtensionWriter(cfg.Mid, cfg.Extensions)}
	s.timer.owner = s
	s.sendsNow(wholeLayer)
	s.window.highest = first - 1
	s.line.out = timestamp
	return s
}

// burst handles packets of a layer of one of the section's tracks. newest is the
// layer's newest number.
func (s *section) burst(now time.Time, l *trackLayer, b Burst, out *Out) {
	switch l {
	case s.cur:
		s.fromCurrent(now, b, out)
	case s.target:
		s.fromTarget(now, b, out)
	default:
		return
	}
	s.settleBurst(now, out)
}

// fromCurrent forwards a burst of the layer that is being sent.
func (s *section) fromCurrent(now time.Time, b Burst, out *Out) {
	if s.replay.active {
		s.besideReplay(now, b, out)
		return
	}
	if s.backlog.active {
		s.besideBacklog(now, b, out)
		return
	}
	for _, p := range b.Packets {
		if s.isNext(p) && s.viewer.pacer.full(now) {
			s.holdBack(now, p.Seq, p.Seq)
			return
		}
		s.forward(now, p, out)
	}
	if b.Packets[0].Frame.Key && s.cfg.Kind == Video && !s.thin.on {
		s.watchKeyFrame(now, b, out)
	}
	if s.ready != nil && !s.inFrame {
		s.takeReady(now, out)
	}
}

// isNext tells that p comes after everything that was sent of the current layer.
func (s *section) isNext(p *Packet) bool {
	if s.thin.on {
		return p.Seq > s.thin.last
	}
	return p.Seq > s.window.highest-s.segments.current().offset
}

// forward sends one packet of the current layer under its number.
func (s *section) forward(now time.Time, p *Packet, out *Out) {
	if (s.thin.on || s.thin.goal != wholeLayer) && s.forwardThinned(now, p, out) {
		return
	}
	seg := s.segments.current()
	n := p.Seq + seg.offset
	if n <= s.window.highest {
		s.late(now, p, n, out)
		return
	}
	if s.landing.active && int32(p.Timestamp-s.landing.top) > 0 && len(p.Payload) > 0 {
		seg = s.land(now, p, n)
	}
	ts := seg.times.at(p.Timestamp)
	s.window.advance(n)
	s.follow(now, p, seg, ts)
	s.write(now, out, p, seg, n, false)
}

// follow moves the section's state along with its newest packet.
func (s *section) follow(now time.Time, p *Packet, seg *segment, ts uint32) {
	if seg.times.pace == fullPace {
		s.line.anchor(ts, p.Capture, now, s.line.rate)
	} else {
		s.line.note(ts)
	}
	if len(p.Payload) == 0 {
		return
	}
	s.pictures.sent(&p.Frame.Descriptor, seg.shift)
	s.frames.sent(p, seg.frames)
	s.inFrame = !p.Frame.End
	if p.Frame.KeyStart && s.cfg.Kind == Video {
		s.viewer.pending.keyFrames++
		s.keyAt, s.keyNumber = now, s.window.highest
	}
}

// late sends a packet whose number has been passed, because it was repaired or
// overtaken on its way here. Every number is sent once, and a packet from before
// the latest switch not at all (M-041). The viewer that has asked for it already
// gets it as a retransmission, as does one for which the number lies so far back
// that its replay protection may refuse it.
func (s *section) late(now time.Time, p *Packet, n int64, out *Out) {
	if !s.window.holds(n) || s.window.sent(n) {
		return
	}
	seg := s.segments.place(s.cur.layer, p, n)
	if seg == nil {
		return
	}
	p = seg.late(p, n)
	s.window.mark(n)
	asked := s.resend.pending.settle(n, now)
	rtx := s.repairs(seg) && (asked || s.window.highest-n > replayProtection)
	s.write(now, out, p, seg, n, rtx)
}

// replayProtection is how far back a number may lie for receivers with the
// smallest window RFC 3711 section 3.3.2 allows, with some room.
const replayProtection = 48

// openSegment begins a segment with p as its first packet, but for the
// parameter sets p comes without.
func (s *section) openSegment(now time.Time, l *Layer, p *Packet, times timestampMap) *segment {
	pt, _ := payloadTypeFor(s.cfg.PayloadTypes, l.Codec())
	first := s.window.highest + 1
	s.line.rate = l.Codec().ClockRate
	if p.Dependencies != nil && s.lacksDescriptor() && p.Dependencies.Structure.Spatial() > 0 {
		s.thin.goal.spatial = 0
	}
	return s.segments.open(now, segment{
		layer: l, first: first, offset: first + int64(len(p.Parameters)) - p.Seq, parameters: p.Parameters,
		times: times, shift: s.pictures.shift(&p.Frame.Descriptor), frames: s.frames.shift(p), number: pt.Number, rtx: pt.RTX,
	})
}

// nextTimestamp is the timestamp for media of a clock rate that is captured and
// sent at the given times, when it does not follow the current segment.
func (s *section) nextTimestamp(capture, sent time.Time, rate uint32) uint32 {
	if !s.line.started {
		return s.line.out
	}
	return s.line.next(capture, sent, rate, timestampStep)
}

// settleBurst sends the first report right after the first packet, and keeps the
// timer right.
func (s *section) settleBurst(now time.Time, out *Out) {
	if s.reports.at.IsZero() && s.reports.fresh {
		s.report(now, out)
	}
	s.schedule()
}

// schedule sets the section's timer to the earliest thing it waits for.
func (s *section) schedule() {
	if s.viewer.shard != nil {
		s.viewer.shard.schedule.set(&s.timer, s.nextWake())
	}
}

func (s *section) nextWake() time.Time {
	next := s.reports.at
	if s.replay.active {
		next = earlier(next, s.replay.due)
	}
	if s.ready != nil {
		next = earlier(next, s.readyBy)
	}
	if s.backlog.active {
		next = earlier(next, s.backlog.due)
	}
	return earlier(earlier(next, s.holdUntil), s.askAt)
}

// earlier returns the earlier of two times, of which zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// wake implements wakeable.
func (s *section) wake(now time.Time, out *Out) time.Time {
	if s.replay.active && !now.Before(s.replay.due) {
		s.stepReplay(now, out)
	}
	if s.backlog.active && !now.Before(s.backlog.due) {
		s.stepBacklog(now, out)
	}
	if s.ready != nil && !now.Before(s.readyBy) {
		s.takeReady(now, out)
	}
	if due(s.holdUntil, now) {
		s.endHold()
	}
	if due(s.askAt, now) {
		s.askAgain(now, out)
	}
	if due(s.reports.at, now) || s.reports.at.IsZero() && s.reports.fresh {
		s.report(now, out)
	}
	s.viewer.flush(now)
	return s.nextWake()
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }
