package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// simulcast makes the video section one of three RIDs without declared SSRCs.
func simulcast(c *IngestConfig) {
	c.Sections[0].SSRCs = nil
	c.Sections[0].RIDs = []string{"0", "1", "2"}
}

// undeclared takes all SSRC lines away, as in RFC 9725's own example.
func undeclared(c *IngestConfig) {
	c.Sections[0].SSRCs, c.Sections[1].SSRCs = nil, nil
}

// withoutExtensions is an offer that has no extmap lines either.
func withoutExtensions(c *IngestConfig) {
	undeclared(c)
	c.Sections[0].Extensions, c.Sections[1].Extensions = nil, nil
}

func on(w wire, ssrc uint32, ext map[uint8][]byte) wire {
	w.ssrc, w.ext = ssrc, ext
	return w
}

func mid(mid string) map[uint8][]byte { return map[uint8][]byte{intakeMID: []byte(mid)} }

func midRID(mid, rid string) map[uint8][]byte {
	return map[uint8][]byte{intakeMID: []byte(mid), intakeRID: []byte(rid)}
}

func midRepaired(mid, rid string) map[uint8][]byte {
	return map[uint8][]byte{intakeMID: []byte(mid), intakeRepaired: []byte(rid)}
}

func TestUndeclaredSSRCIsBound(t *testing.T) {
	key := vp8(100, 0, true)
	for name, c := range map[string]struct {
		change func(*IngestConfig)
		ext    map[uint8][]byte
		want   int
	}{
		"by MID":                               {undeclared, mid("v"), 1},
		"by payload type before a MID":         {undeclared, nil, 1},
		"by payload type without extensions":   {withoutExtensions, nil, 1},
		"with a RID and no a=rid, M-051":       {undeclared, midRID("v", "0"), 1},
		"not by the MID of another section":    {undeclared, mid("a"), 0},
		"not by an unknown MID":                {undeclared, mid("x"), 0},
		"beside a declared one that is unused": {nil, mid("v"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, c.change)
			i.send(on(key, 0xabcd, c.ext))
			if got := len(i.video.Layers()); got != c.want {
				t.Fatalf("%d layers", got)
			}
			if c.want == 1 && i.theLayer(i.video).RID() != "" {
				t.Error("a RID without simulcast")
			}
		})
	}
}

// A payload type that two sections have tells nothing without a MID.
func TestAmbiguousPayloadTypeNeedsMID(t *testing.T) {
	screen := NewTrack(Video, nil)
	i := newIntake(t, func(c *IngestConfig) {
		undeclared(c)
		second := c.Sections[0]
		second.Mid, second.Track = "s", screen
		c.Sections = append(c.Sections, second)
	})
	i.send(on(vp8(1, 0, true), 5, nil))
	if len(screen.Layers())+len(i.video.Layers()) != 0 {
		t.Error("bound by a payload type that two sections have")
	}
	i.send(on(vp8(2, 0, true), 5, mid("s")), on(vp8(3, intakeFrame, true), 5, nil))
	if len(screen.Layers()) != 1 || screen.Layers()[0].Packet(firstCycle+3) == nil {
		t.Error("the MID did not tell")
	}
}

// Q-OBS-7, Q-OBS-11: undeclared SSRCs, every layer from number 0 and timestamp 0.
func TestSimulcastByRID(t *testing.T) {
	i := newIntake(t, simulcast)
	for n, rid := range []string{"2", "0", "1"} {
		i.send(on(vp8(0, 0, true), uint32(n+10), midRID("v", rid)))
		i.send(on(vp8(1, intakeFrame, false), uint32(n+10), nil)) // bound by now
	}
	layers := i.video.Layers()
	if len(layers) != 3 {
		t.Fatalf("%d layers", len(layers))
	}
	for n, l := range layers {
		if l.RID() != fmt.Sprint(n) || len(i.packets(l)) != 2 {
			t.Errorf("layer %d is RID %q with %d packets", n, l.RID(), len(i.packets(l)))
		}
	}
	i.send(on(vp8(0, 0, true), 20, midRID("v", "7")), on(vp8(0, 0, true), 21, mid("v")))
	if len(i.video.Layers()) != 3 {
		t.Error("an SSRC without a known RID was bound")
	}
}

