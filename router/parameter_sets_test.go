package router

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Further parameter sets: of another size, and the second set of one id.
const (
	baselineSPS = "6742c01fda014016e806d0a135"
	firstPPS    = "68ebe3cb22c0"
	otherPPS    = "68ebe3cb22d0"
	secondPPS   = "685b1c" // id 1
	hevcVPS     = "40010c01ffff016000000300900000030000"
	hevcPPS     = "4401c172b46240"
)

// setsBefore are the parameter sets that the newest group's key frame is given.
func setsBefore(i *intake) (sets []string) {
	i.Helper()
	g := i.theLayer(i.video).Group()
	if g == nil {
		i.Fatal("no group")
	}
	for k, p := range g[0].Parameters {
		if p.Seq != g[0].Seq-int64(len(g[0].Parameters)-k) || p.Timestamp != g[0].Timestamp {
			i.Errorf("set %d at %d with timestamp %d, before %d with %d", k, p.Seq, p.Timestamp, g[0].Seq, g[0].Timestamp)
		}
		sets = append(sets, hex.EncodeToString(p.Payload))
	}
	return sets
}

func stap(t testing.TB, units ...string) string {
	out := "18"
	for _, u := range units {
		out += fmt.Sprintf("%04x%s", len(fromHex(t, u)), u)
	}
	return out
}

func withFmtp(name, fmtp string) func(*IngestConfig) {
	return func(c *IngestConfig) {
		c.Sections[0].PayloadTypes[0].Codec = Codec{Name: name, ClockRate: 90000, Fmtp: fmtp}
	}
}

func base64Of(t testing.TB, unit string) string {
	return base64.StdEncoding.EncodeToString(fromHex(t, unit))
}

func TestKeyFramesWithoutParameterSetsAreGivenThem(t *testing.T) {
	const idr, p, sps, small, pps = "65880400", "41880400", h264SPS638x358, baselineSPS, firstPPS
	const idr265, p265 = "2601af", "0201d0"
	offered := "packetization-mode=1; Sprop-Parameter-Sets=" + base64Of(t, sps) + "," + base64Of(t, pps) + ";profile-level-id=64001e"
	offered265 := "sprop-vps=" + base64Of(t, hevcVPS) + ";sprop-sps=" + base64Of(t, h265SPS638x358) + ";sprop-pps=" + base64Of(t, hevcPPS)
	for name, c := range map[string]struct {
		change  func(*IngestConfig)
		packets string // timestamp:payload, a dot for the marker, ! for lost, = for late
		want    []string
	}{
		"sent once, one by one":        {h264, "0:" + sps + " 0:" + pps + " 0:" + idr + ". 1:" + p + ". 2:" + idr + ".", []string{sps, pps}},
		"sent once, together":          {h264, "0:" + stap(t, sps, pps) + " 0:" + idr + ". 1:" + p + ". 2:" + idr + ".", []string{sps, pps}},
		"PPS before SPS":               {h264, "0:" + stap(t, pps, sps) + " 0:" + idr + ". 1:" + p + ". 2:" + idr + ".", []string{sps, pps}},
		"with every key frame":         {h264, "0:" + sps + " 0:" + pps + " 0:" + idr + ". 1:" + sps + " 1:" + pps + " 1:" + idr + ".", nil},
		"in one packet with the slice": {h264, "0:" + stap(t, sps, pps, idr) + ". 1:" + stap(t, sps, pps, idr) + ".", nil},
		"several PPS":                  {h264, "0:" + stap(t, sps, pps, secondPPS) + " 0:" + idr + ". 1:" + idr + ".", []string{sps, pps, secondPPS}},
		"changed":                      {h264, "0:" + stap(t, sps, pps) + " 0:" + idr + ". 1:" + stap(t, small, otherPPS) + " 1:" + idr + ". 2:" + idr + ".", []string{small, otherPPS}},
		"changed before a key frame":   {h264, "0:" + stap(t, sps, pps) + " 0:" + idr + ". 1:" + otherPPS + " 1:" + p + ". 2:" + idr + ".", []string{sps, otherPPS}},
		"an old one comes late":        {h264, "0:" + sps + " !0:" + pps + " 0:" + idr + ". 1:" + otherPPS + " 1:" + p + ". 1= 2:" + p + ". 3:" + idr + ".", []string{sps, otherPPS}},
		"a hole before the key frame":  {h264, "0:" + stap(t, sps, pps) + " 0:" + idr + ". 1:" + idr + ". !2:" + p + ". 3:" + idr + ". 4:" + p + ".", []string{sps, pps}},
		"behind a delimiter":           {h264, "0:" + stap(t, sps, pps) + " 0:" + idr + ". 1:09f0 1:" + idr + ".", []string{sps, pps}},
		"in the offer":                 {withFmtp(H264, offered), "0:" + p + ". 1:" + idr + ".", []string{sps, pps}},
		"in the offer, from the start": {withFmtp(H264, offered), "0:" + idr + ". 1:" + p + ".", []string{sps, pps}},
		"in the offer, then changed":   {withFmtp(H264, offered), "0:" + small + " 0:" + idr + ". 1:" + idr + ".", []string{small, pps}},
		"nonsense in the offer":        {withFmtp(H264, "sprop-parameter-sets=!,,"+base64Of(t, idr)+";sprop-parameter-sets"), "0:" + p + ". 1:" + idr + ".", nil},
		"H.265":                        {codecOf(H265), "0:" + hevcVPS + " 0:" + h265SPS638x358 + " 0:" + hevcPPS + " 0:" + idr265 + ". 1:" + p265 + ". 2:" + idr265 + ".", []string{hevcVPS, h265SPS638x358, hevcPPS}},
		"H.265, together":              {codecOf(H265), "0:6001" + stap(t, hevcVPS, h265SPS638x358, hevcPPS)[2:] + " 0:" + idr265 + ". 1:" + idr265 + ".", []string{hevcVPS, h265SPS638x358, hevcPPS}},
		"H.265, in the offer":          {withFmtp(H265, offered265), "0:" + p265 + ". 1:" + idr265 + ".", []string{hevcVPS, h265SPS638x358, hevcPPS}},
		"none there ever were":         {h264, "0:" + p + ". 1:" + idr + ".", nil},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, c.change)
			i.play(c.packets)
			if got := setsBefore(i); !slices.Equal(got, c.want) {
				t.Errorf("given %v\nwant  %v", got, c.want)
			}
		})
	}
}

