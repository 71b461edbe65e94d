package router

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// M-070, M-076: about every second, the first early, with CNAME.
func TestReceiverReports(t *testing.T) {
	i := newIntake(t, nil)
	i.pass(time.Second)
	if i.sent != nil {
		t.Fatalf("%v before there was anything to report", i.sent)
	}
	var at []time.Duration
	for n := range uint16(130) {
		if n != 40 {
			i.send(vp8(n, uint32(n)*intakeFrame, n == 0))
		}
		i.send(opus(n, uint32(n)*960))
		i.pass(20 * ms)
		for range rtcpOf[*rtcp.ReceiverReport](i.takeSent()) {
			at = append(at, time.Duration(n+1)*20*ms)
		}
	}
	if !slices.Equal(at, []time.Duration{220 * ms, 1220 * ms, 2220 * ms}) {
		t.Errorf("reports at %v", at)
	}
	i.pass(time.Second)
	sent := i.takeSent()
	if len(sent) != 1 || len(sent[0]) != 2 {
		t.Fatalf("%v", sent)
	}
	if sdes := rtcpOf[*rtcp.SourceDescription](sent); len(sdes) != 1 || sdes[0].Chunks[0].Source != intakeOwn ||
		sdes[0].Chunks[0].Items[0] != (rtcp.SourceDescriptionItem{Type: rtcp.SDESCNAME, Text: "gateway"}) {
		t.Errorf("SDES %v", sdes)
	}
	rr := rtcpOf[*rtcp.ReceiverReport](sent)[0]
	if rr.SSRC != intakeOwn || len(rr.Reports) != 2 || rr.Reports[0].SSRC != intakeVideo || rr.Reports[1].SSRC != intakeAudio {
		t.Fatalf("%+v", rr)
	}
	if v := rr.Reports[0]; v.TotalLost != 1 || v.FractionLost != 0 || v.LastSequenceNumber != 129 || v.LastSenderReport != 0 || v.Delay != 0 {
		t.Errorf("video %+v", v)
	}
}

// RFC 3550 6.4.1: LSR and DLSR.
func TestReceiverReportTimes(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(65535, 0, true), vp8(0, intakeFrame, false))
	i.pass(210 * ms)
	i.in.RTCP(i.now, rtcpBytes(t, &rtcp.SenderReport{SSRC: intakeVideo, NTPTime: 0x1122334455667788}))
	i.takeSent()
	i.send(vp8(1, 2*intakeFrame, false))
	i.pass(500 * ms)
	i.send(vp8(2, 2*intakeFrame, false))
	i.pass(500 * ms)
	r := rtcpOf[*rtcp.ReceiverReport](i.sent)[0].Reports[0]
	if r.LastSenderReport != 0x33445566 || r.LastSequenceNumber != 1<<16+2 {
		t.Errorf("%+v", r)
	}
	if d := time.Duration(r.Delay) * time.Second / 65536; d < 980*ms || d > 1010*ms {
		t.Errorf("DLSR %v", d)
	}
}

// RFC 3611 4.4, 4.5: a reference time is answered once.
func TestReferenceTimeIsAnswered(t *testing.T) {
	i := newIntake(t, nil)
	i.send(opus(1, 0))
	i.in.RTCP(i.now, rtcpBytes(t, &rtcp.ExtendedReport{SenderSSRC: 42, Reports: []rtcp.ReportBlock{
		&rtcp.DLRRReportBlock{Reports: []rtcp.DLRRReport{{SSRC: 1}}},
		&rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: 0x1122334455667788},
	}}))
	i.pass(250 * ms)
	xr := rtcpOf[*rtcp.ExtendedReport](i.takeSent())
	if len(xr) != 1 {
		t.Fatalf("%d XRs", len(xr))
	}
	got := xr[0].Reports[0].(*rtcp.DLRRReportBlock).Reports[0]
	if got.SSRC != 42 || got.LastRR != 0x33445566 || got.DLRR < 65536/5 || got.DLRR > 65536/4 {
		t.Errorf("%+v", got)
	}
	if _, err := rtcp.Marshal([]rtcp.Packet{xr[0]}); err != nil {
		t.Error(err)
	}
	i.pass(2 * time.Second)
	if xr := rtcpOf[*rtcp.ExtendedReport](i.takeSent()); len(xr) != 0 {
		t.Error("answered twice")
	}
}

