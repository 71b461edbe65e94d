package testkit

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/router"
)

// feedbackEvery is between what libwebrtc takes, 50 and 250 ms.
const feedbackEvery = 70 * time.Millisecond

// arrivals reports when each packet came, for congestion control at the sender
// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
type arrivals struct {
	mu       sync.Mutex
	id       uint8 // of the extension, 0: not negotiated
	begun    time.Time
	last     time.Time
	recorder *twcc.Recorder
	numbers  int
}

// offerTransportCC lets both kinds of media carry transport-wide numbers.
func offerTransportCC(t testing.TB, media *webrtc.MediaEngine) {
	t.Helper()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		must(t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: router.ExtTransportCC}, kind))
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, kind)
	}
}

// open reads the number of the extension from an answer.
func (a *arrivals) open(answer string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = time.Now()
	for line := range strings.SplitSeq(answer, "\r\n") {
		value, ok := strings.CutPrefix(line, "a=extmap:")
		if id, uri, _ := strings.Cut(value, " "); ok && uri == router.ExtTransportCC {
			id, _, _ = strings.Cut(id, "/")
			if n, err := strconv.ParseUint(id, 10, 8); err == nil {
				a.id = uint8(n)
			}
		}
	}
	a.recorder = twcc.NewRecorder(1)
}

// packet notes a packet of any SSRC.
func (a *arrivals) packet(now time.Time, h *rtp.Header) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := h.GetExtension(a.id); a.id != 0 && len(b) == 2 {
		a.numbers++
		a.recorder.Record(h.SSRC, uint16(b[0])<<8|uint16(b[1]), now.Sub(a.begun).Microseconds()+1_000_000)
	}
}

// due returns the feedback to send.
func (a *arrivals) due(now time.Time) []rtcp.Packet {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.id == 0 || now.Sub(a.last) < feedbackEvery || a.recorder.PacketsHeld() == 0 {
		return nil
	}
	a.last = now
	return a.recorder.BuildFeedbackPacket()
}
