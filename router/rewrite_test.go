package router

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
	"pgregory.net/rapid"
)

func TestPictureShiftKeepsWidth(t *testing.T) {
	// M-046: 7 or 15 bits as they were, everything else unchanged.
	for _, c := range []struct {
		name  string
		d     Descriptor
		shift pictureShift
		in    []byte
		want  []byte
	}{
		{"15 bits", Descriptor{Len: 6, PictureIDBits: 15, PictureIDAt: 2, PictureID: 0x0102, TL0At: 4, TL0: 9, KeyIdxAt: 5, KeyIdx: 3},
			pictureShift{2, 3, 4}, []byte{0x90, 0xF0, 0x81, 0x02, 9, 0x63}, []byte{0x90, 0xF0, 0x81, 0x04, 12, 0x67}},
		{"15 bits wrap", Descriptor{Len: 4, PictureIDBits: 15, PictureIDAt: 2, PictureID: 0x7FFF},
			pictureShift{picture: 1}, []byte{0x90, 0x80, 0xFF, 0xFF}, []byte{0x90, 0x80, 0x80, 0x00}},
		{"7 bits", Descriptor{Len: 3, PictureIDBits: 7, PictureIDAt: 2, PictureID: 0x7E},
			pictureShift{picture: 3}, []byte{0x90, 0x80, 0x7E}, []byte{0x90, 0x80, 0x01}},
		{"KEYIDX wraps, TID and Y stay", Descriptor{Len: 3, KeyIdxAt: 2, KeyIdx: 31},
			pictureShift{key: 2}, []byte{0x90, 0x30, 0xFF}, []byte{0x90, 0x30, 0xE1}},
		{"TL0 wraps", Descriptor{Len: 3, TL0At: 2, TL0: 255},
			pictureShift{tl0: 2}, []byte{0x90, 0x40, 255}, []byte{0x90, 0x40, 1}},
		{"no picture id: left alone", Descriptor{Len: 1}, pictureShift{5, 5, 5}, []byte{0x10}, []byte{0x10}},
		{"offsets beyond the end", Descriptor{Len: 1, PictureIDBits: 15, PictureIDAt: 200, TL0At: 9, KeyIdxAt: 7}, pictureShift{5, 5, 5}, []byte{0x10}, []byte{0x10}},
	} {
		b := bytes.Clone(c.in)
		c.shift.apply(b, &c.d)
		if !bytes.Equal(b, c.want) {
			t.Errorf("%s: %x, want %x", c.name, b, c.want)
		}
	}
}

func TestPictureShiftCopiesOnlyWhatItMust(t *testing.T) {
	p := &Packet{Payload: make([]byte, 10), Frame: Frame{Descriptor: Descriptor{Len: 6}}}
	for _, c := range []struct {
		shift pictureShift
		len   uint8
		want  int
	}{{pictureShift{}, 6, 0}, {pictureShift{picture: 1}, 6, 6}, {pictureShift{picture: 1}, 0, 0}, {pictureShift{picture: 1}, 11, 0}} {
		p.Frame.Descriptor.Len = c.len
		if got := c.shift.prefixLen(p); got != c.want {
			t.Errorf("%+v, descriptor of %d: %d, want %d", c.shift, c.len, got, c.want)
		}
	}
}

func TestPicturesContinuousOverSwitches(t *testing.T) {
	// M-046, T-128: as a VP8 depacketizer sees it.
	w, f, _, p := liveVideo(t)
	for i := range 4 {
		next := w.feedOf(byte(2+i), f.layer.track, testVP8)
		show(f.layer.track, next)
		next.run(400*time.Millisecond, true)
	}
	var last codecs.VP8Packet
	for i, n := range p.order {
		var d codecs.VP8Packet
		if _, err := d.Unmarshal(p.got[n].Payload); err != nil {
			t.Fatal(err)
		}
		next := uint16(0)
		if i%3 == 0 {
			next = 1
		}
		if i > 0 && (d.PictureID != (last.PictureID+next)&0x7FFF || d.TL0PICIDX != last.TL0PICIDX+uint8(next)) {
			t.Fatalf("packet %d: picture %d after %d, TL0PICIDX %d after %d", i, d.PictureID, last.PictureID, d.TL0PICIDX, last.TL0PICIDX)
		}
		if i > 0 && d.KEYIDX != last.KEYIDX && d.KEYIDX != (last.KEYIDX+1)&0x1F {
			t.Fatalf("KEYIDX %d after %d", d.KEYIDX, last.KEYIDX)
		}
		last = d
	}
}

func TestTimelineNext(t *testing.T) {
	base := time.Unix(1000, 0)
	for _, c := range []struct {
		name          string
		capture, wall time.Duration
		want          uint32
	}{
		{"M-042 true capture distance", 40 * time.Millisecond, 55 * time.Millisecond, 3600},
		{"at least a step", time.Millisecond, time.Millisecond, 900},
		{"M-043 never back", -30 * time.Millisecond, 5 * time.Millisecond, 900},
		{"absurd capture: arrival distance", 40 * time.Hour, 100 * time.Millisecond, 9000},
		{"absurd capture in the past", -time.Hour, 100 * time.Millisecond, 9000},
		{"both back", -time.Hour, -time.Hour, 900},
		{"long pause", 5 * time.Minute, 5 * time.Minute, 5 * 60 * 90000},
		{"pause of days is bounded", 72 * time.Hour, 72 * time.Hour, 3600 * 90000},
	} {
		var l timeline
		l.anchor(0xFFFFFF00, base, base, 90000)
		if got := l.next(base.Add(c.capture), base.Add(c.wall), 90000, timestampStep) - 0xFFFFFF00; got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTimelineAfterReorderedFrames(t *testing.T) {
	// The highest timestamp counts, not the last one: B-frames go back a little.
	base := time.Unix(1000, 0)
	var l timeline
	l.anchor(90000, base, base, 90000)
	l.anchor(90000-3600, base.Add(-40*time.Millisecond), base, 90000)
	if got := l.next(base.Add(-20*time.Millisecond), base, 90000, timestampStep); got != 90900 {
		t.Errorf("%d, want 90900", got)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		rate uint32
		want int32
	}{{time.Second, 90000, 90000}, {time.Second / 3, 90000, 30000}, {20 * time.Millisecond, 48000, 960}, {-time.Second, 8000, -8000}, {-time.Second / 3, 90000, -30000}, {0, 1, 0}} {
		if got := int32(ticks(c.d, c.rate)); got != c.want {
			t.Errorf("%v at %d: %d, want %d", c.d, c.rate, got, c.want)
		}
	}
}

func TestTimestampMapKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := timestampMap{in: rapid.Uint32().Draw(t, "in"), out: rapid.Uint32().Draw(t, "out"),
			pace: rapid.SampledFrom([]int64{1000, 2000, 2500, 7999, 8000}).Draw(t, "pace")}
		a := rapid.Int32Range(-1<<28, 1<<28).Draw(t, "a")
		b := a + rapid.Int32Range(0, 1<<20).Draw(t, "b")
		d := int64(int32(m.at(m.in+uint32(b)) - m.at(m.in+uint32(a))))
		exact := int64(b-a) * 1000 / m.pace
		if d < exact || d > exact+1 {
			t.Fatalf("distance %d became %d at pace %d", b-a, d, m.pace)
		}
		if m.at(m.in) != m.out {
			t.Fatal("the first frame is not where it should be")
		}
	})
}