// M-006, N-215: retransmissions of an unbound SSRC are never taken.
func TestRepairIsBound(t *testing.T) {
	second := func(c *IngestConfig) { undeclared(c) }
	for name, c := range map[string]struct {
		change   func(*IngestConfig)
		mediaExt map[uint8][]byte
		ssrc     uint32
		ext      map[uint8][]byte
		want     bool
	}{
		"by FID":                                    {nil, nil, intakeRepair, nil, true},
		"by repaired RID":                           {simulcast, midRID("v", "1"), 77, midRepaired("v", "1"), true},
		"by repaired RID before the MID":            {simulcast, midRID("v", "1"), 77, map[uint8][]byte{intakeRepaired: []byte("1")}, true},
		"by MID where there is one encoding":        {second, nil, 77, mid("v"), true},
		"by payload type where MIDs are not used":   {withoutExtensions, nil, 77, nil, true},
		"not by payload type where MIDs are used":   {second, nil, 77, nil, false},
		"not by MID alone in a simulcast":           {simulcast, midRID("v", "1"), 77, mid("v"), false},
		"not by an unknown repaired RID":            {simulcast, midRID("v", "1"), 77, midRepaired("v", "9"), false},
		"not to the layer of another RID":           {simulcast, midRID("v", "1"), 77, midRepaired("v", "0"), false},
		"not by a RID in place of the repaired one": {simulcast, midRID("v", "1"), 77, midRID("v", "1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, c.change)
			for _, seq := range []uint16{100, 102} {
				i.send(on(vp8(seq, uint32(seq-100)*intakeFrame, seq == 100), intakeVideo, c.mediaExt))
			}
			w := repairOf(vp8(101, intakeFrame, false), 1)
			i.send(on(w, c.ssrc, c.ext))
			if got := len(i.packets(i.theLayer(i.video))) == 3; got != c.want {
				t.Errorf("taken: %v", got)
			}
		})
	}
}

// A retransmission may overtake its stream by a little, not more.
func TestRepairAheadOfItsStream(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), repairOf(vp8(600, intakeFrame, false), 1))
	i.send(repairOf(vp8(102, 2*intakeFrame, false), 2), vp8(101, intakeFrame, false), vp8(102, 2*intakeFrame, false))
	if got := relative(seqsOf(i.packets(nil))); !slices.Equal(got, []int64{0, 2, 1}) {
		t.Errorf("%v", got)
	}
}

func TestRepairAloneMakesNoLayer(t *testing.T) {
	i := newIntake(t, nil)
	i.send(repairOf(vp8(100, 0, true), 1))
	if len(i.video.Layers()) != 0 {
		t.Error("a layer out of retransmissions")
	}
}

// An SSRC keeps to its role whatever the payload type says.
func TestRolesAreKept(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), vp8(102, 2*intakeFrame, false))
	media := vp8(101, intakeFrame, false)
	asMedia := repairOf(media, 101)
	asMedia.ssrc = intakeVideo // RTX on the media SSRC
	onRepair := media
	onRepair.ssrc = intakeRepair // media on the RTX SSRC
	audio := opus(101, 0)
	audio.ssrc = intakeVideo
	i.send(asMedia, onRepair, audio)
	if got := len(i.packets(nil)); got != 2 {
		t.Errorf("%d packets", got)
	}
}

func TestAnotherSSRCTakesASilentPlace(t *testing.T) {
	for name, change := range map[string]func(*IngestConfig){"declared": nil, "undeclared": undeclared} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, change)
			i.send(on(vp8(100, 0, true), intakeVideo, mid("v")))
			before := i.theLayer(i.video)
			i.send(on(vp8(7, 0, true), 500, mid("v")))
			if i.theLayer(i.video) != before {
				t.Fatal("a second SSRC took a live place")
			}
			i.now = i.now.Add(DefaultIngestSettings().RebindAfter)
			i.send(on(vp8(8, 90000, true), 500, mid("v")))
			after := i.theLayer(i.video)
			if after == before || len(i.packets(after)) != 1 {
				t.Fatal("the silent SSRC keeps its place")
			}
			i.send(on(vp8(101, intakeFrame, false), intakeVideo, mid("v")))
			if i.theLayer(i.video) != after || len(i.packets(nil)) != 2 {
				t.Error("the old SSRC is still heard")
			}
		})
	}
}

// A legacy simulcast of several declared SSRCs in one section.
func TestSeveralDeclaredSSRCs(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) {
		c.Sections[0].SSRCs = []DeclaredSSRC{{Media: 1}, {Media: 2, RTX: 3}}
	})
	i.send(on(vp8(1, 0, true), 2, nil), on(vp8(1, 0, true), 1, nil), on(vp8(1, 0, true), 9, mid("v")))
	if got := len(i.video.Layers()); got != 2 {
		t.Errorf("%d layers", got)
	}
}

// Memory is bounded whatever SSRCs, MIDs and RIDs a publisher makes up.
func TestDemuxIsBounded(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		i := newIntake(t, simulcast)
		for range 60 {
			w := wire{
				ssrc: rapid.Uint32().Draw(r, "ssrc"), seq: rapid.Uint16().Draw(r, "seq"),
				pt:      rapid.SampledFrom([]uint8{intakeVideoPT, intakeRTX, intakeAudioPT, 5}).Draw(r, "pt"),
				payload: []byte{0, 1, 2, 3},
				ext: midRID(rapid.SampledFrom([]string{"v", "a", "x"}).Draw(r, "mid"),
					rapid.SampledFrom([]string{"0", "1", "2", "y"}).Draw(r, "rid")),
			}
			if rapid.Bool().Draw(r, "repaired") {
				w.ext[intakeRepaired] = []byte(rapid.SampledFrom([]string{"0", "1", "2"}).Draw(r, "of"))
			}
			i.send(w)
			i.now = i.now.Add(time.Duration(rapid.IntRange(0, 300).Draw(r, "ms")) * time.Millisecond)
			if n := len(i.in.demux.bound); n > 8 {
				t.Fatalf("%d SSRCs bound in 4 slots", n)
			}
			i.bounded(r)
			if n := len(i.video.Layers()) + len(i.audio.Layers()); n > 4 {
				t.Fatalf("%d layers", n)
			}
		}
		for ssrc, b := range i.in.demux.bound {
			if !b.repair && b.slot.stream != nil && b.slot.stream.ssrc != ssrc {
				t.Fatalf("SSRC %d is bound to the place of %d", ssrc, b.slot.stream.ssrc)
			}
			if b.repair && b.slot.repair != ssrc {
				t.Fatalf("SSRC %d repairs for a place that has %d", ssrc, b.slot.repair)
			}
		}
	})
}

