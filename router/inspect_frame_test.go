package router

import (
	"fmt"
	"strings"
	"testing"
)

// h264 makes the video section one of H.264.
func h264(c *IngestConfig) {
	c.Sections[0].PayloadTypes[0].Codec = Codec{Name: H264, ClockRate: 90000, Fmtp: "packetization-mode=1"}
}

func codecOf(name string) func(*IngestConfig) {
	return func(c *IngestConfig) { c.Sections[0].PayloadTypes[0].Codec = Codec{Name: name, ClockRate: 90000} }
}

// parts are payloads by a short name, for scripts of packets.
var parts = map[string]string{
	"sps": h264SPS638x358, "pps": "68ebe3", "aud": "09f0", "sei": "0605ff", "idr": "658804", "p": "418804",
	"idr<": "7c8588", "idr-": "7c0588", "idr>": "7c4588",
	"VPS": "40010c01", "SPS": h265SPS638x358, "PPS": "4401c1", "IDR": "2601af", "P": "0201d0", "AUD": "460110",
	"seq": "18" + av1Seq638x358, "tu": "103010", "tu-": "903010",
	"k9": "8c812382", "k9-": "84812382", "k9up": "ad812303", "d9": "cc23",
}

// script plays packets written as "timestamp:part", with "!" before the number
// of one that is lost and, later, "number=" for one that comes late, and returns
// what became of them: S start, E end, K key start, k key.
func script(t *testing.T, change func(*IngestConfig), packets string) string {
	i := newIntake(t, change)
	var lost = map[string]wire{}
	for n, word := range strings.Fields(packets) {
		if w, ok := lost[strings.TrimSuffix(word, "=")]; ok {
			i.send(w)
			continue
		}
		name, drop := strings.CutPrefix(word, "!")
		var frame uint32
		var part string
		if _, err := fmt.Sscanf(strings.Replace(name, ":", " ", 1), "%d %s", &frame, &part); err != nil {
			t.Fatal(err)
		}
		part, marker := strings.CutSuffix(part, ".")
		w := wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: uint16(n), ts: frame * intakeFrame, marker: marker, payload: fromHex(t, parts[part])}
		if drop {
			lost[fmt.Sprint(n)] = w
			continue
		}
		i.send(w)
	}
	i.pass(20 * ms)
	var out []string
	for _, p := range i.packets(i.theLayer(i.video)) {
		flags := fmt.Sprint(p.Seq - firstCycle)
		for _, f := range []struct {
			set  bool
			name string
		}{{p.Frame.Start, "S"}, {p.Frame.End, "E"}, {p.Frame.KeyStart, "K"}, {p.Frame.Key, "k"}} {
			if f.set {
				flags += f.name
			}
		}
		out = append(out, flags)
	}
	group := "none"
	if g := i.theLayer(i.video).Group(); g != nil {
		group = fmt.Sprint(g[0].Seq-firstCycle, "+", len(g))
	}
	return strings.Join(out, " ") + " | " + group
}

