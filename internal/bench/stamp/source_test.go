package stamp

import (
	"testing"

	"pgregory.net/rapid"
)

func TestASourceIsKeptBesideNumberAndLayer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source, number := rapid.IntRange(1, MaxSource).Draw(t, "source"), rapid.Uint32Max(1<<20-1).Draw(t, "number")
		layer := rapid.IntRange(0, MaxLayers-1).Draw(t, "layer")
		frame := OfLayer(layer, OfSource(source, number))
		if got, ok := Layer(frame); Source(frame) != source || !ok || got != layer {
			t.Fatalf("%x says source %d, layer %d (%v)", frame, Source(frame), got, ok)
		}
		if OfSource(0, number) != number || Source(number) != 0 {
			t.Fatalf("%d says a source", number)
		}
	})
}
