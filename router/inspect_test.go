package router

import (
	"encoding/hex"
	"strings"
	"testing"
)

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	keySigns = signPicture | signKey | signKeyFirst
	allSigns = keySigns | signParameters
	setSigns = signParameters | signSet
)

// Parameter sets are those real encoders wrote for these sizes.
const (
	h264SPS638x358 = "6764001eacd940a02fea6c0440000003004000000f03c58b6580" // x264, high
	h265SPS638x358 = "42010101600000030090000003000003003fa005020169d565959a4932bc05a020000003002000000303c1"
	av1Seq638x358  = "0a0b0000000cc4fb6536be4010"
)

func TestInspectH264(t *testing.T) {
	for name, c := range map[string]struct {
		payload       string
		signs         sign
		width, height uint16
	}{
		"SPS, cropped":              {h264SPS638x358, setSigns, 638, 358},
		"SPS, 4:2:2":                {"677a001fbcd940d83de6f0110000030001000003003c0f183196", setSigns, 854, 480},
		"SPS, 4:4:4":                {"67f4000d919b282833f1b80880000003008000001e078a14cb", setSigns, 320, 180},
		"SPS, interlaced":           {"67640015acd941410fc98088000003000800000301e0f8a14cb0", setSigns, 320, 244},
		"SPS, 1080 lines":           {"67640028acd940780227e5840000030004000003 00f03c60c658", setSigns, 1920, 1080},
		"SPS, constrained baseline": {"6742c01fda014016e806d0a135", setSigns, 1280, 720},
		"SPS, cut off":              {"6742c0", setSigns, 0, 0},
		"PPS":                       {"68ebe3cb22c0", signSet, 0, 0},
		"IDR":                       {"65880400", keySigns, 0, 0},
		"slice":                     {"41880400", signPicture, 0, 0},
		"delimiter":                 {"09f0", 0, 0, 0},
		"STAP-A with all":           {"18 001a" + h264SPS638x358 + "0006 68ebe3cb22c0 0002 6588", allSigns | signSet, 638, 358},
		"STAP-A of parameters":      {"18 001a" + h264SPS638x358 + "0006 68ebe3cb22c0", setSigns, 638, 358},
		"STAP-A of slices":          {"18 0002 4188 0002 4188", signPicture, 0, 0},
		"STAP-A, too long":          {"18 00ff 6588", 0, 0, 0},
		"STAP-A, empty unit":        {"18 0000 0002 6588", 0, 0, 0},
		"STAP-B":                    {"19 0001 0002 6588", keySigns, 0, 0},
		"FU-A, IDR begins":          {"7c85 88", keySigns, 0, 0},
		"FU-A, IDR goes on":         {"7c05 88", signPicture | signKey, 0, 0},
		"FU-A, IDR ends":            {"7c45 88", signPicture | signKey, 0, 0},
		"FU-A, slice":               {"7c81 88", signPicture, 0, 0},
		"FU-A, SPS begins":          {"7c87 88", signParameters, 0, 0},
		"FU-A, cut off":             {"7c", 0, 0, 0},
		"empty":                     {"", 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			if s := inspectH264(fromHex(t, c.payload), &f); s != c.signs || f.Width != c.width || f.Height != c.height {
				t.Errorf("signs %07b, %dx%d; want %07b, %dx%d", s, f.Width, f.Height, c.signs, c.width, c.height)
			}
		})
	}
}

