package router

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestMediaOfDeclaredSSRCsIsDelivered(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), vp8(101, intakeFrame, false), opus(7, 0))
	if got := len(i.bursts); got != 3 {
		t.Fatalf("%d bursts, want one per frame", got)
	}
	l := i.theLayer(i.video)
	video, audio := i.packets(l), i.packets(i.theLayer(i.audio))
	if got := relative(seqsOf(video)); !slices.Equal(got, []int64{0, 1}) {
		t.Errorf("Seq %v", got)
	}
	if w, h := l.Size(); w != 640 || h != 360 {
		t.Errorf("size %dx%d", w, h)
	}
	if f := audio[0].Frame; !f.Start || !f.End || !f.KeyStart {
		t.Errorf("audio frame %+v: every packet is a whole one", f)
	}
	if l.Track() != i.video || l.Codec().Name != VP8 || i.video.Codec().Name != VP8 || l.RID() != "" {
		t.Errorf("layer %+v of codec %v", l, l.Codec())
	}
	if l.Packet(video[1].Seq) != video[1] || l.Packet(video[1].Seq+1) != nil {
		t.Error("the history has not what was delivered")
	}
	if !i.video.Active(i.now.Add(activeFor)) || i.video.Active(i.now.Add(activeFor+1)) {
		t.Error("active is not one second long")
	}
}

// M-003, M-004: a hole is filled by RTX, by a late packet or by a plain
// duplicate on the media SSRC, and only once.
func TestAHoleIsFilledOnce(t *testing.T) {
	late := vp8(101, intakeFrame, false)
	for name, repairs := range map[string][]wire{
		"RTX":                      {repairOf(late, 1)},
		"plain":                    {late},
		"RTX twice":                {repairOf(late, 1), repairOf(late, 2)},
		"RTX and plain":            {repairOf(late, 1), late},
		"plain and RTX":            {late, repairOf(late, 1)},
		"others' duplicates first": {vp8(100, 0, true), repairOf(vp8(102, 2*intakeFrame, false), 9), late},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, nil)
			i.send(vp8(100, 0, true), vp8(102, 2*intakeFrame, false))
			i.send(repairs...)
			i.send(vp8(103, 3*intakeFrame, false))
			l := i.theLayer(i.video)
			if got := relative(seqsOf(i.packets(l))); !slices.Equal(got, []int64{0, 2, 1, 3}) {
				t.Errorf("Seq %v in order of arrival", got)
			}
			if got := relative(seqsOf(l.Group())); !slices.Equal(got, []int64{0, 1, 2, 3}) {
				t.Errorf("group %v, want it in order", got)
			}
			p := i.packets(l)[2]
			if p.Timestamp != intakeFrame || !p.Marker || !slices.Equal(p.Payload, late.payload) {
				t.Errorf("repaired packet %+v", p)
			}
			if s := i.in.Stats().Layers[0]; s.Lost != 0 {
				t.Errorf("%d lost after the repair", s.Lost)
			}
		})
	}
}

// M-005, T-127: retransmissions with nothing in them are probes.
func TestProbesReachNobody(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true))
	i.takeBursts()
	for _, probe := range []wire{
		{ssrc: intakeRepair, pt: intakeRTX, seq: 1, padding: 200},
		{ssrc: intakeRepair, pt: intakeRTX, seq: 2, payload: []byte{0, 101}},
		{ssrc: intakeRepair, pt: intakeRTX, seq: 3, payload: []byte{0, 101}, padding: 20},
		{ssrc: intakeRepair, pt: intakeRTX, seq: 4, payload: []byte{0}},
		{ssrc: 0, pt: intakeVideoPT, seq: 5, payload: []byte{0x10, 0}},
	} {
		i.send(probe)
	}
	i.send(vp8(101, intakeFrame, false))
	i.pass(50 * time.Millisecond)
	if got := len(i.packets(nil)); got != 1 {
		t.Errorf("%d packets, want only the frame", got)
	}
	if n := asked(i.sent); n != nil {
		t.Errorf("asked for %v", n)
	}
}