// M-084: what passes, what is translated and what stays.
func TestExtensionsThatPass(t *testing.T) {
	i := newIntake(t, nil)
	w := opus(1, 0)
	w.ext = map[uint8][]byte{
		intakeMID: []byte("a"), intakeRID: []byte("0"), intakeTCC: {0, 1},
		intakeLevel: {0x87}, intakeCapture: make([]byte, 8), 9: {1, 2},
	}
	i.send(w, opus(2, 960))
	packets := i.packets(nil)
	got := packets[0].Extensions
	if len(got) != 2 || got[0].URI != ExtAudioLevel || got[0].Value[0] != 0x87 || got[1].URI != ExtAbsCaptureTime {
		t.Fatalf("%+v", got)
	}
	if packets[1].Extensions != nil {
		t.Errorf("%+v", packets[1].Extensions)
	}
}

func TestHeaderExtensionForms(t *testing.T) {
	roles := new(extensionRoles)
	roles.learn(Extensions{ExtMID: 1, ExtAudioLevel: 2, ExtDependencyDescr: 200, ExtTransportCC: 3})
	for name, c := range map[string]struct {
		profile uint16
		bytes   string
		mid     string
		level   bool
		tcc     bool
	}{
		"one byte":                     {0xbede, "10 76 20 87", "v", true, false},
		"padding between":              {0xbede, "00 00 10 76 00 20 87 00", "v", true, false},
		"15 ends it":                   {0xbede, "10 76 f0 aa 20 87", "v", false, false},
		"cut off":                      {0xbede, "13 76", "", false, false},
		"unknown ids are skipped":      {0xbede, "61 01 02 10 76", "v", false, false},
		"two bytes":                    {0x1000, "01 01 76 00 02 01 87", "v", true, false},
		"two bytes, app bits":          {0x100f, "01 01 76", "v", false, false},
		"two bytes, empty value":       {0x1000, "02 00 01 01 76", "v", true, false},
		"two bytes, cut off":           {0x1000, "01 05 76", "", false, false},
		"two bytes, only an id":        {0x1000, "01", "", false, false},
		"another profile":              {0xabcd, "10 76", "", false, false},
		"transport numbers need bytes": {0xbede, "30 01 10 76", "v", false, false},
		"transport number":             {0xbede, "31 01 02", "", false, true},
		"empty":                        {0xbede, "", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var x ingestExtensions
			x.read(ingestHeader{profile: c.profile, extension: fromHex(t, c.bytes)}, roles)
			if string(x.mid) != c.mid || (x.count == 1) != c.level || x.hasTransport != c.tcc {
				t.Errorf("%+v", x)
			}
		})
	}
}

func TestHeaderParsing(t *testing.T) {
	for name, c := range map[string]struct {
		bytes string
		ok    bool
		n     int
	}{
		"plain":                  {"8060 0001 00000000 00000001 aabb", true, 2},
		"no payload":             {"8060 0001 00000000 00000001", true, 0},
		"CSRCs":                  {"8260 0001 00000000 00000001 00000001 00000002 aa", true, 1},
		"CSRCs, cut off":         {"8260 0001 00000000 00000001 00000001", false, 0},
		"extension":              {"9060 0001 00000000 00000001 bede0001 10760000 aa", true, 1},
		"extension, cut off":     {"9060 0001 00000000 00000001 bede0002 10760000", false, 0},
		"extension, no length":   {"9060 0001 00000000 00000001 bede", false, 0},
		"padding":                {"a060 0001 00000000 00000001 aabb0002", true, 2},
		"only padding":           {"a060 0001 00000000 00000001 0002", true, 0},
		"padding of zero":        {"a060 0001 00000000 00000001 0000", false, 0},
		"padding without a byte": {"a060 0001 00000000 00000001", false, 0},
		"too much padding":       {"a060 0001 00000000 00000001 0003", false, 0},
		"version 1":              {"4060 0001 00000000 00000001", false, 0},
		"short":                  {"8060 0001", false, 0},
		"nothing":                {"", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h, ok := parseIngestHeader(fromHex(t, c.bytes))
			if ok != c.ok || ok && len(h.payload) != c.n {
				t.Errorf("%v, %+v", ok, h)
			}
		})
	}
}