func TestInspectH265(t *testing.T) {
	for name, c := range map[string]struct {
		payload       string
		signs         sign
		width, height uint16
	}{
		"VPS":               {"40010c01ffff016000000300900000030000", setSigns, 0, 0},
		"SPS":               {h265SPS638x358, setSigns, 638, 358},
		"SPS, 4:4:4":        {"4201010408000003009e0800000300003f9000a0402d3bbcb2b349265780b4040000030004000003007820", setSigns, 638, 358},
		"SPS, 1080 lines":   {"420101016000000300900000030000030078a003c08010e596666924cae010000003001000000301e080", setSigns, 1920, 1080},
		"SPS, cut off":      {"42010101", setSigns, 0, 0},
		"PPS":               {"4401c172b46240", signSet, 0, 0},
		"SEI":               {"4e01 05ff", 0, 0, 0},
		"IDR_W_RADL":        {"2601 af", keySigns, 0, 0},
		"CRA":               {"2a01 af", keySigns, 0, 0},
		"trailing picture":  {"0201 d0", signPicture, 0, 0},
		"AP with all":       {"6001 0003 40010c 002b" + h265SPS638x358 + "0003 2601af", allSigns | signSet, 638, 358},
		"AP, too long":      {"6001 00ff 2601af", 0, 0, 0},
		"AP, empty unit":    {"6001 0000 0003 2601af", 0, 0, 0},
		"FU, IDR begins":    {"6201 93 af", keySigns, 0, 0},
		"FU, IDR goes on":   {"6201 13 af", signPicture | signKey, 0, 0},
		"FU, trailing":      {"6201 81 af", signPicture, 0, 0},
		"FU, SPS goes on":   {"6201 21 af", 0, 0, 0},
		"PACI":              {"6401 00", 0, 0, 0},
		"empty":             {"", 0, 0, 0},
		"cut off":           {"4201", 0, 0, 0},
		"FU, cut off":       {"6201", 0, 0, 0},
		"AP without length": {"6001 00", 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			if s := inspectH265(fromHex(t, c.payload), &f); s != c.signs || f.Width != c.width || f.Height != c.height {
				t.Errorf("signs %07b, %dx%d; want %07b, %dx%d", s, f.Width, f.Height, c.signs, c.width, c.height)
			}
		})
	}
}

func TestInspectVP8(t *testing.T) {
	const keyHead = "000000 9d012a 8002 6801" // 640x360
	first, key := signPicture|signFirst, allSigns|signFirst
	for name, c := range map[string]struct {
		payload string
		signs   sign
		want    Frame
	}{
		"key frame":    {"10" + keyHead, key, Frame{Width: 640, Height: 360}},
		"scaled":       {"10 000000 9d012a 8042 6881", key, Frame{Width: 640, Height: 360}},
		"delta frame":  {"10 01", first, Frame{}},
		"continuation": {"00 00", signPicture | signNotFirst, Frame{}},
		"partition 1":  {"11 00", signPicture | signNotFirst, Frame{}},
		"key, cut off": {"10 000000 9d", key, Frame{}},
		"7 bits": {"9080 2a 01", first, Frame{Descriptor: Descriptor{
			Len: 3, PictureIDBits: 7, PictureIDAt: 2, PictureID: 42}}},
		"15 bits": {"9080 ffff 01", first, Frame{Descriptor: Descriptor{
			Len: 4, PictureIDBits: 15, PictureIDAt: 2, PictureID: 0x7fff}}},
		"all": {"90f0 8123 45 b7" + keyHead, key, Frame{Width: 640, Height: 360, Descriptor: Descriptor{
			Len: 6, PictureIDBits: 15, PictureIDAt: 2, PictureID: 0x123, TL0At: 4, TL0: 0x45,
			KeyIdxAt: 5, KeyIdx: 0x17, TID: 2, SwitchUp: true}}},
		"TID without key index": {"9020 40 01", first, Frame{Descriptor: Descriptor{TID: 1}}},
		"TL0 without id":        {"9040 07 01", first, Frame{Descriptor: Descriptor{Len: 3, TL0At: 2, TL0: 7}}},
		"no extension bits":     {"9000 01", first, Frame{}},
		"id cut off":            {"9080", signNotFirst, Frame{}},
		"long id cut off":       {"9080 80", signNotFirst, Frame{}},
		"TL0 cut off":           {"90c0 01", signNotFirst, Frame{}},
		"TID cut off":           {"90e0 01 02", signNotFirst, Frame{}},
		"X cut off":             {"90", signNotFirst, Frame{}},
		"empty":                 {"", signNotFirst, Frame{}},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			if s := inspectVP8(fromHex(t, c.payload), &f); s != c.signs || f != c.want {
				t.Errorf("signs %07b, %+v\nwant  %07b, %+v", s, f, c.signs, c.want)
			}
		})
	}
}