// Protocol section 3.4: a key frame starts with the first packet of its
// timestamp, parameter sets included.
func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*IngestConfig)
		script string
		want   string
	}{
		"parameter sets in packets of their own": {
			h264, "0:p. 1:sps 1:pps 1:idr. 2:p.",
			"0SE 1SKk 2k 3Ek 4SE | 1+4"},
		"behind a delimiter and SEI": {
			h264, "0:p. 1:aud 1:sei 1:sps 1:pps 1:idr. 2:p.",
			"0SE 1SKk 2 3k 4k 5Ek 6SE | 1+6"},
		"several slices of a key picture": {
			h264, "0:p. 1:sps 1:idr 1:idr. 2:p. 3:sps 3:idr.",
			"0SE 1SKk 2k 3Ek 4SE 5SKk 6Ek | 5+2"},
		"fragments": {
			h264, "0:p. 1:idr< 1:idr- 1:idr>. 2:p.",
			"0SE 1SKk 2k 3Ek 4SE | 1+4"},
		"parameter sets out of band": {
			h264, "0:p. 1:idr. 2:p. 3:idr. 4:p.",
			"0SE 1SEKk 2SE 3SEKk 4SE | 3+2"},
		"PPS before a key picture without SPS": {
			h264, "0:p. 1:pps 1:idr. 2:p.",
			"0SE 1SKk 2Ek 3SE | 1+3"},
		"parameter sets with a timestamp of their own": {
			h264, "0:p. 1:sps 1:pps. 2:idr< 2:idr>. 3:p.",
			"0SE 1SKk 2Ek 3Sk 4Ek 5SE | 1+5"},
		"slices after parameter sets with a timestamp of their own": {
			h264, "0:p. 1:sps. 2:idr 2:idr. 3:p.",
			"0SE 1SEKk 2Sk 3Ek 4SE | 1+4"},
		"each parameter set with a timestamp of its own": {
			codecOf(H265), "0:P. 1:VPS. 2:SPS. 3:IDR. 4:P.",
			"0SE 1SEKk 2SEk 3SEk 4SE | 1+4"},
		"a second parameter set comes late": {
			h264, "0:p. 1:sps !1:sps 1:idr. 2= 2:p.",
			"0SE 1SKk 3Ek 2k 5SE | 1+4"},
		"the packet before the slice is lost": {
			h264, "0:p. !1:sps 1:idr. 2:p.",
			"0SE 2SEk 3SE | none"},
		"the parameter sets come late": {
			h264, "0:p. !1:sps 1:pps 1:idr. 2:p. 1=",
			"0SE 2S 3Ek 4SE 1SKk | 1+4"},
		"the delimiter comes late": {
			h264, "0:p. !1:aud 1:sps 1:idr. 1= 2:p.",
			"0SE 2SKk 3Ek 1Sk 5SE | 2+3"},
		"a packet of an older picture comes late": {
			h264, "0:p !0:p. 1:sps 1:idr. 1= 2:p.",
			"0S 2SKk 3Ek 1E 5SE | 2+3"},
		"starts in the middle of a key picture": {
			h264, "0:idr- 0:idr>. 1:p.",
			"0Sk 1Ek 2SE | none"},
		"no marker": {
			h264, "0:sps 0:idr 1:p 2:p",
			"0SKk 1k 2S 3S | 0+4"},
		"H.265": {
			codecOf(H265), "0:P. 1:AUD 1:VPS 1:SPS 1:PPS 1:IDR. 2:P.",
			"0SE 1SKk 2k 3k 4k 5Ek 6SE | 1+6"},
		"AV1": {
			codecOf(AV1), "0:tu. 1:seq 1:tu- 1:tu-. 2:tu.",
			"0SE 1SKk 2k 3Ek 4SE | 1+4"},
		"N-216 VP9 with spatial layers": {
			codecOf(VP9), "0:d9. 1:k9 1:k9- 1:k9up. 2:d9.",
			"0SE 1SKk 2k 3Ek 4SE | 1+4"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := script(t, c.change, c.script); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// VP8 says where pictures begin; after a loss nothing is guessed.
func TestFramesVP8(t *testing.T) {
	i := newIntake(t, nil)
	part := func(seq uint16, ts uint32, first, key, last bool) {
		i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, ts: ts, marker: last, payload: vp8Payload(first, key)})
	}
	part(1, 0, true, true, false)
	part(2, 0, false, true, true)
	part(4, 3000, false, false, true) // the first packet of the picture is lost
	part(5, 6000, true, false, true)
	var got []string
	for _, p := range i.packets(nil) {
		got = append(got, fmt.Sprint(p.Frame.Start, p.Frame.End, p.Frame.KeyStart, p.Frame.Key))
	}
	want := "true false true true|false true false true|false true false false|true true false false"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("%s", s)
	}
}
