package depacket

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"
)

// coded is a codec with frames as its encoder makes them and as they come back.
type coded struct {
	payloader  func() rtp.Payloader
	key, delta func(filler []byte) []byte
}

func annexB(units ...string) []byte {
	var list [][]byte
	for _, u := range units {
		list = append(list, []byte(u))
	}
	return AnnexB(list)
}

// obu is an OBU with a size, at most 127 bytes or a size of two bytes.
func obu(kind byte, payload []byte) []byte {
	return append([]byte{kind<<3 | 2, byte(len(payload)&0x7f) | 0x80, byte(len(payload) >> 7)}, payload...)
}

func codecsUnderTest() map[string]coded {
	return map[string]coded{
		"video/H264": {
			func() rtp.Payloader { return &codecs.H264Payloader{} },
			func(b []byte) []byte { return annexB("\x67\x42\xe0\x1e", "\x68\xce\x01", "\x65\x88"+string(b)) },
			func(b []byte) []byte { return annexB("\x41\x9a" + string(b)) },
		},
		"video/H265": {
			func() rtp.Payloader { return &codecs.H265Payloader{SkipAggregation: true} },
			func(b []byte) []byte {
				return annexB("\x40\x01\x0c\x01\xff", "\x42\x01\x01\x01\x60\x01", "\x44\x01\xc1\x72\xb4", "\x26\x01\xaf"+string(b))
			},
			func(b []byte) []byte { return annexB("\x02\x01\xd0" + string(b)) },
		},
		"video/VP8": {
			func() rtp.Payloader { return &codecs.VP8Payloader{EnablePictureID: true} },
			func(b []byte) []byte { return append([]byte("\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01"), b...) },
			func(b []byte) []byte { return append([]byte("\x11\x02\x00"), b...) },
		},
		"video/VP9": {
			func() rtp.Payloader { return &codecs.VP9Payloader{FlexibleMode: true} },
			func(b []byte) []byte { return append([]byte("\x82\x49\x83\x42\x20\x27\xf0\x16\x70"), b...) },
			func(b []byte) []byte { return append([]byte("\x86\x00"), b...) },
		},
		"video/AV1": {
			func() rtp.Payloader { return &codecs.AV1Payloader{} },
			func(b []byte) []byte {
				return append(obu(1, []byte("\x00\x00\x00\x25\x4c\xff\xb3\xdf\xff\x9b\x5f")), obu(6, append([]byte{0x10}, b...))...)
			},
			func(b []byte) []byte { return obu(6, append([]byte{0x30}, b...)) },
		},
	}
}

// packets cuts frames as a sender does.
func packets(payloader rtp.Payloader, mtu uint16, frames [][]byte) (list []*rtp.Packet) {
	for i, frame := range frames {
		payloads := payloader.Payload(mtu, frame)
		for k, payload := range payloads {
			list = append(list, &rtp.Packet{Header: rtp.Header{
				SequenceNumber: uint16(len(list)), Timestamp: uint32(i) * 3000, Marker: k == len(payloads)-1,
			}, Payload: payload})
		}
	}
	return list
}

// content compares what decoders see: start codes and sizes may be written in
// other ways.
func content(mime string, frame []byte) string {
	if strings.HasPrefix(mime, "video/H26") {
		var b strings.Builder
		for unit := range Units(frame) {
			if !isParameters(mime, unit) { // one that is lost by itself is not noticed; the ones before still count
				b.WriteString("|" + string(unit))
			}
		}
		return b.String()
	}
	if mime == "video/AV1" {
		var b strings.Builder
		for len(frame) > 0 {
			size, n := leb128(frame[1:])
			b.WriteString("|" + string(frame[:1]) + string(frame[1+n:1+n+size]))
			frame = frame[1+n+size:]
		}
		return b.String()
	}
	return string(frame)
}

func isParameters(mime string, unit []byte) bool {
	if mime == "video/H264" {
		return unit[0]&0x1f == 7 || unit[0]&0x1f == 8
	}
	return unit[0]>>1 >= 32 && unit[0]>>1 <= 34
}

// TestFramesComeBackAsTheyWere cuts frames of every codec up, loses some packets,
// and wants whole frames or none, and after a loss a key frame first.
func TestFramesComeBackAsTheyWere(t *testing.T) {
	for mime, c := range codecsUnderTest() {
		t.Run(mime, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var frames [][]byte
				keys := make(map[int]bool)
				for i := range rapid.IntRange(1, 20).Draw(t, "frames") {
					filler := bytes.Repeat([]byte{0xa5}, rapid.IntRange(1, 500).Draw(t, "size"))
					if keys[i] = i == 0 || rapid.IntRange(0, 4).Draw(t, "key") == 0; keys[i] {
						frames = append(frames, c.key(filler))
					} else {
						frames = append(frames, c.delta(filler))
					}
				}
				list := packets(c.payloader(), uint16(rapid.IntRange(100, 400).Draw(t, "mtu")), frames)
				damaged := make(map[int]bool)
				a, _ := NewAssembler(mime)
				var got []Frame
				gone := false
				for _, p := range list {
					if rapid.IntRange(0, 12).Draw(t, "lost") == 0 {
						gone = true
						if !strings.HasPrefix(mime, "video/H26") || !isParameters(mime, p.Payload) && p.Payload[0]&0x1f != 24 {
							damaged[int(p.Timestamp/3000)] = true
						}
						continue
					}
					got = append(got, a.Push(p, gone)...)
					gone = false
				}
				check(t, mime, frames, keys, damaged, got)
			})
		})
	}
}

