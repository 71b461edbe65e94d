package stamp

import (
	"testing"

	"pgregory.net/rapid"
)

func TestALayerIsKeptBesideTheNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layer, number := rapid.IntRange(0, MaxLayers-1).Draw(t, "layer"), rapid.Uint32Max(1<<28-1).Draw(t, "number")
		frame := OfLayer(layer, number)
		if got, ok := Layer(frame); !ok || got != layer || Number(frame) != number {
			t.Fatalf("%x says layer %d (%v), number %d", frame, got, ok, Number(frame))
		}
		if _, ok := Layer(number); ok {
			t.Fatalf("%d says a layer", number)
		}
	})
}
