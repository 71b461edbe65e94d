package router

import (
	"encoding/binary"
	"time"
)

// reportState is what a section's sender reports need.
type reportState struct {
	packets, octets uint32 // RFC 3550 section 6.4.1: padding and headers not counted
	lastSent        time.Time
	// fresh tells that something was sent since the reports started or paused.
	fresh bool
	// at is when the next report is due, zero while there are none (M-074).
	at time.Time
}

func (r *reportState) sent(now time.Time, octets int) {
	r.packets++
	r.octets += uint32(octets)
	r.lastSent = now
	r.fresh = true
}

// report plans a sender report on the gateway's clock (M-071) with the viewer's
// CNAME (M-076), or pauses the reports of a section that has gone quiet. Either
// way it tidies up what nobody will ask for any more.
func (s *section) report(now time.Time, out *Out) {
	s.segments.expire(now)
	s.viewer.pending.notFound += uint64(s.resend.pending.expire(now))
	r := &s.reports
	if now.Sub(r.lastSent) > s.settings().ReportsEndAfter {
		r.at, r.fresh = time.Time{}, false
		return
	}
	r.at = now.Add(s.reportInterval()).Truncate(reportGrid)
	b := out.room(longestReport)
	n := s.writeReport(b, now)
	out.shrink(len(b) - n)
	out.RTCP = append(out.RTCP, OutgoingRTCP{Viewer: s.viewer, SSRC: s.cfg.SSRC, Packet: b[:n:n]})
}

// reportGrid makes reports of many viewers due together, so that they cost one
// wake-up and share system calls.
const reportGrid = 20 * time.Millisecond

const (
	senderReport  = rtcpHeader + 4 + senderInfo
	longestCNAME  = 255 // RFC 3550 section 6.5
	longestReport = senderReport + rtcpHeader + 4 + 2 + longestCNAME + 4
)

// writeReport writes the compound of a sender report without blocks (RFC 3550
// section 6.4.1) and the CNAME (section 6.5), and returns its length.
func (s *section) writeReport(b []byte, now time.Time) int {
	b[0], b[1] = 0x80, rtcpSR
	binary.BigEndian.PutUint16(b[2:], senderReport/4-1)
	binary.BigEndian.PutUint32(b[4:], s.cfg.SSRC)
	binary.BigEndian.PutUint64(b[8:], s.viewer.clock.at(now))
	binary.BigEndian.PutUint32(b[16:], s.line.at(now))
	binary.BigEndian.PutUint32(b[20:], s.reports.packets)
	binary.BigEndian.PutUint32(b[24:], s.reports.octets)
	d := b[senderReport:]
	cname := s.viewer.cfg.CNAME[:min(len(s.viewer.cfg.CNAME), longestCNAME)]
	n := rtcpHeader + 4 + 2 + len(cname)
	end := (n + 4) &^ 3 // an item of type 0 ends the list, up to the next word
	clear(d[n:end])
	d[0], d[1] = 0x81, rtcpSDES
	binary.BigEndian.PutUint16(d[2:], uint16(end/4-1))
	binary.BigEndian.PutUint32(d[4:], s.cfg.SSRC)
	d[8], d[9] = sdesCNAME, byte(len(cname))
	copy(d[10:], cname)
	return senderReport + end
}

// reportInterval differs a little from section to section, so that reports of a
// thousand viewers that joined at once drift apart.
func (s *section) reportInterval() time.Duration {
	every := s.settings().ReportEvery
	return every*9/10 + every/5*time.Duration(s.cfg.SSRC%64)/64
}
