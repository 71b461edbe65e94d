package router

import (
	"time"

	"github.com/pion/rtcp"
)

// maxReports is how many report blocks fit into one receiver report.
const maxReports = 31

// reportPolicy decides when receiver reports are due (M-070, M-076).
type reportPolicy struct {
	settings *IngestSettings
	remb     bool
	next     time.Time

	reference     uint32 // SSRC of an RRTR (RFC 3611 4.4), 0: none
	referenceTime uint32 // middle of its NTP time
	referenceAt   time.Time
}

func newReportPolicy(cfg *IngestConfig) reportPolicy {
	return reportPolicy{settings: &cfg.Settings, remb: wantsREMB(cfg)}
}

// wantsREMB tells whether goog-remb is all the bandwidth feedback the publisher
// negotiated.
func wantsREMB(cfg *IngestConfig) (remb bool) {
	for _, s := range cfg.Sections {
		for _, pt := range s.PayloadTypes {
			if pt.Feedback.TransportCC && s.Extensions[ExtTransportCC] != 0 {
				return false
			}
			remb = remb || pt.Feedback.REMB
		}
	}
	return remb
}

// due tells whether to report now.
func (r *reportPolicy) due(now time.Time) bool {
	if r.next.IsZero() {
		r.next = now.Add(r.settings.FirstReport)
	}
	if now.Before(r.next) {
		return false
	}
	r.next = now.Add(r.settings.ReportInterval)
	return true
}

// report appends the receiver reports that are due: a block for every media
// SSRC, our CNAME, and what else goes with them.
func (in *Ingest) report(now time.Time, out [][]rtcp.Packet) [][]rtcp.Packet {
	if !in.anyStream() || !in.reports.due(now) {
		return out
	}
	var blocks []rtcp.ReceptionReport
	var ssrcs []uint32
	for s := range in.streams() {
		blocks = append(blocks, s.receptionReport(now))
		ssrcs = append(ssrcs, s.ssrc)
	}
	for len(blocks) > 0 {
		n := min(len(blocks), maxReports)
		out = append(out, in.compound(now, blocks[:n], ssrcs))
		blocks = blocks[n:]
	}
	return out
}

func (in *Ingest) anyStream() bool {
	for range in.streams() {
		return true
	}
	return false
}

// compound is one datagram of a report (RFC 3550 section 6.1).
func (in *Ingest) compound(now time.Time, blocks []rtcp.ReceptionReport, ssrcs []uint32) []rtcp.Packet {
	packets := []rtcp.Packet{
		&rtcp.ReceiverReport{SSRC: in.cfg.SenderSSRC, Reports: blocks},
		rtcp.NewCNAMESourceDescription(in.cfg.SenderSSRC, in.cfg.CNAME),
	}
	if r := &in.reports; r.reference != 0 {
		dlrr := rtcp.DLRRReport{SSRC: r.reference, LastRR: r.referenceTime, DLRR: delaySince(now, r.referenceAt)}
		packets = append(packets, &rtcp.ExtendedReport{
			SenderSSRC: in.cfg.SenderSSRC,
			Reports:    []rtcp.ReportBlock{&rtcp.DLRRReportBlock{Reports: []rtcp.DLRRReport{dlrr}}},
		})
		r.reference = 0
	}
	if in.reports.remb {
		packets = append(packets, &rtcp.ReceiverEstimatedMaximumBitrate{
			SenderSSRC: in.cfg.SenderSSRC, Bitrate: float32(in.cfg.Settings.REMB), SSRCs: ssrcs[:min(len(ssrcs), 255)],
		})
	}
	return packets
}

// receptionReport is the report block of one SSRC (RFC 3550 section 6.4.1).
func (s *ingestStream) receptionReport(now time.Time) rtcp.ReceptionReport {
	r := &s.reception
	fraction, total := r.lost()
	block := rtcp.ReceptionReport{
		SSRC: s.ssrc, FractionLost: fraction, TotalLost: total,
		LastSequenceNumber: uint32(r.highest - firstCycle), Jitter: uint32(r.jitter),
	}
	if r.report != 0 {
		block.LastSenderReport, block.Delay = r.report, delaySince(now, r.reportAt)
	}
	return block
}

// delaySince is a time in units of 1/65536 s.
func delaySince(now, then time.Time) uint32 {
	return uint32(min(max(ticksOf(now.Sub(then), 1<<16), 0), 1<<32-1))
}
