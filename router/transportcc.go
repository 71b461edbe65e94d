package router

import (
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

const (
	// maxTransportGap is the largest step of transport-wide numbers that counts as
	// loss. A larger one begins anew, once between two feedbacks: recording a step
	// costs its length.
	maxTransportGap = 1000
	// maxTransportDatagrams bounds the feedback of one interval.
	maxTransportDatagrams = 8
	// transportEpoch keeps the recorder's times well above zero.
	transportEpoch = time.Second
)

// transportFeedback reports the arrival of every packet of a connection (M-060,
// draft-holmer-rmcat-transport-wide-cc-extensions-01), whatever its SSRC: the
// senders' probes count too.
type transportFeedback struct {
	sender   uint32
	recorder *twcc.Recorder
	interval time.Duration
	last     time.Duration
	number   uint16 // newest
	any      bool
	jumped   bool
}

// newTransportFeedback returns nil unless feedback was negotiated for some
// payload type.
func newTransportFeedback(cfg *IngestConfig) *transportFeedback {
	for _, s := range cfg.Sections {
		if s.Extensions[ExtTransportCC] == 0 {
			continue
		}
		for _, pt := range s.PayloadTypes {
			if pt.Feedback.TransportCC {
				return &transportFeedback{
					sender: cfg.SenderSSRC, recorder: twcc.NewRecorder(cfg.SenderSSRC),
					interval: cfg.Settings.TransportCCInterval,
				}
			}
		}
	}
	return nil
}

func (t *transportFeedback) record(at time.Duration, ssrc uint32, number uint16) {
	if d := int16(number - t.number); t.any && (d > maxTransportGap || d < -maxTransportGap) {
		if t.jumped {
			return
		}
		t.jumped = true
		t.recorder = twcc.NewRecorder(t.sender)
	}
	t.any, t.number = true, number
	t.recorder.Record(ssrc, number, (at + transportEpoch).Microseconds())
}

// due appends the feedback of an interval, each packet a datagram of its own.
func (t *transportFeedback) due(at time.Duration, out [][]rtcp.Packet) [][]rtcp.Packet {
	if !t.any || at-t.last < t.interval {
		return out
	}
	t.last, t.jumped = at, false
	if t.recorder.PacketsHeld() == 0 {
		return out
	}
	for i, p := range t.recorder.BuildFeedbackPacket() {
		if i == maxTransportDatagrams {
			break
		}
		out = append(out, []rtcp.Packet{p})
	}
	return out
}
