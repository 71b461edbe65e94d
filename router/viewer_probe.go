package router

import (
	"encoding/binary"
	"time"
)

// longestPadding is the most padding a packet can have (RFC 3550 section 5.1).
const longestPadding = 255

// padding is what a probe carries: its last byte counts it.
var padding = [longestPadding]byte{longestPadding - 1: longestPadding}

// canProbe tells whether padding can be sent, and reported on.
func (v *Viewer) canProbe() bool { return v.prober() != nil }

// prober is the section whose retransmissions carry padding: receivers drop those
// without a look, and report when they came (M-005, M-064).
func (v *Viewer) prober() *section {
	for _, s := range v.sections {
		if seg := s.segments.current(); seg != nil && s.repairs(seg) && s.ext.transport != 0 {
			return s
		}
	}
	return nil
}

// probeAfterKeyFrame is how long after a key frame began nothing is probed: padding
// would get in its way, and its burst makes a queue by itself.
const probeAfterKeyFrame = 400 * time.Millisecond

// busy tells that a key frame is on its way, or about to be.
func (v *Viewer) busy(now time.Time) bool {
	for _, s := range v.sections {
		if s.cfg.Kind == Video && (s.backlog.active || s.replay.active || s.target != nil && !s.held() || now.Sub(s.keyAt) < probeAfterKeyFrame) {
			return true
		}
	}
	return false
}

// pad sends the padding of a probe that is due, and returns when there may be more.
func (v *Viewer) pad(now time.Time, out *Out) (next time.Time) {
	s := v.prober()
	if s == nil {
		return time.Time{}
	}
	if v.busy(now) {
		return now.Add(probeAfterKeyFrame / 4)
	}
	bytes, next := v.bwe.Padding(now)
	for bytes > 0 {
		bytes -= s.writePadding(now, out)
	}
	return next
}

// writePadding plans one packet of padding on the section's retransmissions and
// returns its size on the wire.
func (s *section) writePadding(now time.Time, out *Out) int {
	v := s.viewer
	b := out.room(maxPrefix)
	k := rtpHeader + s.ext.write(b[rtpHeader:], &Packet{}, hopStamp{clock: v.clock, number: v.bwe.Number(), numbered: true, mid: true})
	index := s.resend.nextIndex()
	b[0], b[1] = 0xB0, s.segments.current().rtx&0x7F
	binary.BigEndian.PutUint16(b[2:], uint16(index))
	binary.BigEndian.PutUint32(b[4:], s.line.highest)
	binary.BigEndian.PutUint32(b[8:], s.cfg.RTXSSRC)
	out.shrink(len(b) - k)
	out.Packets = append(out.Packets, Outgoing{
		Viewer: v, SSRC: s.cfg.RTXSSRC, Header: uint16(k), Index: index, Prefix: b[:k:k], Shared: padding[:],
	})
	size := k + longestPadding
	v.bwe.Sent(now, size)
	v.pending.padding += uint64(size)
	return size
}
