package router

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func videoHistory(size int, b groupBounds) *history {
	if b == (groupBounds{}) {
		b = groupBounds{age: time.Hour, bytes: 1 << 30, packets: 1 << 20}
	}
	return newHistory(size, b)
}

func packetAt(seq int64, key bool) *Packet {
	return &Packet{
		Seq: seq, Timestamp: uint32(seq), Arrival: intakeStart.Add(time.Duration(seq) * ms),
		Payload: []byte{1, 2, 3}, Frame: Frame{KeyStart: key},
	}
}

func TestHistoryForgetsTheOldest(t *testing.T) {
	h := videoHistory(100, groupBounds{}) // rounded up to 128
	for seq := range int64(200) {
		h.add(packetAt(seq, false))
	}
	for seq := range int64(200) {
		if got := h.packet(seq) != nil; got != (seq >= 72) {
			t.Errorf("packet %d kept: %v", seq, got)
		}
	}
	h.add(packetAt(10, false)) // far too late: does not take a newer one's place
	if h.packet(10) != nil || h.packet(138) == nil {
		t.Error("an old packet took the place of a newer one")
	}
	if h.packet(-1) != nil || h.currentGroup() != nil {
		t.Error("there is nothing")
	}
}

// The group is what a plain list since the newest key frame would be, whatever
// comes late, and snapshots never change.
func TestGroupModel(t *testing.T) {
	type held struct{ snapshot, copied []*Packet }
	rapid.Check(t, func(t *rapid.T) {
		h := videoHistory(512, groupBounds{})
		all := map[int64]*Packet{}
		var missing []int64
		var snapshots []held
		next, start := int64(1000), int64(-1)
		for range rapid.IntRange(1, 400).Draw(t, "packets") {
			p := packetAt(next, rapid.IntRange(0, 60).Draw(t, "key") == 0)
			kind := rapid.IntRange(0, 9).Draw(t, "kind")
			switch {
			case kind == 0:
				missing = append(missing, next)
				next++
				continue
			case kind == 1 && len(missing) > 0:
				i := rapid.IntRange(0, len(missing)-1).Draw(t, "which")
				p.Seq, p.Timestamp = missing[i], uint32(missing[i])
				missing = slices.Delete(missing, i, i+1)
			default:
				next++
			}
			h.add(p)
			all[p.Seq] = p
			if p.Frame.KeyStart && p.Seq > start {
				start = p.Seq
			}
			got := h.currentGroup()
			if want := modelGroup(all, start, next); !slices.Equal(got, want) {
				t.Fatalf("group %v\nwant  %v", seqsOf(got), seqsOf(want))
			}
			snapshots = append(snapshots, held{got, slices.Clone(got)})
		}
		for seq := int64(990); seq < next+10; seq++ {
			want := h.packet(seq)
			if i := slices.IndexFunc(h.currentGroup(), func(p *Packet) bool { return p.Seq == seq }); i >= 0 {
				want = h.currentGroup()[i]
			}
			if got := h.kept(seq); got != want {
				t.Fatalf("packet %d is kept: %v, want %v", seq, got, want)
			}
		}
		for _, s := range snapshots {
			if !slices.Equal(s.snapshot, s.copied) {
				t.Fatal("a snapshot changed")
			}
		}
	})
}

func modelGroup(all map[int64]*Packet, start, end int64) (group []*Packet) {
	if start < 0 {
		return nil
	}
	for seq := start; seq < end; seq++ {
		if p := all[seq]; p != nil {
			group = append(group, p)
		}
	}
	return group
}

// M-031: 12 s, 8 MB, 6000 packets; a group that outgrows one is let go until the
// next key frame.
func TestGroupBounds(t *testing.T) {
	for name, c := range map[string]struct {
		bounds groupBounds
		last   int64
	}{
		"packets": {groupBounds{age: time.Hour, bytes: 1 << 30, packets: 300}, 299},
		"bytes":   {groupBounds{age: time.Hour, bytes: 300, packets: 1000}, 99},
		"age":     {groupBounds{age: 200 * ms, bytes: 1 << 30, packets: 1000}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			h := videoHistory(512, c.bounds)
			h.add(packetAt(0, true))
			for seq := int64(1); seq <= 500; seq++ {
				h.add(packetAt(seq, false))
				if got := h.currentGroup() != nil; got != (seq <= c.last) {
					t.Fatalf("group after packet %d: %v", seq, got)
				}
			}
			h.add(packetAt(501, true))
			if len(h.currentGroup()) != 1 {
				t.Error("no group after the next key frame")
			}
		})
	}
	t.Run("late packets count", func(t *testing.T) {
		h := videoHistory(512, groupBounds{age: time.Hour, bytes: 1 << 30, packets: 4})
		h.add(packetAt(0, true))
		for _, seq := range []int64{5, 1, 2} {
			h.add(packetAt(seq, false))
		}
		if len(h.currentGroup()) != 4 {
			t.Error("four are within")
		}
		h.add(packetAt(3, false))
		if h.currentGroup() != nil {
			t.Error("five are not")
		}
	})
}

