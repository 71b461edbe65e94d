package router

import (
	"encoding/binary"
	"time"
)

// RTCP packet types (RFC 3550 section 12.1, RFC 3611).
const (
	rtcpSenderReport   = 200
	rtcpGoodbye        = 203
	rtcpExtendedReport = 207

	xrReferenceTime = 4
)

// RTCP takes one decrypted RTCP packet, compound or reduced-size (RFC 5506). b is
// not kept.
func (in *Ingest) RTCP(now time.Time, b []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		return
	}
	in.begin(now)
	for len(b) >= 4 && b[0]>>6 == 2 {
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return
		}
		in.control(now, b[1], int(b[0]&0x1f), b[4:n])
		b = b[n:]
	}
}

// control takes one packet of a compound without its first word.
func (in *Ingest) control(now time.Time, kind byte, count int, body []byte) {
	switch kind {
	case rtcpSenderReport:
		if len(body) >= 24 {
			in.senderReport(now, binary.BigEndian.Uint32(body), binary.BigEndian.Uint64(body[4:]), binary.BigEndian.Uint32(body[12:]))
		}
	case rtcpGoodbye:
		for ; count > 0 && len(body) >= 4; count-- {
			in.goodbye(now, binary.BigEndian.Uint32(body))
			body = body[4:]
		}
	case rtcpExtendedReport:
		if len(body) >= 4 {
			in.extendedReport(now, binary.BigEndian.Uint32(body), body[4:])
		}
	}
}

// mediaStream finds the stream of a media SSRC.
func (in *Ingest) mediaStream(ssrc uint32) *ingestStream {
	b, ok := in.demux.bound[ssrc]
	if !ok || b.repair {
		return nil
	}
	return b.slot.stream
}

func (in *Ingest) senderReport(now time.Time, ssrc uint32, ntp uint64, stamp uint32) {
	s := in.mediaStream(ssrc)
	if s == nil || s.ended {
		return
	}
	s.reception.report, s.reception.reportAt = uint32(ntp>>16), now
	s.clock.report(s.elapsed(now), ntp, stamp)
}

// goodbye ends a stream (RFC 3550 section 6.6): its layer leaves the track.
func (in *Ingest) goodbye(now time.Time, ssrc uint32) {
	if s := in.mediaStream(ssrc); s != nil && !s.ended {
		s.leave()
		s.ended, s.last = true, now
	}
}

// extendedReport takes the reference time of an RRTR block (RFC 3611 section
// 4.4); the next report answers it.
func (in *Ingest) extendedReport(now time.Time, ssrc uint32, b []byte) {
	for len(b) >= 4 {
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return
		}
		if b[0] == xrReferenceTime && n == 12 {
			r := &in.reports
			r.reference, r.referenceTime, r.referenceAt = ssrc, uint32(binary.BigEndian.Uint64(b[4:])>>16), now
		}
		b = b[n:]
	}
}
