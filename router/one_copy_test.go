package router

import (
	"runtime"
	"testing"
	"time"
	"unsafe"
)

// joiners has n viewers join a deaf publisher of 2.5 Mbit/s one after another, five
// seconds into its group. All of them are being replayed to at the end.
func joiners(t testing.TB, n int, planned func(Outgoing)) (w *way, f *feed, viewers []*Viewer) {
	w = newWay(t)
	w.planned = planned
	track := NewTrack(Video, nil)
	f = w.feedOf(1, track, testVP8)
	f.size, f.payload = 11, 1100
	f.layer.deaf.Store(true)
	show(track, f)
	f.run(5*time.Second, true)
	for i := range n {
		v := w.view(testVideo(uint32(1000 + 10*i)))
		w.source(v, 0, track)
		viewers = append(viewers, v)
	}
	f.send(false)
	return w, f, viewers
}

// The bytes of the group are there once: what is sent to anybody, live, replayed
// or again, is the memory the ingest put them into.
func TestEverybodyIsSentTheSameBytes(t *testing.T) {
	for _, n := range []int{1, 100} {
		sent := map[*byte]int{}
		planned := func(o Outgoing) {
			if len(o.Shared) > 0 {
				sent[unsafe.SliceData(o.Shared[len(o.Shared)-1:])]++ // the end: a viewer may have a beginning of its own
			}
		}
		w, f, viewers := joiners(t, n, planned)
		f.run(4*time.Second, false)
		f.run(200*time.Millisecond, true)
		for _, v := range viewers {
			p := w.player(v, 0)
			w.rtcp(v, nackOf(v.cfg.Sections[0].SSRC, p.order[len(p.order)-3:]...))
		}
		ours := map[*byte]bool{}
		for seq := int64(1000); seq < f.seq; seq++ {
			if p := f.layer.Packet(seq); p != nil {
				ours[unsafe.SliceData(p.Payload[len(p.Payload)-1:])] = true
			}
		}
		total := 0
		for at, times := range sent {
			total += times
			if !ours[at] {
				t.Fatalf("with %d viewers a copy was sent", n)
			}
		}
		if total < 100*n || len(sent) > int(f.seq-1000) {
			t.Errorf("%d viewers were sent %d packets of %d", n, total, len(sent))
		}
	}
}

// A viewer who is being replayed to costs what any viewer does, not a group.
func TestAReplayTakesNoMemoryOfItsOwn(t *testing.T) {
	heap := func(n int) int64 {
		w, f, viewers := joiners(t, n, func(Outgoing) {})
		for _, v := range viewers {
			if !v.sections[0].replay.active {
				t.Fatal("no replay")
			}
			w.players[v.cfg.Sections[0].SSRC] = nil // what the test remembers
		}
		w.order = nil
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		group := 0
		for _, p := range f.layer.Group() {
			group += len(p.Payload)
		}
		if group < 1_000_000 {
			t.Fatalf("the group has %d bytes: the test shows nothing", group)
		}
		runtime.KeepAlive(w)
		runtime.KeepAlive(viewers)
		return int64(m.HeapAlloc)
	}
	heap(100) // whatever is made once
	one, many := heap(1), heap(101)
	if each := (many - one) / 100; each > 20_000 {
		t.Errorf("%d bytes for each viewer", each)
	} else {
		t.Logf("%d bytes for each viewer", each)
	}
}
