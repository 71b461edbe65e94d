package floor

import (
	"slices"
	"testing"
)

func TestTheReferenceIsAmongTheCases(t *testing.T) {
	if !slices.Contains(Cases(), Reference()) {
		t.Error("it is not")
	}
	seen := map[string]bool{}
	for _, c := range Cases() {
		if seen[c.String()] {
			t.Errorf("%s is there twice", c)
		}
		seen[c.String()] = true
	}
}

func TestSealedPacketsDiffer(t *testing.T) {
	a, err := newArena(2)
	if err != nil {
		t.Fatal(err)
	}
	plain := slices.Clone(a.packet(0))
	a.seal(0)
	first := slices.Clone(a.packet(0))
	if slices.Equal(first, plain) || !slices.Equal(first[:headerBytes], plain[:headerBytes]) {
		t.Error("the payload is to be sealed, the header is not")
	}
	copy(a.packet(1), plain)
	a.seal(1)
	if slices.Equal(a.packet(1), first) {
		t.Error("one nonce was used twice")
	}
}
