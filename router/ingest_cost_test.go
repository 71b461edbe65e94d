package router

import (
	"encoding/binary"
	"testing"
	"time"
)

// maxAllocations is how many allocations a packet may cost on its way in, all
// that is kept included. Raising it needs a reason.
const maxAllocations = 0.5

// traffic is an endless stream of video of 8 packets a frame, with a transport
// number and an audio level, patched in place.
type traffic struct {
	in  *Ingest
	now time.Time
	b   []byte
	n   int
}

func newTraffic(tb testing.TB, subscribers int) *traffic {
	i := newIntake(tb, transportCC)
	for range subscribers {
		tb.Cleanup(i.video.Subscribe(nobody{}))
	}
	tb.Cleanup(i.in.Close)
	w := numbered(vp8(0, 0, false), 0)
	w.ext[intakeLevel] = []byte{1}
	w.payload = append(w.payload, make([]byte, 1100)...)
	in := NewIngest(i.in.cfg) // without the intake: it keeps everything
	tb.Cleanup(in.Close)
	return &traffic{in: in, now: intakeStart, b: w.bytes()}
}

func (f *traffic) next() {
	f.n++
	frame := f.n / 8
	binary.BigEndian.PutUint16(f.b[2:], uint16(f.n))
	binary.BigEndian.PutUint32(f.b[4:], uint32(frame)*intakeFrame)
	f.b[1] = intakeVideoPT
	if f.n%8 == 7 {
		f.b[1] |= 0x80
	}
	f.now = f.now.Add(4 * time.Millisecond)
	f.in.RTP(f.now, f.b)
}

func TestAllocationsPerPacket(t *testing.T) {
	cfg := intakeConfig()
	cfg.Sections[0].Track.Subscribe(nobody{})
	f := &traffic{in: NewIngest(cfg), now: intakeStart, b: newTraffic(t, 0).b}
	for range 4096 {
		f.next()
	}
	if n := testing.AllocsPerRun(4096, f.next); n > maxAllocations {
		t.Errorf("%.2f allocations per packet, want at most %.2f", n, maxAllocations)
	}
}

func TestTickWithoutWorkAllocatesNothing(t *testing.T) {
	cfg := intakeConfig()
	f := &traffic{in: NewIngest(cfg), now: intakeStart, b: newTraffic(t, 0).b}
	f.next()
	f.in.Tick(f.now)
	if n := testing.AllocsPerRun(100, func() { f.in.Tick(f.now) }); n > 0 {
		t.Errorf("%.2f allocations", n)
	}
}

func BenchmarkIngestRTP(b *testing.B) {
	f := newTraffic(b, 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(f.b)))
	for b.Loop() {
		f.next()
	}
}

func BenchmarkIngestTick(b *testing.B) {
	f := newTraffic(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		f.next()
		f.now = f.now.Add(10 * time.Millisecond)
		f.in.Tick(f.now)
	}
}

func BenchmarkInspect(b *testing.B) {
	for name, payload := range map[string]string{H264: "7c0588", H265: "620113af", VP8: "90f0812345b701", VP9: "ec235099", AV1: "1030109999"} {
		b.Run(name, func(b *testing.B) {
			p := fromHex(b, payload)
			inspect := inspectorOf(name)
			b.ReportAllocs()
			for b.Loop() {
				var f Frame
				inspect(p, &f)
			}
		})
	}
}

func BenchmarkGroup(b *testing.B) {
	h := videoHistory(2048, groupBounds{})
	for seq := range int64(2000) {
		h.add(packetAt(seq, seq == 0))
	}
	b.ReportAllocs()
	for b.Loop() {
		h.currentGroup()
	}
}