func TestInspectVP9(t *testing.T) {
	first, key := signPicture|signFirst, allSigns|signFirst
	for name, c := range map[string]struct {
		payload string
		signs   sign
		want    Frame
	}{
		"key": {"8c 8123 82", key, Frame{Descriptor: Descriptor{
			Len: 3, PictureIDBits: 15, PictureIDAt: 1, PictureID: 0x123, LayerEnd: true}}},
		"key goes on": {"84 23", signPicture | signKey | signNotFirst, Frame{Descriptor: Descriptor{
			Len: 2, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, LayerEnd: true}}},
		"delta": {"cc 23", first, Frame{Descriptor: Descriptor{
			Len: 2, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, LayerEnd: true}}},
		"layers": {"ec 23 50 99", first, Frame{Descriptor: Descriptor{
			Len: 4, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, TL0At: 3, TL0: 0x99, TID: 2, SwitchUp: true, LayerEnd: true}}},
		"upper spatial layer of a key picture": {"ac 23 03 99", signPicture | signKey | signNotFirst, Frame{Descriptor: Descriptor{
			Len: 4, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, TL0At: 3, TL0: 0x99, SID: 1, LayerEnd: true}}},
		"flexible": {"fc 23 20 0504", first, Frame{Descriptor: Descriptor{
			Len: 5, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, TID: 1, LayerEnd: true}}},
		"structure": {"8e 23 30 0140 00b4 0280 0168", key, Frame{Width: 640, Height: 360, Descriptor: Descriptor{
			Len: 11, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, LayerEnd: true}}},
		"structure with pictures": {"8e 23 18 0280 0168 02 04 01 20", key, Frame{Width: 640, Height: 360, Descriptor: Descriptor{
			Len: 11, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, LayerEnd: true}}},
		"not the end of its layer": {"e8 23 52 99", signPicture | signNotFirst, Frame{Descriptor: Descriptor{
			Len: 4, PictureIDBits: 7, PictureIDAt: 1, PictureID: 0x23, TL0At: 3, TL0: 0x99, TID: 2, SID: 1, SwitchUp: true}}},
		"no picture id":          {"0c", key, Frame{Descriptor: Descriptor{LayerEnd: true}}},
		"id cut off":             {"8c", signNotFirst, Frame{}},
		"layer cut off":          {"ac 23", signNotFirst, Frame{}},
		"TL0 cut off":            {"ac 23 50", signNotFirst, Frame{}},
		"references cut off":     {"dc 23 05", signNotFirst, Frame{}},
		"structure cut off":      {"8e 23", signNotFirst, Frame{}},
		"sizes cut off":          {"8e 23 10 0280 01", signNotFirst, Frame{}},
		"pictures cut off":       {"8e 23 08", signNotFirst, Frame{}},
		"picture cut off":        {"8e 23 08 02 00", signNotFirst, Frame{}},
		"references of pictures": {"8e 23 08 01 0c 01", signNotFirst, Frame{}},
		"empty":                  {"", signNotFirst, Frame{}},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			s := inspectVP9(fromHex(t, c.payload), &f)
			if s != c.signs || f.Descriptor != c.want.Descriptor || s&signFirst != 0 && f != c.want {
				t.Errorf("signs %07b, %+v\nwant  %07b, %+v", s, f, c.signs, c.want)
			}
		})
	}
}

