package audience

import (
	"encoding/hex"
	"testing"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

func TestKeyFramesAreTold(t *testing.T) {
	for name, tc := range map[string]struct {
		codec, payload string // hexadecimal
		want           bool
	}{
		"H.264 IDR":                      {"h264", "6588", true},
		"H.264 SPS":                      {"h264", "6742c01e", true},
		"H.264 PPS":                      {"h264", "68ce", false},
		"H.264 slice":                    {"h264", "419a", false},
		"H.264 STAP-A with SPS":          {"h264", "780002" + "6742" + "0001" + "68", true},
		"H.264 STAP-A, IDR second":       {"h264", "780001" + "68" + "0002" + "6588", true},
		"H.264 STAP-A of slices":         {"h264", "780001" + "41" + "0001" + "41", false},
		"H.264 STAP-A that lies":         {"h264", "78ffff" + "68", false},
		"H.264 FU-A begins an IDR":       {"h264", "7c85", true},
		"H.264 FU-A goes on with an IDR": {"h264", "7c05", false},
		"H.264 FU-A begins a slice":      {"h264", "7c81", false},
		"H.264 FU-A cut off":             {"h264", "7c", false},
		"VP8 key, plain":                 {"vp8", "10" + "00", true},
		"VP8 delta, plain":               {"vp8", "10" + "01", false},
		"VP8 key, 15 bits of picture id": {"vp8", "9080" + "8001" + "00", true},
		"VP8 key, all extensions":        {"vp8", "90f0" + "01" + "02" + "03" + "00", true},
		"VP8 later partition":            {"vp8", "11" + "00", false},
		"VP8 not the beginning":          {"vp8", "00" + "00", false},
		"VP8 cut off":                    {"vp8", "9080", false},
		"VP9 key":                        {"vp9", "08", true},
		"VP9 delta":                      {"vp9", "48", false},
		"AV1 new sequence":               {"av1", "18", true},
		"AV1 goes on":                    {"av1", "10", false},
		"H.265 IDR":                      {"h265", "2601", true},
		"H.265 VPS":                      {"h265", "4001", true},
		"H.265 trailing":                 {"h265", "0201", false},
		"H.265 fragment begins an IDR":   {"h265", "620193", true},
		"H.265 aggregation with a VPS":   {"h265", "600100024001", true},
		"nothing":                        {"h264", "", false},
		"a codec nobody knows":           {"x", "00", true},
	} {
		payload, err := hex.DecodeString(tc.payload)
		if err != nil {
			t.Fatal(err)
		}
		if got := beginsKeyFrame(tc.codec, payload); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzBeginsKeyFrame(f *testing.F) {
	f.Add([]byte{0x78, 0, 1, 0x68, 0xff, 0xff})
	f.Fuzz(func(_ *testing.T, payload []byte) {
		for _, codec := range []string{"h264", "h265", "vp8", "vp9", "av1", ""} {
			beginsKeyFrame(codec, payload)
		}
	})
}

func TestHeadersAreReadAsPionWritesThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rtp.Packet{Header: rtp.Header{
			Version: 2, Marker: rapid.Bool().Draw(t, "marker"), PayloadType: uint8(rapid.IntRange(0, 127).Draw(t, "type")),
			SequenceNumber: rapid.Uint16().Draw(t, "seq"), Timestamp: rapid.Uint32().Draw(t, "timestamp"), SSRC: rapid.Uint32().Draw(t, "ssrc"),
			CSRC: rapid.SliceOfN(rapid.Uint32(), 0, 3).Draw(t, "csrc"),
		}, Payload: rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "payload")}
		number := rapid.Uint16().Draw(t, "number")
		extended := rapid.Bool().Draw(t, "extended")
		if extended {
			for id := range uint8(rapid.IntRange(0, 3).Draw(t, "others")) {
				if err := p.SetExtension(id+1, []byte{1, 2, 3}); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.SetExtension(5, []byte{byte(number >> 8), byte(number)}); err != nil {
				t.Fatal(err)
			}
		}
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		h, ok := parseHeader(b)
		if !ok || h.marker != p.Marker || h.kind != p.PayloadType || h.seq != p.SequenceNumber || h.timestamp != p.Timestamp ||
			h.ssrc != p.SSRC || string(b[h.payload:]) != string(p.Payload) {
			t.Fatalf("%+v of %+v", h, p.Header)
		}
		if got, ok := h.extension16(b, 5); ok != extended || ok && got != number {
			t.Fatalf("extension %d %v, want %d %v", got, ok, number, extended)
		}
		if _, ok := h.extension16(b, 6); ok {
			t.Fatal("an extension that is not there")
		}
	})
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x51, 1, 2, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, ok := parseHeader(b)
		if !ok {
			return
		}
		if h.payload > len(b) {
			t.Fatalf("payload at %d of %d", h.payload, len(b))
		}
		h.extension16(b, 5)
		unpadded(h, b[h.payload:])
	})
}