// play sends packets written as in the table above.
func (i *intake) play(packets string) {
	i.Helper()
	lost := map[string]wire{}
	for n, word := range strings.Fields(packets) {
		if w, ok := lost[strings.TrimSuffix(word, "=")]; ok {
			i.send(w)
			continue
		}
		text, drop := strings.CutPrefix(word, "!")
		text, marker := strings.CutSuffix(text, ".")
		frame, payload, _ := strings.Cut(text, ":")
		w := wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: uint16(n), ts: uint32(frame[0]-'0') * intakeFrame, marker: marker, payload: fromHex(i, payload)}
		if drop {
			lost[fmt.Sprint(n)] = w
		} else {
			i.send(w)
		}
		i.pass(10 * time.Millisecond)
	}
}

// A new numbering of the same codec keeps the sets; it is the same encoder.
func TestParameterSetsOutliveANewNumbering(t *testing.T) {
	i := newIntake(t, h264)
	i.play("0:" + stap(t, h264SPS638x358, firstPPS) + " 0:65880400.")
	for n := range uint16(3) {
		i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 30000 + n, ts: uint32(n) * intakeFrame, marker: true, payload: fromHex(t, "65880400")})
	}
	if got := setsBefore(i); len(got) != 2 {
		t.Errorf("given %v", got)
	}
}

func TestParameterSetsAreTheNewestOfEachID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s parameterSets
		model := map[string][]byte{}
		for seq := range rapid.Int64Range(1, 40).Draw(t, "packets") {
			unit := drawSet(t)
			s.note(H264, unit, seq)
			kind, id, ok := identifySet(H264, unit)
			if !ok {
				t.Fatalf("%x is no parameter set", unit)
			}
			model[fmt.Sprint(kind, id)] = unit
		}
		if len(s.units) != min(len(model), maxParameterSets) {
			t.Fatalf("%d sets of %d", len(s.units), len(model))
		}
		for k, u := range s.units {
			if !bytes.Equal(model[fmt.Sprint(u.kind, u.id)], u.unit) {
				t.Fatalf("%d of kind %d is not the newest", u.id, u.kind)
			}
			if k > 0 && u.kind < s.units[k-1].kind {
				t.Fatalf("kind %d behind %d", u.kind, s.units[k-1].kind)
			}
		}
	})
}

// drawSet makes a parameter set of one of 20 ids.
func drawSet(t *rapid.T) []byte {
	ids := []byte{0b10000000, 0b01000000, 0b01100000, 0b00100000, 0b00101000, 0b00110000, 0b00111000, 0b00010000, 0b00010010, 0b00010100}
	id := ids[rapid.IntRange(0, len(ids)-1).Draw(t, "id")]
	rest := byte(rapid.IntRange(1, 3).Draw(t, "content"))
	if rapid.Bool().Draw(t, "SPS") {
		return []byte{0x67, 1, 1, 1, id, 0x80, rest}
	}
	return []byte{0x68, id, 0x80, rest}
}

func TestParameterSetsThatDoNotFitAreNotKept(t *testing.T) {
	var s parameterSets
	s.note(H264, append([]byte{0x67, 1, 1, 1, 0x80}, make([]byte, longestParameterSet)...), 1)
	if len(s.units) != 0 {
		t.Error("kept what does not fit into a packet")
	}
}

func FuzzParameterSets(f *testing.F) {
	for i, s := range []string{h264SPS638x358, h265SPS638x358, "18001a" + h264SPS638x358, "6001002b" + h265SPS638x358, secondPPS} {
		f.Add(i%2 == 1, fromHex(f, s), "sprop-parameter-sets=Z0LAHtkA,aMuMsg==; sprop-vps=QAEM")
	}
	f.Fuzz(func(t *testing.T, h265 bool, payload []byte, fmtp string) {
		codec := Codec{Name: H264, Fmtp: fmtp}
		if h265 {
			codec.Name = H265
		}
		s := offeredParameters(codec)
		if len(payload) > 0 {
			s.note(codec.Name, payload, 1)
		}
		if len(s.units) > maxParameterSets {
			t.Errorf("%d sets", len(s.units))
		}
		for _, p := range s.before(&Packet{Seq: 100}) {
			if _, _, ok := identifySet(codec.Name, p.Payload); !ok || p.Seq >= 100 || len(p.Payload) > longestParameterSet {
				t.Errorf("%d bytes at %d", len(p.Payload), p.Seq)
			}
		}
	})
}