// A long scalability structure does not overflow the length: what is rewritten
// is in front of it.
func TestInspectVP9LongStructure(t *testing.T) {
	payload := append(fromHex(t, "ae 8123 50 99 08 ff"), make([]byte, 255)...)
	var f Frame
	if s := inspectVP9(payload, &f); s&signFirst == 0 || f.Descriptor.Len != vp9LongestRewrite || f.Descriptor.TL0At != 4 {
		t.Errorf("signs %07b, %+v", s, f)
	}
}

func TestInspectAV1(t *testing.T) {
	for name, c := range map[string]struct {
		payload       string
		signs         sign
		width, height uint16
	}{
		"N, sequence header and frame":  {"28 0b 0800" + "00000cc4fb6536be40" + "3210", allSigns, 638, 358},
		"with sizes in the OBUs":        {"18" + av1Seq638x358, allSigns, 638, 358},
		"sequence header without N":     {"10" + av1Seq638x358, allSigns, 638, 358},
		"rav1e":                         {"18 0a0e000000fa627db28842a20404042832", allSigns, 638, 358},
		"timing info, constant":         {"18 0a1404000000040000007b400001bcc4fb6536be4010", allSigns, 638, 358},
		"timing info, decoder model":    {"18 0a1e040000000400000079780000000a530000075f915f90bcc4fb6536be4010", allSigns, 638, 358},
		"N alone":                       {"18 3210", allSigns, 0, 0},
		"frame":                         {"10 3010", signPicture, 0, 0},
		"continuation":                  {"90 0a0b", signPicture | signNotFirst | signLayerBefore, 0, 0},
		"continuation, then a sequence": {"a0 01ff" + av1Seq638x358, allSigns | signNotFirst | signLayerBefore, 638, 358},
		"every element with a length":   {"00 0d" + av1Seq638x358, allSigns, 638, 358},
		"length beyond the end":         {"00 7f" + av1Seq638x358, signPicture, 0, 0},
		"length that never ends":        {"00 ffffffffffffffffffff", signPicture, 0, 0},
		"empty elements":                {"00 0000", signPicture, 0, 0},
		"only the header":               {"10", signPicture, 0, 0},
		"sequence header, cut off":      {"18 0a0b00", allSigns, 0, 0},
		"sequence header, no size":      {"18 0a", allSigns, 0, 0},
		"empty":                         {"", signNotFirst, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			if s := inspectAV1(fromHex(t, c.payload), &f); s != c.signs || f.Width != c.width || f.Height != c.height {
				t.Errorf("signs %07b, %dx%d; want %07b, %dx%d", s, f.Width, f.Height, c.signs, c.width, c.height)
			}
		})
	}
}

// The ids of scalability layers are those of the first OBU that begins in the packet
// and has them.
func TestInspectAV1Layers(t *testing.T) {
	for name, c := range map[string]struct {
		payload  string
		before   bool
		tid, sid uint8
	}{
		"none":                               {"10 3010", false, 0, 0},
		"temporal":                           {"10 344010", false, 2, 0},
		"both":                               {"10 342810", false, 1, 1},
		"the second has them":                {"20 021000 342810", false, 1, 1},
		"behind a sequence header":           {"28 0b 0800" + "00000cc4fb6536be40" + "347010", false, 3, 2},
		"continuation":                       {"90 344010", true, 0, 0},
		"continuation, then one with layers": {"a0 01ff 344010", false, 2, 0},
		"continuation, then one without":     {"a0 01ff 3010", true, 0, 0},
		"cut off":                            {"10 34", false, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var f Frame
			s := inspectAV1(fromHex(t, c.payload), &f)
			if f.Descriptor.TID != c.tid || f.Descriptor.SID != c.sid || (s&signLayerBefore != 0) != c.before {
				t.Errorf("signs %08b, layer %d.%d; want %d.%d, goes on: %v", s, f.Descriptor.SID, f.Descriptor.TID, c.sid, c.tid, c.before)
			}
		})
	}
}