// The first packet of the key frame may be the one that comes late.
func TestLateKeyStart(t *testing.T) {
	h := videoHistory(512, groupBounds{})
	h.add(packetAt(10, true))
	h.add(packetAt(11, false))
	h.add(packetAt(13, false))
	h.add(packetAt(14, false))
	h.add(packetAt(12, true))
	if got := seqsOf(h.currentGroup()); !slices.Equal(got, []int64{12, 13, 14}) {
		t.Errorf("%v", got)
	}
	early := packetAt(11, true)
	early.Seq, early.Timestamp = 9, 12 // of the key frame's own picture
	h.add(early)
	if got := seqsOf(h.currentGroup()); !slices.Equal(got, []int64{9, 10, 11, 12, 13, 14}) {
		t.Errorf("%v", got)
	}
	h.add(packetAt(5, true)) // an older key frame changes nothing
	if got := seqsOf(h.currentGroup()); got[0] != 9 {
		t.Errorf("%v", got)
	}
}

// More packets may come late than a group has room for beside it.
func TestManyLatePackets(t *testing.T) {
	h := videoHistory(1024, groupBounds{})
	h.add(packetAt(0, true))
	h.add(packetAt(500, false))
	for seq := int64(499); seq > 0; seq-- {
		h.add(packetAt(seq, false))
	}
	g := h.currentGroup()
	for n, p := range g {
		if p.Seq != int64(n) {
			t.Fatalf("packet %d is %d", n, p.Seq)
		}
	}
	if len(g) != 501 {
		t.Errorf("%d packets", len(g))
	}
}

func TestAudioHasNoGroup(t *testing.T) {
	h := newHistory(8, groupBounds{})
	h.add(packetAt(1, true))
	if h.currentGroup() != nil || h.packet(1) == nil {
		t.Error("audio is kept, not grouped")
	}
}

// One writes, others read; to be run with the race detector.
func TestHistoryConcurrency(t *testing.T) {
	h := videoHistory(256, groupBounds{age: time.Hour, bytes: 1 << 30, packets: 900})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for seq := int64(0); ; seq++ {
				select {
				case <-done:
					return
				default:
				}
				if p := h.packet(seq % 5000); p != nil && p.Seq != seq%5000 {
					t.Errorf("asked for %d, got %d", seq%5000, p.Seq)
				}
				if g := h.currentGroup(); g != nil && (!g[0].Frame.KeyStart || !slices.IsSortedFunc(g, func(a, b *Packet) int { return int(a.Seq - b.Seq) })) {
					t.Errorf("group of %d", len(g))
				}
			}
		})
	}
	for seq := int64(0); seq < 5000; seq++ {
		if seq%7 == 6 {
			continue
		}
		h.add(packetAt(seq, seq%300 == 0))
		if seq%7 == 1 && seq > 20 {
			h.add(packetAt(seq-9, false)) // number 6 of the seven before
		}
	}
	close(done)
	readers.Wait()
}

func TestSlabsDoNotOverlap(t *testing.T) {
	var s ingestSlab
	rapid.Check(t, func(t *rapid.T) {
		var kept, want [][]byte
		for i, n := range rapid.SliceOf(rapid.IntRange(0, slabBytes/2)).Draw(t, "sizes") {
			b := make([]byte, n)
			for j := range b {
				b[j] = byte(i)
			}
			kept, want = append(kept, s.copyBytes(b)), append(want, b)
		}
		for i := range kept {
			if !slices.Equal(kept[i], want[i]) || cap(kept[i]) > max(len(want[i]), 8)*2 && len(want[i]) > 0 {
				t.Fatalf("piece %d changed, cap %d of %d", i, cap(kept[i]), len(kept[i]))
			}
		}
	})
}
