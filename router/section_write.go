package router

import (
	"encoding/binary"
	"time"
)

// rtpHeader is the length of an RTP header without extensions and sources.
const rtpHeader = 12

// write plans p under number n, as media or as a retransmission (RFC 4588).
func (s *section) write(now time.Time, out *Out, p *Packet, seg *segment, n int64, rtx bool) {
	b := out.room(maxPrefix)
	bwe := s.viewer.bwe
	numbered := s.ext.transport != 0
	k := rtpHeader + s.ext.write(b[rtpHeader:], p, hopStamp{
		clock: s.viewer.clock, number: bwe.Number(), numbered: numbered, mid: rtx || !s.identified, frames: seg.frames,
	})
	extended, header := k > rtpHeader, k
	if rtx {
		binary.BigEndian.PutUint16(b[k:], uint16(n))
		k += 2
	}
	shift, last := seg.pictures(n)
	copied := shift.prefixLen(p)
	if copied > 0 {
		copy(b[k:k+copied], p.Payload)
		shift.apply(b[k:k+copied], &p.Frame.Descriptor)
		k += copied
	}
	padding := !rtx && len(p.Payload) == 0
	if padding {
		b[k] = 1 // one byte of padding, which holds its own count
		k++
	}
	ssrc, index := s.header(b, p, seg, n, rtx)
	if extended {
		b[0] |= 0x10
	}
	if padding {
		b[0] |= 0x20
	}
	if last {
		b[1] |= 0x80
	}
	out.shrink(len(b) - k)
	out.Packets = append(out.Packets, Outgoing{
		Viewer: s.viewer, SSRC: ssrc, Header: uint16(header), Index: index, Prefix: b[:k:k], Shared: p.Payload[copied:],
	})
	size := k + len(p.Payload) - copied
	s.viewer.pacer.spend(now, size)
	if numbered {
		bwe.Sent(now, size)
	} else {
		bwe.Untracked(now, size)
	}
	s.count(now, p, size, rtx)
}

// header writes the fixed header without the bits for extensions and padding, and
// returns its SSRC and the number within that.
func (s *section) header(b []byte, p *Packet, seg *segment, n int64, rtx bool) (ssrc uint32, index int64) {
	ssrc, pt, index := s.cfg.SSRC, seg.number, n
	if rtx {
		ssrc, pt, index = s.cfg.RTXSSRC, seg.rtx, s.resend.nextIndex()
	}
	b[0], b[1] = 0x80, pt&0x7F
	if p.Marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(index))
	binary.BigEndian.PutUint32(b[4:], seg.times.at(p.Timestamp))
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return ssrc, index
}

// count accounts for a planned packet of size bytes.
func (s *section) count(now time.Time, p *Packet, size int, rtx bool) {
	t := &s.viewer.pending
	sent := &t.sent[s.cfg.Kind]
	sent.Packets++
	sent.Bytes += uint64(size)
	if rtx {
		t.retransmitted++
		return
	}
	s.resend.meter.add(now, size)
	s.reports.sent(now, len(p.Payload))
}