// M-053: padding is numbered away where it comes in time, and is a packet of its
// own where its number is taken.
func TestPaddingIsNumberedAway(t *testing.T) {
	padding := func(seq uint16) wire {
		return wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, padding: 255}
	}
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), padding(101), padding(102), vp8(103, intakeFrame, false))
	i.send(vp8(106, 2*intakeFrame, false)) // 104 and 105 are missing
	late := padding(104)
	late.ts = intakeFrame
	i.send(late, vp8(105, 2*intakeFrame, false), padding(107), vp8(108, 3*intakeFrame, false))
	packets := i.packets(i.theLayer(i.video))
	if got := relative(seqsOf(packets)); !slices.Equal(got, []int64{0, 1, 4, 2, 3, 5}) {
		t.Fatalf("Seq %v", got)
	}
	if p := packets[3]; len(p.Payload) != 0 || p.Frame.KeyStart {
		t.Errorf("late padding became %+v", p)
	}
}

func TestPaddingIsCutOffMedia(t *testing.T) {
	i := newIntake(t, nil)
	w := vp8(100, 0, true)
	w.padding = 17
	i.send(w)
	if got := i.packets(nil)[0].Payload; !slices.Equal(got, w.payload) {
		t.Errorf("payload % x", got)
	}
}

// A publisher that starts its numbers anew on the same SSRC gets a new layer.
func TestANewNumberingIsANewLayer(t *testing.T) {
	for name, restart := range map[string]struct {
		seq uint16
		ts  uint32
	}{
		"far away":                     {40000, 5000},
		"back to zero":                 {0, 0},
		"inside the window":            {1003, 0xdeadbeef},
		"the numbers go on, not times": {1010, 0x80000000},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, nil)
			for n := range uint16(10) {
				i.send(vp8(1000+n, 90000000+uint32(n)*intakeFrame, n == 0))
				i.pass(33 * time.Millisecond)
			}
			before := i.theLayer(i.video)
			i.takeBursts()
			for n := range uint16(4) {
				i.send(vp8(restart.seq+n, restart.ts+uint32(n)*intakeFrame, n == 0))
				i.pass(33 * time.Millisecond)
			}
			after := i.theLayer(i.video)
			if after == before {
				t.Fatal("still the old layer")
			}
			packets := i.packets(after)
			if got := relative(seqsOf(packets)); !slices.Equal(got, []int64{0, 1, 2, 3}) {
				t.Fatalf("Seq %v: nothing may be lost", got)
			}
			if !packets[0].Frame.KeyStart || packets[0].Timestamp != restart.ts {
				t.Errorf("starts with %+v", packets[0])
			}
			if n := asked(i.sent); n != nil {
				t.Errorf("asked for %v", n)
			}
		})
	}
}

// One packet from nowhere is not a new numbering.
func TestAStrangePacketIsDropped(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(1000, 0, true), vp8(30000, 0x70000000, false), vp8(1001, intakeFrame, false))
	i.send(vp8(40000, 0, false), vp8(1002, 2*intakeFrame, false))
	i.send(vp8(30000, 0x70000000, false), vp8(30005, 0x70000000, false)) // two, but not one after the other
	if got := relative(seqsOf(i.packets(i.theLayer(i.video)))); !slices.Equal(got, []int64{0, 1, 2}) {
		t.Errorf("Seq %v", got)
	}
}

func TestNewNumberingsAreLimited(t *testing.T) {
	i := newIntake(t, nil)
	layers := map[*Layer]bool{}
	for n := range 1000 {
		base := uint16(n * 7919)
		i.send(vp8(base, uint32(n)<<22, true), vp8(base+1, uint32(n)<<22+intakeFrame, false))
		i.now = i.now.Add(time.Millisecond)
		for _, l := range i.video.Layers() {
			layers[l] = true
		}
	}
	if len(layers) > 4 {
		t.Errorf("%d layers in a second", len(layers))
	}
}

// Numbers that repeat what was there before, for good, are a new numbering too.
func TestANumberingThatLooksLikeTheOldOne(t *testing.T) {
	i := newIntake(t, nil)
	for n := range uint16(300) {
		i.send(vp8(n, uint32(n)*intakeFrame, n == 0))
	}
	before := i.theLayer(i.video)
	i.pass(2 * time.Second)
	for n := range uint16(300) {
		i.send(vp8(n, uint32(n)*intakeFrame, n == 0))
		i.pass(10 * time.Millisecond)
	}
	if i.theLayer(i.video) == before {
		t.Error("the stream is dead")
	}
}

