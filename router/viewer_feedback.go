package router

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/headgate/headgate/internal/bwe"
)

// RTCP packet types and formats that a viewer's feedback uses.
const (
	rtcpSR, rtcpRR          = 200, 201
	rtcpSDES, sdesCNAME     = 202, 1
	rtcpTransportFB         = 205
	rtcpPayloadFB           = 206
	fbNACK, fbTransportCC   = 1, 15
	fbPLI, fbFIR            = 1, 4
	fbAFB                   = 15
	rtcpHeader, reportBlock = 4, 24
	senderInfo              = 20
	maxNACKEntries          = 128 // pairs looked at in one packet
	longestRTT              = 30 * time.Second
)

// readRTCP handles one RTCP packet or a compound, reduced-size or not (RFC 3550
// section 6.1, RFC 5506). What cannot be read ends it without complaint.
func (v *Viewer) readRTCP(now time.Time, b []byte, out *Out) {
	for len(b) >= rtcpHeader && b[0]>>6 == 2 {
		size := 4 * (int(binary.BigEndian.Uint16(b[2:])) + 1)
		if size > len(b) {
			return
		}
		body := b[rtcpHeader:size]
		if b[0]&0x20 != 0 {
			body = unpadded(body)
		}
		v.readPacket(now, b[1], b[0]&0x1F, body, out)
		b = b[size:]
	}
}

// unpadded cuts RTCP padding off; an impossible count cuts everything.
func unpadded(b []byte) []byte {
	if len(b) == 0 {
		return b
	}
	n := int(b[len(b)-1])
	if n == 0 || n > len(b) {
		return nil
	}
	return b[:len(b)-n]
}

// readPacket handles one packet without its header; count is its report count or
// feedback format.
func (v *Viewer) readPacket(now time.Time, kind, count byte, b []byte, out *Out) {
	if len(b) < 4 {
		return
	}
	sender, b := binary.BigEndian.Uint32(b), b[4:]
	switch {
	case kind == rtcpSR && len(b) >= senderInfo:
		v.readReports(now, int(count), b[senderInfo:], out)
	case kind == rtcpRR:
		v.readReports(now, int(count), b, out)
	case len(b) < 4:
	case kind == rtcpTransportFB && count == fbNACK:
		v.readNACK(now, b, out)
	case kind == rtcpTransportFB && count == fbTransportCC:
		v.tracked = true
		v.bwe.Feedback(now, b[4:])
	case kind == rtcpPayloadFB && count == fbPLI:
		if s := v.identify(binary.BigEndian.Uint32(b)); s != nil {
			s.askKeyFrame(now, out)
		}
	case kind == rtcpPayloadFB && count == fbFIR:
		v.readFIR(now, sender, b[4:], out)
	case kind == rtcpPayloadFB && count == fbAFB:
		v.readREMB(now, b[4:], out)
	}
}

// readREMB takes what a viewer estimates its path to carry
// (draft-alvestrand-rmcat-remb-03 section 2.2).
func (v *Viewer) readREMB(now time.Time, b []byte, out *Out) {
	if len(b) < 8 || string(b[:4]) != "REMB" {
		return
	}
	exponent, mantissa := b[5]>>2, int(b[5]&3)<<16|int(b[6])<<8|int(b[7])
	if mantissa == 0 || exponent > 40 {
		return
	}
	v.bwe.REMB(now, mantissa<<exponent)
	v.path.believe(now, mantissa<<exponent)
	v.pathChanged(now, out)
}

// identify returns the section of an SSRC and notes that the viewer knows it.
func (v *Viewer) identify(ssrc uint32) *section {
	s := v.bySSRC(ssrc)
	if s != nil && ssrc == s.cfg.SSRC {
		s.identified = true
	}
	return s
}

// readNACK handles the entries of a generic NACK, a bounded number of them.
func (v *Viewer) readNACK(now time.Time, b []byte, out *Out) {
	s := v.identify(binary.BigEndian.Uint32(b))
	if s == nil || s.cfg.SSRC != binary.BigEndian.Uint32(b) {
		return
	}
	b = b[4:]
	for i := 0; i < maxNACKEntries && len(b) >= 4; i++ {
		s.nack(now, binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]), out)
		b = b[4:]
	}
}

// readFIR handles the entries of a full intra request (RFC 5104 section 4.3.1). A
// command number that a sender repeats is the same command (M-024).
func (v *Viewer) readFIR(now time.Time, sender uint32, b []byte, out *Out) {
	for i := 0; i <= len(v.sections) && len(b) >= 8; i++ {
		s := v.identify(binary.BigEndian.Uint32(b))
		command := firCommand{known: true, sender: sender, number: b[4]}
		if s != nil && s.asks.fir != command {
			s.asks.fir = command
			s.askKeyFrame(now, out)
		}
		b = b[8:]
	}
}

// firCommand identifies a FIR.
type firCommand struct {
	known  bool
	sender uint32
	number uint8
}

// keyFrameAsks bounds the key frames a viewer's section may ask for.
type keyFrameAsks struct {
	fir       firCommand
	bucket    allowance
	last      time.Time
	lastStuck time.Time // last replay for a stuck decoder
	// since is when the newest row of requests began, newest when the last of it came.
	since, newest time.Time
}

