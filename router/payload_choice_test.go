package router

import "testing"

func TestPayloadTypeFor(t *testing.T) {
	pt := func(n uint8, name, fmtp string, rate uint32) PayloadType {
		return PayloadType{Number: n, Codec: Codec{Name: name, ClockRate: rate, Fmtp: fmtp}}
	}
	offered := []PayloadType{
		pt(96, VP8, "", 90000),
		pt(98, VP9, "profile-id=0", 90000), pt(100, VP9, "profile-id=2", 90000),
		pt(102, H264, "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f", 90000),
		pt(104, H264, "profile-level-id=42e01f; Packetization-Mode=1", 90000),
		pt(106, H264, "packetization-mode=1;profile-level-id=640c1f", 90000),
		pt(45, AV1, "level-idx=5;profile=0", 90000),
		pt(49, H265, "profile-id=1;tx-mode=SRST", 90000),
		pt(111, Opus, "minptime=10", 48000), pt(0, PCMU, "", 8000),
	}
	for _, c := range []struct {
		name string
		c    Codec
		want uint8
	}{
		{"VP8", Codec{Name: VP8, ClockRate: 90000}, 96},
		{"M-102 VP9 without profile", Codec{Name: VP9, ClockRate: 90000}, 98},
		{"VP9 profile 2", Codec{Name: VP9, ClockRate: 90000, Fmtp: "profile-id=2"}, 100},
		{"VP9 profile nobody has: the first", Codec{Name: VP9, ClockRate: 90000, Fmtp: "profile-id=1"}, 98},
		{"M-093 H264 mode 1", Codec{Name: H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=640028"}, 104},
		{"H264 without fmtp is mode 0", Codec{Name: H264, ClockRate: 90000}, 102},
		{"AV1 without fmtp", Codec{Name: AV1, ClockRate: 90000}, 45},
		{"M-100 H265 without fmtp", Codec{Name: H265, ClockRate: 90000}, 49},
		{"Opus", Codec{Name: Opus, ClockRate: 48000, Channels: 2}, 111},
		{"PCMU", Codec{Name: PCMU, ClockRate: 8000}, 0},
	} {
		got, ok := payloadTypeFor(offered, c.c)
		if !ok || got.Number != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got.Number, ok, c.want)
		}
	}
	for _, c := range []Codec{{}, {Name: G722, ClockRate: 8000}, {Name: Opus, ClockRate: 16000}} {
		if got, ok := payloadTypeFor(offered, c); ok {
			t.Errorf("%+v carried by %d", c, got.Number)
		}
	}
	only0 := offered[3:4]
	if got, ok := payloadTypeFor(only0, testH264); !ok || got.Number != 102 {
		t.Error("H264 by a payload type of another mode is refused")
	}
	mode1 := offered[4:6]
	if got, _ := payloadTypeFor(append(only0[:1:1], mode1...), Codec{Name: H264, ClockRate: 90000, Fmtp: "packetization-mode=2"}); got.Number != 104 {
		t.Errorf("unknown mode goes by %d, want mode 1", got.Number)
	}
}
