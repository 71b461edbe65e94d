package testkit

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/report"
	"github.com/pion/webrtc/v4"
)

// Accent is how one publisher says in other numbers what all of them say. The
// zero value is that of a publisher that does not care.
type Accent struct {
	// VP8 is published instead of H.264.
	VP8 bool
	// VideoType, RTXType and AudioType are the payload types; 0 means 106, 107
	// and 111.
	VideoType, RTXType, AudioType uint8
	// Orientation is the id of the video orientation extension (3GPP TS 26.114),
	// which then every packet of video carries.
	Orientation uint8
	// Large is a picture of 1280x720 instead of 640x360.
	Large bool
	// Ahead is how far the clock of the sender reports is ahead.
	Ahead time.Duration
	// FirstTimestamp and FirstNumber are where timestamps and numbers begin.
	FirstTimestamp uint32
	FirstNumber    uint16
}

func (a Accent) complete() Accent {
	a.VideoType, a.RTXType = cmp.Or(a.VideoType, h264Type), cmp.Or(a.RTXType, rtxType)
	a.AudioType = cmp.Or(a.AudioType, opusType)
	return a
}

func (a Accent) videoMime() string {
	if a.VP8 {
		return webrtc.MimeTypeVP8
	}
	return webrtc.MimeTypeH264
}

// orientationURI names the video orientation.
const orientationURI = "urn:3gpp:video-orientation"

// OrientationValue is what publishers send in the video orientation extension.
const OrientationValue = 2

// registerOrientation makes the stack offer the extension with an id: it counts
// up, so that nonsense takes the ids before.
func registerOrientation(t testing.TB, media *webrtc.MediaEngine, id uint8) {
	t.Helper()
	for i := range id {
		uri := orientationURI
		if i+1 < id {
			uri = fmt.Sprintf("urn:x-testkit:%d", i)
		}
		must(t, media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
}

// reportsOf makes sender reports on a clock.
func reportsOf(clock func() time.Time) (interceptor.Factory, error) {
	return report.NewSenderInterceptor(report.SenderNow(clock))
}

// largeParameters is a sequence parameter set of constrained baseline, 1280x720.
func largeParameters() []byte {
	return []byte{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4}
}

const (
	vp8Start    = 0x10 // descriptor: start of a partition (RFC 7741 section 4.2)
	vp8Continue = 0x00
	vp8Extended = 0x80 // the descriptor goes on
	vp8MarkAt   = 11   // behind descriptor, frame tag, start code and size
	// vp8Extension is the rest of an extended descriptor.
	vp8Extension = 5
)

// vp8Payload makes one packet of VP8 with the mark of its frame inside.
func (p Picture) vp8Payload(frame uint32, index int, key bool) []byte {
	b := make([]byte, max(p.PacketBytes, vp8MarkAt+markLen+1))
	b[0] = vp8Continue
	if index == 0 {
		b[0] = vp8Start
	}
	putVP8Header(b[1:], 640, 360, index, key)
	p.putMark(b[vp8MarkAt:], 0, frame, index, key)
	return b
}

// putVP8Header writes what begins a frame behind the descriptor (RFC 6386
// section 9.1).
func putVP8Header(b []byte, width, height, index int, key bool) {
	b[0] = 1
	if key && index == 0 {
		b[0] = 0
		copy(b[3:], []byte{0x9d, 0x01, 0x2a})
		binary.LittleEndian.PutUint16(b[6:], uint16(width))
		binary.LittleEndian.PutUint16(b[8:], uint16(height))
	}
}

// layeredVP8 makes one packet of a layer as libwebrtc does: with a picture id of
// 15 bits, TL0PICIDX and TID.
func (p Picture) layeredVP8(y *layer, frame uint32, index int, key bool) []byte {
	const at = vp8MarkAt + vp8Extension
	b := make([]byte, max(p.PacketBytes, at+markLen+1))
	b[0] = vp8Extended | vp8Continue
	if index == 0 {
		b[0] = vp8Extended | vp8Start
	}
	b[1] = 0xe0 // picture id, TL0PICIDX, TID
	binary.BigEndian.PutUint16(b[2:], 0x8000|y.picID&0x7fff)
	b[4] = byte(y.picID) // without temporal layers every picture is a base one
	putVP8Header(b[1+vp8Extension:], y.Width, y.Height, index, key)
	p.putMark(b[at:], y.index, frame, index, key)
	return b
}
