package audience

import (
	"testing"

	"pgregory.net/rapid"
)

// TestSequenceAgreesWithASet sends numbers of a stream that loses, repeats and
// reorders, over any number of wraps, and compares with a set of all that came.
func TestSequenceAgreesWithASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sequence
		at := 1<<16 + rapid.Int64Range(0, 1<<16-1).Draw(t, "first") // as an extended number
		seen := map[int64]bool{at: true}
		s.add(uint16(at))
		first, highest, expected := at, at, int64(1)
		for range rapid.IntRange(0, 300).Draw(t, "packets") {
			next := highest + rapid.OneOf(rapid.Int64Range(-20, 20), rapid.Int64Range(1, 3000)).Draw(t, "step")
			index, kind, gap := s.add(uint16(next))
			if index != next {
				t.Fatalf("index %d, want %d", index, next)
			}
			want, wantGap := late, 0
			switch {
			case seen[next]:
				want = duplicate
			case next > highest:
				want, wantGap = inOrder, int(next-highest)-1
				highest = next
			}
			if kind != want || gap != wantGap {
				t.Fatalf("packet %d: kind %d gap %d, want %d %d", next, kind, gap, want, wantGap)
			}
			seen[next] = true
			first = min(first, next)
			expected = highest - first + 1
		}
		if s.highest-s.first+1 != expected {
			t.Fatalf("%d to %d, want %d packets", s.first, s.highest, expected)
		}
	})
}

func TestAJumpOfNumbersIsANewStart(t *testing.T) {
	var s sequence
	for n := range uint16(10) {
		s.add(1000 + n)
	}
	if _, kind, _ := s.add(40_000); kind != stray {
		t.Fatalf("kind %d", kind)
	}
	if _, kind, _ := s.add(1010); kind != inOrder {
		t.Fatalf("after a stray one: kind %d", kind)
	}
	s.add(40_100)
	if index, kind, gap := s.add(40_101); kind != inOrder || gap != 0 || uint16(index) != 40_101 {
		t.Fatalf("index %d kind %d gap %d", index, kind, gap)
	}
	if _, kind, gap := s.add(40_102); kind != inOrder || gap != 0 {
		t.Fatalf("kind %d gap %d", kind, gap)
	}
}