// A packet that only goes on is of the layer of the one before it.
func TestFrameTrackerKnowsTheLayer(t *testing.T) {
	var tracker frameTracker
	next := func(seq int64, timestamp uint32, payload string) *Packet {
		p := &Packet{Seq: seq, Timestamp: timestamp, Payload: fromHex(t, payload)}
		tracker.next(p, inspectAV1(p.Payload, &p.Frame), true)
		return p
	}
	begins := next(1, 1000, "50 344010")
	if got := next(2, 1000, "90 10").Frame.Descriptor; got.TID != 2 {
		t.Errorf("goes on in temporal layer %d, want 2", got.TID)
	}
	if got := next(3, 2000, "90 10").Frame.Descriptor; got.TID != 0 {
		t.Errorf("another picture is of temporal layer %d", got.TID)
	}
	late := &Packet{Seq: 2, Timestamp: 1000, Payload: fromHex(t, "90 10")}
	tracker.late(late, begins, inspectAV1(late.Payload, &late.Frame))
	if late.Frame.Descriptor.TID != 2 {
		t.Errorf("a late one is of temporal layer %d, want 2", late.Frame.Descriptor.TID)
	}
}

func TestVP9Sizes(t *testing.T) {
	size := func(w, h uint64) uint64 { return w<<32 | h }
	for name, c := range map[string]struct {
		payload string
		want    [spatialIDs]uint64
	}{
		"two":                {"8e 23 30 0140 00b4 0280 0168", [spatialIDs]uint64{size(320, 180), size(640, 360)}},
		"behind layer ids":   {"ae 23 00 99 50 00a0 005a 0140 00b4 0280 0168", [spatialIDs]uint64{size(160, 90), size(320, 180), size(640, 360)}},
		"more than are kept": {"8e 23 70 0001 0001 0002 0002 0003 0003 0004 0004", [spatialIDs]uint64{size(1, 1), size(2, 2), size(3, 3)}},
		"without sizes":      {"8e 23 20", [spatialIDs]uint64{}},
		"no structure":       {"8c 23 30 0140 00b4 0280 0168", [spatialIDs]uint64{}},
		"cut off":            {"8e 23 30 0140 00b4 0280 01", [spatialIDs]uint64{size(320, 180)}},
		"only the id":        {"8e 23", [spatialIDs]uint64{}},
		"empty":              {"", [spatialIDs]uint64{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := vp9Sizes(fromHex(t, c.payload)); got != c.want {
				t.Errorf("%x, want %x", got, c.want)
			}
		})
	}
}

func TestInspectorsExistForVideoOnly(t *testing.T) {
	for codec, want := range map[string]bool{H264: true, H265: true, VP8: true, VP9: true, AV1: true, Opus: false, PCMU: false, "": false} {
		if got := inspectorOf(codec) != nil; got != want {
			t.Errorf("%s: %v", codec, got)
		}
	}
}

func FuzzInspect(f *testing.F) {
	for i, s := range []string{h264SPS638x358, h265SPS638x358, "18" + av1Seq638x358, "90f0812345b7000000", "8e2318028001680204012023", "18001a" + h264SPS638x358} {
		f.Add(uint8(i), fromHex(f, s))
	}
	codecs := []string{H264, H265, AV1, VP8, VP9}
	f.Fuzz(func(t *testing.T, codec uint8, payload []byte) {
		name := codecs[int(codec)%len(codecs)]
		var frame Frame
		inspectorOf(name)(payload, &frame)
		vp9Sizes(payload)
		if d := frame.Descriptor; int(d.Len) > len(payload) || d.Len > 0 && (d.PictureIDAt >= d.Len || d.TL0At >= d.Len || d.KeyIdxAt >= d.Len) {
			t.Errorf("%s descriptor %+v of %d bytes", name, d, len(payload))
		}
		if frame.Width > maxPictureSide || (frame.Width == 0) != (frame.Height == 0) {
			t.Errorf("%s size %dx%d", name, frame.Width, frame.Height)
		}
	})
}