func check(t *rapid.T, mime string, frames [][]byte, keys, damaged map[int]bool, got []Frame) {
	var want []int
	for i, waiting := 0, true; i < len(frames); i++ {
		if damaged[i] {
			waiting = true
			continue
		}
		if waiting = waiting && !keys[i]; !waiting {
			want = append(want, i)
		}
	}
	for _, f := range got {
		i := int(f.Timestamp / 3000)
		if content(mime, f.Data) != content(mime, frames[i]) {
			t.Fatalf("frame %d is %x, was %x", i, f.Data, frames[i])
		}
		if f.Key != keys[i] {
			t.Fatalf("frame %d: key %v", i, f.Key)
		}
		for len(want) > 0 && want[0] < i {
			want = want[1:] // a frame whose end could not be told from a loss
		}
		if len(want) == 0 || want[0] != i {
			t.Fatalf("frame %d cannot be decoded; damaged: %v", i, damaged)
		}
		want = want[1:]
	}
}

func TestNothingIsLostWithoutLoss(t *testing.T) {
	for mime, c := range codecsUnderTest() {
		frames := [][]byte{c.key(make([]byte, 900)), c.delta(make([]byte, 300)), c.delta([]byte{1}), c.key([]byte{2})}
		a, err := NewAssembler(mime)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range packets(c.payloader(), 200, frames) {
			n += len(a.Push(p, false))
		}
		if n != len(frames) || a.Dropped != 0 || a.NeedsKey() {
			t.Errorf("%s: %d of %d frames, %d dropped, needs a key frame: %v", mime, n, len(frames), a.Dropped, a.NeedsKey())
		}
		want := map[string][2]int{"video/VP8": {640, 360}, "video/VP9": {640, 360}, "video/AV1": {1280, 720}}[mime]
		if w, h := Size(mime, frames[0]); [2]int{w, h} != want {
			t.Errorf("%s: the size was read as %d×%d", mime, w, h)
		}
	}
}

func TestAnyTakesFramesThatBuildOnMissingOnes(t *testing.T) {
	c := codecsUnderTest()["video/VP8"]
	list := packets(c.payloader(), 1000, [][]byte{c.delta([]byte{1}), c.delta([]byte{2}), c.delta([]byte{3})})
	a, _ := NewAssembler("video/VP8")
	a.Any = true
	got := append(a.Push(list[0], false), a.Push(list[2], true)...)
	if len(got) != 2 || got[0].Gap || !got[1].Gap {
		t.Errorf("%+v", got)
	}
}

func TestAudioIsOneFrameAPacket(t *testing.T) {
	a, _ := NewAssembler("audio/opus")
	p := &rtp.Packet{Header: rtp.Header{Timestamp: 960}, Payload: []byte{0x78, 1}}
	if got := a.Push(p, true); len(got) != 1 || !got[0].Gap || !got[0].Key || got[0].Timestamp != 960 {
		t.Errorf("%+v", got)
	}
	if got := a.Push(&rtp.Packet{}, false); got != nil {
		t.Errorf("padding became %+v", got)
	}
}

func TestUnknownCodecsAreRefused(t *testing.T) {
	if _, err := NewAssembler("video/mp4"); err == nil {
		t.Error("no error")
	}
}

// FuzzAssembler feeds arbitrary payloads, with losses between them.
func FuzzAssembler(f *testing.F) {
	names := []string{"video/H264", "video/H265", "video/VP8", "video/VP9", "video/AV1", "audio/opus"}
	for i, mime := range names {
		if c, ok := codecsUnderTest()[mime]; ok {
			for _, p := range packets(c.payloader(), 100, [][]byte{c.key(make([]byte, 150))}) {
				f.Add(byte(i), p.Payload, p.Payload, byte(1))
			}
		}
	}
	f.Fuzz(func(_ *testing.T, codec byte, first, second []byte, flags byte) {
		mime := names[int(codec)%len(names)]
		a, _ := NewAssembler(mime)
		a.Any = flags&8 != 0
		frames := a.Push(&rtp.Packet{Header: rtp.Header{Marker: flags&1 != 0}, Payload: first}, false)
		frames = append(frames, a.Push(&rtp.Packet{Header: rtp.Header{Marker: flags&2 != 0, Timestamp: uint32(flags >> 4)}, Payload: second}, flags&4 != 0)...)
		for _, frame := range append(frames, Frame{Data: first}) {
			IsKey(mime, frame.Data)
			Size(mime, frame.Data)
			Parameters(mime, frame.Data)
		}
	})
}
