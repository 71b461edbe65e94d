package testkit

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/pion/rtp"
)

var (
	ab = route{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("10.0.0.2")}
	ba = route{ab.to, ab.from}
)

// draws are those of two streams of one payload type with random numbers.
func draws(t *testing.T, seed uint64, road route, ssrc uint32, first uint16) (all []float64) {
	t.Helper()
	l := newLuck(seed)
	for i := range uint16(3000) {
		for stream := range uint32(2) {
			b, err := (&rtp.Header{Version: 2, PayloadType: 96, SSRC: ssrc + stream, SequenceNumber: first + i}).Marshal()
			must(t, err)
			all = append(all, l.of(road, b))
		}
		all = append(all, l.of(road, []byte{0x80, 201, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2}))
	}
	return all
}

func TestLuckBelongsToThePacket(t *testing.T) {
	one := draws(t, 1, ab, 77, 65000)
	if !slices.Equal(one, draws(t, 1, ab, 4711, 12)) {
		t.Error("other numbers, other losses")
	}
	if slices.Equal(one, draws(t, 2, ab, 77, 65000)) || slices.Equal(one, draws(t, 1, ba, 77, 65000)) {
		t.Error("the same losses with another seed, or on another road")
	}
	lost, pairs := 0.0, 0.0
	for i, u := range one {
		if u < 0 || u >= 1 {
			t.Fatalf("draw of %v", u)
		}
		if u < 0.05 {
			lost++
			if i > 0 && one[i-1] < 0.05 {
				pairs++
			}
		}
	}
	n := float64(len(one))
	if math.Abs(lost/n-0.05) > 0.01 || pairs/n > 0.006 {
		t.Errorf("%v of %v lost, %v in pairs: not 5 %% by chance", lost, n, pairs)
	}
}

func TestLuckOfARepeatedPacket(t *testing.T) {
	l, b := newLuck(1), []byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2}
	if first := l.of(ab, b); first == l.of(ab, b) {
		t.Error("a packet that was lost is lost for ever")
	}
}

func TestHashIsFNV(t *testing.T) {
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64([]byte("a>b"), 1<<40|77)) // never fails
	if got := newHash().text("a>b").number(1<<40 | 77); uint64(got) != h.Sum64() {
		t.Errorf("%x, want %x", got, h.Sum64())
	}
}