// goog-remb without transport-cc: a generous estimate, so that browsers do not
// stay at their start rate.
func TestREMB(t *testing.T) {
	for name, c := range map[string]struct {
		feedback Feedback
		want     int
	}{
		"goog-remb":                  {Feedback{REMB: true}, 1},
		"goog-remb and transport-cc": {Feedback{REMB: true, TransportCC: true}, 0},
		"neither":                    {Feedback{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, func(cfg *IngestConfig) { cfg.Sections[0].PayloadTypes[0].Feedback = c.feedback })
			i.send(vp8(1, 0, true), opus(1, 0))
			i.pass(300 * ms)
			remb := rtcpOf[*rtcp.ReceiverEstimatedMaximumBitrate](i.sent)
			if len(remb) != c.want {
				t.Fatalf("%d REMBs", len(remb))
			}
			if c.want > 0 && (remb[0].Bitrate < 10e6 || !slices.Equal(remb[0].SSRCs, []uint32{intakeVideo, intakeAudio})) {
				t.Errorf("%v", remb[0])
			}
		})
	}
}

// A publisher with more streams than a report has room for.
func TestManyStreams(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) {
		c.Sections[0].SSRCs = nil
		for n := range uint32(40) {
			c.Sections[0].SSRCs = append(c.Sections[0].SSRCs, DeclaredSSRC{Media: 100 + n})
		}
	})
	for n := range uint32(40) {
		i.send(on(vp8(1, 0, true), 100+n, nil))
	}
	i.pass(300 * ms)
	rr := rtcpOf[*rtcp.ReceiverReport](i.sent)
	if len(rr) != 2 || len(rr[0].Reports) != 31 || len(rr[1].Reports) != 9 {
		t.Errorf("%v", rr)
	}
}

// Everything that is sent can be put on the wire.
func TestFeedbackCanBeMarshalled(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) {
		c.Sections[0].PayloadTypes[0].Feedback = Feedback{NACK: true, FIR: true, TransportCC: true}
	})
	for n := range uint16(200) {
		w := vp8(n*3, uint32(n)*intakeFrame, false)
		w.ext = map[uint8][]byte{intakeTCC: {byte(n >> 7), byte(n << 1)}}
		i.send(w)
		i.theLayer(i.video).RequestKeyFrame(i.now)
		i.pass(10 * ms)
	}
	for _, d := range i.sent {
		if b := rtcpBytes(t, d...); len(b) > 1200 {
			t.Errorf("%d bytes in %v", len(b), d)
		}
	}
	if len(rtcpOf[*rtcp.TransportLayerCC](i.sent)) == 0 || len(rtcpOf[*rtcp.FullIntraRequest](i.sent)) == 0 {
		t.Error("not everything was sent")
	}
}

func TestRTCPThatIsNone(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1, 0, true))
	for _, b := range []string{
		"", "80c8", "80c80006", "00c80000", "80c8ffff 00001001", "80c80001 00001001",
		"9fcb0000", "81cb00ff 00001001", "9fcb0001 00000001", "80cf0000", "80cf0002 00000001 04000002", "80cf0003 00000001 04000000 00000000",
		"80cc0000 81cb0001 00001001", // APP, then the BYE of the video
	} {
		i.in.RTCP(i.now, fromHex(t, b))
		if bye := strings.HasPrefix(b, "80cc"); !bye && len(i.video.Layers()) != 1 {
			t.Errorf("after %s: %d layers", b, len(i.video.Layers()))
		}
	}
	if len(i.video.Layers()) != 0 {
		t.Error("a BYE behind another packet was missed")
	}
}

// RFC 3550 A.3: duplicates count as received, retransmissions on another SSRC do
// not count at all.
func TestReportedLossCountsWhatCame(t *testing.T) {
	i := newIntake(t, nil)
	lost := []wire{vp8(2, intakeFrame, false), vp8(4, 3*intakeFrame, false)}
	i.send(vp8(1, 0, true), vp8(3, 2*intakeFrame, false), vp8(5, 4*intakeFrame, false))
	i.send(repairOf(lost[0], 1), repairOf(lost[1], 2), lost[0])
	i.pass(300 * ms)
	if r := rtcpOf[*rtcp.ReceiverReport](i.sent)[0].Reports[0]; r.TotalLost != 1 {
		t.Errorf("%+v", r)
	}
}
