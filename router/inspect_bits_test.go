package router

import (
	"testing"

	"pgregory.net/rapid"
)

// Exp-Golomb and emulation prevention against a writer of our own.
func TestBitReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Uint32Range(0, 1<<24), 1, 40).Draw(t, "numbers")
		var w bitWriter
		for _, n := range numbers {
			w.ue(n)
		}
		w.bits(1, 1)
		r := bitReader{b: w.escaped(), escape: true}
		for i, n := range numbers {
			if got := r.ue(); got != n || r.failed {
				t.Fatalf("number %d is %d, want %d", i, got, n)
			}
		}
		r = bitReader{b: w.b}
		for i, n := range numbers {
			want := int32(n/2 + 1)
			if n%2 == 0 {
				want = -int32(n / 2)
			}
			if got := r.se(); n > 0 && got != want {
				t.Fatalf("signed number %d is %d, want %d", i, got, want)
			}
		}
	})
}

func TestBitReaderEnds(t *testing.T) {
	r := bitReader{b: []byte{0}}
	if r.ue() != 0 || !r.failed {
		t.Error("read beyond the end")
	}
	r = bitReader{b: make([]byte, 9)}
	if r.ue() != 0 || !r.failed {
		t.Error("72 zeros are no number")
	}
}

// Any size an encoder can write is read, with all the fields before it.
func TestH264SizeModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		profile := rapid.SampledFrom([]uint32{66, 77, 100, 110, 122, 244}).Draw(t, "profile")
		chroma := rapid.Uint32Range(0, 3).Draw(t, "chroma")
		mbs, lines := rapid.Uint32Range(1, 500).Draw(t, "width"), rapid.Uint32Range(1, 300).Draw(t, "height")
		frames := rapid.Bool().Draw(t, "frame_mbs_only")
		crop := rapid.SliceOfN(rapid.Uint32Range(0, 3), 4, 4).Draw(t, "crop")
		var w bitWriter
		w.bits(8, 0x67)
		w.bits(8, profile)
		w.bits(16, 0x1f)
		w.ue(0)
		if !h264HasChroma(profile) {
			chroma = 1
		} else {
			w.writeChroma(t, chroma)
		}
		w.ue(4)
		w.writeOrderCount(t)
		w.ue(2)
		w.bits(1, 0)
		w.ue(mbs - 1)
		w.ue(lines - 1)
		w.flag(frames)
		if !frames {
			w.bits(1, 0)
		}
		w.bits(2, 3) // direct_8x8_inference, cropping
		for _, c := range crop {
			w.ue(c)
		}
		w.bits(1, 0) // VUI
		w.bits(1, 1)
		x, y := chromaUnits(chroma)
		fields := int64(1)
		if !frames {
			fields = 2
		}
		width := int64(mbs)*16 - x*int64(crop[0]+crop[1])
		height := int64(lines)*16*fields - y*fields*int64(crop[2]+crop[3])
		var f Frame
		inspectH264(w.escaped(), &f)
		if int64(f.Width) != width || int64(f.Height) != height {
			t.Fatalf("%dx%d, want %dx%d", f.Width, f.Height, width, height)
		}
	})
}

func (w *bitWriter) writeChroma(t *rapid.T, chroma uint32) {
	w.ue(chroma)
	if chroma == 3 {
		w.bits(1, 0)
	}
	w.ue(0)
	w.ue(0)
	w.bits(1, 0)
	scaling := rapid.Bool().Draw(t, "scaling")
	w.flag(scaling)
	if !scaling {
		return
	}
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		present := rapid.Bool().Draw(t, "list")
		w.flag(present)
		if !present {
			continue
		}
		if rapid.Bool().Draw(t, "default") {
			w.ue(16) // delta -8: the rest is the default
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		for range size {
			w.ue(1) // delta +1
		}
	}
}

func (w *bitWriter) writeOrderCount(t *rapid.T) {
	kind := rapid.Uint32Range(0, 2).Draw(t, "pic_order_cnt_type")
	w.ue(kind)
	switch kind {
	case 0:
		w.ue(4)
	case 1:
		w.bits(1, 0)
		w.ue(3)
		w.ue(4)
		n := rapid.Uint32Range(0, 5).Draw(t, "cycle")
		w.ue(n)
		for range n {
			w.ue(9)
		}
	}
}

// bitWriter is the opposite of bitReader.
type bitWriter struct {
	b []byte
	n int
}

func (w *bitWriter) bits(n int, v uint32) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func (w *bitWriter) flag(v bool) {
	if v {
		w.bits(1, 1)
	} else {
		w.bits(1, 0)
	}
}

func (w *bitWriter) ue(v uint32) {
	n := 0
	for v+1 >= 2<<n {
		n++
	}
	w.bits(n, 0)
	w.bits(n+1, v+1)
}

// escaped adds emulation prevention.
func (w *bitWriter) escaped() (out []byte) {
	zeros := 0
	for _, b := range w.b {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}