func TestACodecChangeIsANewLayer(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) {
		pts := &c.Sections[0].PayloadTypes
		*pts = append(*pts, PayloadType{Number: 98, RTX: 99, Codec: Codec{Name: H264, ClockRate: 90000}})
	})
	i.send(vp8(100, 0, true))
	w := vp8(101, intakeFrame, true)
	w.pt, w.payload = 98, []byte{0x65, 1, 2}
	i.send(w)
	l := i.theLayer(i.video)
	if l.Codec().Name != H264 || len(i.packets(l)) != 1 || i.video.Codec().Name != H264 {
		t.Errorf("codec %v", l.Codec())
	}
	// A retransmission of the codec before has no place there.
	i.send(repairOf(vp8(100, 0, true), 1))
	if got := len(i.packets(nil)); got != 2 {
		t.Errorf("%d packets", got)
	}
}

func TestCodecChangesAreLimited(t *testing.T) {
	i := newIntake(t, func(c *IngestConfig) {
		pts := &c.Sections[0].PayloadTypes
		*pts = append(*pts, PayloadType{Number: 98, Codec: Codec{Name: VP9, ClockRate: 90000}})
	})
	layers := map[*Layer]bool{}
	for n := range uint16(1000) {
		w := vp8(n, uint32(n)*90, true)
		w.pt = intakeVideoPT + uint8(n%2)*2
		i.send(w)
		i.now = i.now.Add(time.Millisecond)
		layers[i.theLayer(i.video)] = true
	}
	if len(layers) > 3 {
		t.Errorf("%d layers in a second", len(layers))
	}
}

// RFC 3550 6.6: BYE ends the stream; a straggler does not bring it back.
func TestGoodbyeEndsAStream(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), opus(1, 0))
	i.in.RTCP(i.now, rtcpBytes(t, &rtcp.ReceiverReport{SSRC: intakeVideo}, &rtcp.Goodbye{Sources: []uint32{intakeVideo, 77}}))
	if len(i.video.Layers()) != 0 || len(i.audio.Layers()) != 1 {
		t.Fatalf("layers %v and %v", i.video.Layers(), i.audio.Layers())
	}
	i.send(vp8(101, intakeFrame, false))
	if len(i.video.Layers()) != 0 {
		t.Fatal("a straggler brought the stream back")
	}
	i.pass(time.Second)
	i.send(vp8(500, 900000, true))
	if got := i.packets(i.theLayer(i.video)); len(got) != 1 || !got[0].Frame.KeyStart {
		t.Errorf("came back with %v", got)
	}
}

// What counts as repaired: what was asked for, and whatever came as RTX.
func TestRepairedIsCounted(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), vp8(105, 5*intakeFrame, false), vp8(104, 4*intakeFrame, false))
	i.send(repairOf(vp8(103, 3*intakeFrame, false), 1))
	i.pass(50 * ms)
	i.send(vp8(102, 2*intakeFrame, false))
	if l := i.in.Stats().Layers[0]; l.Lost != 1 || l.Repaired != 2 {
		t.Errorf("%d lost, %d repaired", l.Lost, l.Repaired)
	}
}

func TestStats(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true), vp8(100, 0, true), vp8(102, 2*intakeFrame, false))
	i.send(wire{ssrc: 5, pt: 50}, wire{ssrc: intakeVideo, pt: 50})
	i.in.RTP(i.now, []byte{1, 2, 3})
	i.pass(40 * time.Millisecond)
	i.send(repairOf(vp8(101, intakeFrame, false), 1))
	i.video.Layers()[0].RequestKeyFrame(i.now)
	i.pass(200 * time.Millisecond)
	s := i.in.Stats()
	if s.Packets != 7 || s.Malformed != 1 || s.Unbound != 2 || s.FirstPacket != intakeStart || s.FirstKeyFrame != intakeStart {
		t.Errorf("%+v", s)
	}
	if len(s.Layers) != 1 {
		t.Fatalf("%d layers", len(s.Layers))
	}
	l := s.Layers[0]
	want := LayerStats{
		Mid: "v", Kind: Video, SSRC: intakeVideo, Codec: Codec{Name: VP8, ClockRate: 90000},
		Packets: 3, Bytes: 13 + 5 + 5, Missing: 1, Repaired: 1, Duplicates: 1, NACKs: 1, KeyRequests: 1, KeyFrames: 1,
		RTT: l.RTT, Jitter: l.Jitter, FirstPacket: intakeStart, FirstKeyFrame: intakeStart, Width: 640, Height: 360,
		Facts: StreamFacts{LastKeyFrame: intakeStart},
	}
	if l != want {
		t.Errorf("got  %+v\nwant %+v", l, want)
	}
	if l.RTT < 10*time.Millisecond || l.RTT > 40*time.Millisecond {
		t.Errorf("RTT %v", l.RTT)
	}
}
