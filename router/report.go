package router

import "time"

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
	r.at = now.Add(s.reportInterval())
	pair := out.report()
	pair.sr.SSRC = s.cfg.SSRC
	pair.sr.NTPTime = s.viewer.clock.at(now)
	pair.sr.RTPTime = s.line.at(now)
	pair.sr.PacketCount, pair.sr.OctetCount = r.packets, r.octets
	pair.chunks[0].Source = s.cfg.SSRC
	pair.items[0].Text = s.viewer.cfg.CNAME
	out.RTCP = append(out.RTCP, OutgoingRTCP{Viewer: s.viewer, Packets: pair.packets[:]})
}

// reportInterval differs a little from section to section, so that reports of a
// thousand viewers that joined at once drift apart.
func (s *section) reportInterval() time.Duration {
	every := s.settings().ReportEvery
	return every*9/10 + every/5*time.Duration(s.cfg.SSRC%64)/64
}
