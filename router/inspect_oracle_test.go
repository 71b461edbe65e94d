package router

import (
	"testing"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"
)

// drawPayload draws bytes that begin like a descriptor more often than chance
// would have it.
func drawPayload(t *rapid.T) []byte {
	b := rapid.SliceOfN(rapid.Byte(), 0, 24).Draw(t, "payload")
	if len(b) > 3 && rapid.Bool().Draw(t, "shape") {
		b[1] &= 0xf0
	}
	return b
}

// What is read from VP8 descriptors is what another implementation reads.
func TestInspectVP8Oracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawPayload(t)
		var f Frame
		inspectVP8(b, &f)
		var oracle codecs.VP8Packet
		if rest, err := oracle.Unmarshal(b); err != nil || len(rest) == 0 {
			return // it wants a payload behind the descriptor
		}
		d := f.Descriptor
		if d.PictureIDBits > 0 != (oracle.I == 1) || d.PictureIDBits > 0 && d.PictureID != oracle.PictureID ||
			d.TL0At > 0 != (oracle.L == 1) || d.TL0At > 0 && d.TL0 != oracle.TL0PICIDX ||
			oracle.T == 1 && (d.TID != oracle.TID || d.SwitchUp != (oracle.Y == 1)) ||
			d.KeyIdxAt > 0 != (oracle.K == 1) || d.KeyIdxAt > 0 && d.KeyIdx != oracle.KEYIDX ||
			d.Len > 0 && int(d.Len) != len(b)-len(oracle.Payload) {
			t.Fatalf("% x\n%+v\n%+v", b, d, oracle)
		}
	})
}

// The same for VP9.
func TestInspectVP9Oracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawPayload(t)
		var f Frame
		s := inspectVP9(b, &f)
		var oracle codecs.VP9Packet
		if rest, err := oracle.Unmarshal(b); err != nil || len(rest) == 0 {
			return
		}
		d := f.Descriptor
		if d.PictureIDBits > 0 != oracle.I || d.PictureIDBits > 0 && d.PictureID != oracle.PictureID ||
			d.TL0At > 0 != (oracle.L && !oracle.F) || d.TL0At > 0 && d.TL0 != oracle.TL0PICIDX ||
			oracle.L && (d.TID != oracle.TID || d.SID != oracle.SID || d.SwitchUp != oracle.U) ||
			d.Len > 0 && int(d.Len) != min(len(b)-len(oracle.Payload), vp9LongestRewrite) ||
			s&signKey != 0 != !oracle.P || s&signFirst != 0 != (oracle.B && oracle.SID == 0) {
			t.Fatalf("% x\n%06b %+v\n%+v", b, s, d, oracle)
		}
	})
}