// One request that comes while repairs are on their way may have crossed the last of
// them. A decoder that cannot go on repeats it: a row of requests without a longer
// pause than rowPause that has lasted for rowTakes does not end by itself. repairSlack
// is how long a repair may take beyond the round trip.
const (
	rowPause, rowTakes = 400 * time.Millisecond, 300 * time.Millisecond
	repairSlack        = 50 * time.Millisecond
)

// note counts a request into a row.
func (a *keyFrameAsks) note(now time.Time) {
	if now.Sub(a.newest) > rowPause {
		a.since = now
	}
	a.newest = now
}

// take tells whether another request may count now (M-026).
func (a *keyFrameAsks) take(now time.Time, set *ViewerSettings) bool {
	if !a.last.IsZero() && now.Sub(a.last) < set.KeyFrameSpacing {
		return false
	}
	if !a.bucket.take(now, 1, 1/set.KeyFrameEvery.Seconds(), float64(set.KeyFrameBurst)) {
		return false
	}
	a.last = now
	return true
}

// askKeyFrame handles the request of a viewer whose decoder cannot go on. It goes
// to the layer the viewer waits for or else gets (M-025). A publisher that
// is deaf to it will not help: then its group is replayed, now and then.
func (s *section) askKeyFrame(now time.Time, out *Out) {
	s.viewer.pending.plis++
	s.asks.note(now)
	l := s.target
	if l == nil {
		l = s.cur
	}
	if s.cfg.Kind != Video || l == nil || s.held() || !s.asks.take(now, s.settings()) {
		return
	}
	if l.layer.Deaf() && l.track == s.want && s.stuck(now) {
		if s.replayGroup(now, l, out) {
			s.asks.lastStuck = now
			s.schedule()
			return
		}
	}
	l.layer.RequestKeyFrame(now)
}

// stuck tells whether a decoder that asks for a key frame may be sent the last one
// again: not while that is on its way, and now and then only. What was repaired in
// the meantime is not worth to see the whole group once more.
func (s *section) stuck(now time.Time) bool {
	set := s.settings()
	if now.Sub(s.resend.asked) < s.viewer.rtt+repairSlack && now.Sub(s.asks.since) < rowTakes {
		return false
	}
	return now.Sub(s.asks.lastStuck) >= set.StuckReplayEvery && now.Sub(s.keyAt) >= set.KeyFrameWait+s.viewer.rtt
}

// readReports handles the report blocks of a receiver.
func (v *Viewer) readReports(now time.Time, count int, b []byte, out *Out) {
	for i := 0; i < count && len(b) >= reportBlock; i++ {
		if s := v.identify(binary.BigEndian.Uint32(b)); s != nil && s.cfg.SSRC == binary.BigEndian.Uint32(b) {
			s.readBlock(now, b[:reportBlock], out)
		}
		b = b[reportBlock:]
	}
}

// readBlock takes loss, jitter and round trip out of a report block (RFC 3550
// section 6.4.1).
func (s *section) readBlock(now time.Time, b []byte, out *Out) {
	v := s.viewer
	s.fraction = b[4]
	s.pathLoss = s.lossOfPath(float64(b[4])/256, s.window.extend(binary.BigEndian.Uint16(b[10:])))
	if rate := s.line.rate; rate != 0 {
		jitter := min(int64(binary.BigEndian.Uint32(b[12:])), int64(rate)*60)
		s.jitter = time.Duration(jitter) * time.Second / time.Duration(rate)
	}
	v.noteReception()
	lsr, dlsr := binary.BigEndian.Uint32(b[16:]), binary.BigEndian.Uint32(b[20:])
	trip := int32(v.clock.middle(now) - lsr - dlsr)
	rtt := time.Duration(max(trip, 0)) * time.Second >> 16
	v.heardReport(now, lsr, rtt, out)
	if lsr == 0 {
		rtt = 0
	}
	if s.cfg.Kind == Video {
		v.bwe.Report(now, bwe.Reception{Lost: s.fraction, Trip: rtt, Jitter: s.jitter})
	}
	if lsr != 0 && rtt > 0 && rtt < longestRTT {
		v.rtt = rtt
		v.path.trip(rtt)
		v.counters.rtt.Store(int64(rtt))
	}
}

// lossOfPath is what of a reported loss is the path's: what never came from the
// publisher, or late, is a hole in the numbers sent, which a receiver cannot tell
// from loss.
func (s *section) lossOfPath(loss float64, highest int64) float64 {
	from := s.reported
	s.reported = highest
	if from == 0 || highest <= from || highest-from >= sentWindowSize {
		return loss
	}
	all, sent := float64(highest-from), float64(s.window.inTurn(from+1, highest))
	if sent == 0 {
		return 0
	}
	return min(max(loss*all-(all-sent), 0)/sent, 1)
}

// noteReception publishes the worst of the sections.
func (v *Viewer) noteReception() {
	var fraction uint8
	var jitter time.Duration
	var path float64
	for _, s := range v.sections {
		fraction, jitter, path = max(fraction, s.fraction), max(jitter, s.jitter), max(path, s.pathLoss)
	}
	v.counters.pathLoss.Store(math.Float64bits(path))
	v.counters.fraction.Store(uint32(fraction))
	v.counters.jitter.Store(int64(jitter))
}
