package source

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/internal/bench/stamp"
)

func TestPicturesAreCutAsEncodersDo(t *testing.T) {
	at := time.Unix(1_790_000_000, 123)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(leastFrameBytes, 200_000).Draw(t, "size")
		key := rapid.Bool().Draw(t, "key")
		split := rapid.SampledFrom([]Split{SplitFull, SplitEqual}).Draw(t, "split")
		p := newPicture()
		p.begin(77, key, size, split)
		total := 1 // the NAL header, which fragments take apart
		for i := range p.sizes {
			b := p.make(i, at)
			if len(b) > maxPayloadBytes {
				t.Fatalf("packet %d has %d bytes", i, len(b))
			}
			if when, frame, ok := stamp.Find(b); !ok || frame != 77 || !when.Equal(at) {
				t.Fatalf("packet %d of %d: stamp %v %v %v", i, len(p.sizes), when, frame, ok)
			}
			if bytes.Contains(b, []byte{0, 0}) {
				t.Fatalf("packet %d could hold a start code", i)
			}
			total += len(b)
			if len(p.sizes) > 1 {
				total -= fuHeaderBytes
				checkFragment(t, b, i == 0, i == len(p.sizes)-1, key)
			} else if total--; b[0] != map[bool]byte{true: nalIDR, false: nalSlice}[key] {
				t.Fatalf("NAL header %#x", b[0])
			}
		}
		if total > size+1 || total < size-leastRestBytes-1 {
			t.Fatalf("%d bytes, want about %d", total, size)
		}
		if split == SplitEqual && p.sizes[0]-p.sizes[len(p.sizes)-1] > 1 {
			t.Fatalf("not equal: %v", p.sizes)
		}
	})
}

func checkFragment(t *rapid.T, b []byte, first, last, key bool) {
	kind := map[bool]byte{true: 5, false: 1}[key]
	if b[0]&nalTypes != nalFUA || b[1]&nalTypes != kind {
		t.Fatalf("fragment headers %#x %#x", b[0], b[1])
	}
	if got := b[1]&0x80 != 0; got != first {
		t.Fatalf("start bit %v", got)
	}
	if got := b[1]&0x40 != 0; got != last {
		t.Fatalf("end bit %v", got)
	}
	if first && b[2]&0x80 == 0 {
		t.Fatal("the slice does not begin at macroblock 0")
	}
}

func TestFramesKeepTheBitRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fps := rapid.IntRange(1, 120).Draw(t, "fps")
		rate := rapid.IntRange(fps*leastFrameBytes*8*8, 50_000_000).Draw(t, "rate")
		period := rapid.IntRange(1, 10*fps).Draw(t, "period")
		asked := rapid.IntRange(1, 3*fps).Draw(t, "asked") // somebody asks every so often
		b := newBudget(rate, fps, period)
		const frames = 5000
		sum, until := 0, 0
		for i := range frames {
			key := until == 0 || i%asked == 0
			if key {
				until = period
			}
			until--
			size := b.next(key)
			if size > keyWeight*b.delta && size > leastFrameBytes {
				t.Fatalf("frame %d of %d bytes", i, size)
			}
			sum += size
		}
		mean := float64(sum) / frames
		if limit := float64(b.average)*1.02 + leastFrameBytes/4; mean > limit {
			t.Fatalf("mean %.0f bytes, wanted %d", mean, b.average)
		}
	})
}

func TestAPlannedGroupUsesTheWholeRate(t *testing.T) {
	const period = 60
	b := newBudget(2_500_000, 30, period)
	sum, key := 0, 0
	for i := range 10 * period {
		n := b.next(i%period == 0)
		sum += n
		if i%period == 0 {
			key = n
		}
	}
	if rate := sum * 8 * 30 / (10 * period); rate < 2_450_000 || rate > 2_500_000 {
		t.Errorf("%d bit/s", rate)
	}
	if key != keyWeight*b.next(false) {
		t.Errorf("key frames have %d bytes, others %d", key, b.delta)
	}
}
