package router

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// slow makes the viewer's path one of which is known what it carries.
func slow(v *Viewer, bits int) { v.pacer.believe(bits) }

// bigKeyFrame sends a key frame of so many packets of 1000 bytes.
func (f *feed) bigKeyFrame(packets int) {
	size, payload := f.size, f.payload
	f.size, f.payload = packets, 1000
	f.arrive(f.frame(true)...)
	f.size, f.payload = size, payload
}

// TestPaceKeyFrame M-064: of a large key frame a part goes at once, the rest at no more than the pace, all of it in order.
func TestPaceKeyFrame(t *testing.T) {
	w, f, v, p := liveVideo(t)
	slow(v, 1_000_000)
	w.sleep(time.Second)
	before := len(p.order)
	f.bigKeyFrame(60)
	atOnce := len(p.order) - before
	most := 1_000_000*pacePercent/100/8*int(paceBurst/time.Millisecond)/1000/1000 + 1
	if atOnce == 0 || atOnce > most {
		t.Errorf("%d packets at once, at most %d", atOnce, most)
	}
	begun := w.now
	for len(p.order) < before+60 && w.now.Before(begun.Add(time.Second)) {
		w.sleep(paceGrid)
		sent := (len(p.order) - before) * 1000
		if byNow := most*1000 + int(1_000_000*pacePercent/100/8*w.now.Sub(begun).Seconds()) + 2000; sent > byNow {
			t.Fatalf("%d bytes after %v, at most %d", sent, w.now.Sub(begun), byNow)
		}
	}
	if took := w.now.Sub(begun); len(p.order) != before+60 || took < 200*time.Millisecond || took > 400*time.Millisecond {
		t.Errorf("%d of 60 packets after %v", len(p.order)-before, took)
	}
	f.run(time.Second, false)
	continuous(t, p)
	if v.sections[0].backlog.active {
		t.Error("never catches up")
	}
}

// TestPaceLeavesOthersAlone: what is small, of a path that is not known, or sound, is never held back.
func TestPaceLeavesOthersAlone(t *testing.T) {
	w, f, v, p := liveVideo(t)
	before := len(p.order)
	f.bigKeyFrame(60)
	if got := len(p.order) - before; got != 60 {
		t.Errorf("%d of 60 packets to a path that is not known", got)
	}
	slow(v, 20_000_000)
	w.sleep(time.Second)
	before = len(p.order)
	f.bigKeyFrame(60)
	if got := len(p.order) - before; got != 60 {
		t.Errorf("%d of 60 packets to a fast path", got)
	}
}

// TestPaceSwitch M-045: the frame that is being spread is finished before another layer takes over.
func TestPaceSwitch(t *testing.T) {
	w := newWay(t)
	track, feeds := rungs(w)
	keyFrames(w, feeds)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	keyFrames(w, feeds)
	p := w.player(v, 0)
	w.sleep(time.Second)
	slow(v, 4_000_000)
	feeds[2].bigKeyFrame(40)
	if !v.sections[0].backlog.active {
		t.Fatal("nothing waits")
	}
	low := Automatic()
	low.RID = "q"
	w.shard.Select(w.now, v, 0, low, &w.out)
	slow(v, 4_000_000)
	feeds[0].arrive(feeds[0].frame(true)...)
	for range 100 {
		w.sleep(paceGrid)
		slow(v, 4_000_000)
		feeds[0].arrive(feeds[0].frame(false)...)
	}
	ids := p.ids()
	last := slices.IndexFunc(ids, func(id packetID) bool { return id.feed == 1 })
	if last < 0 {
		t.Fatal("never switches")
	}
	if before := p.got[p.order[last-1]]; !before.Marker {
		t.Error("the frame of the old layer was cut")
	}
	continuous(t, p)
}

// TestPaceLosesNothing: whatever is lost, repaired late and spread, each packet goes out once, under its own number.
func TestPaceLosesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, f, v, p := liveVideo(t)
		var late []*Packet
		sent := map[int64]bool{}
		from := f.seq
		for i := range rapid.IntRange(5, 40).Draw(r, "frames") {
			slow(v, rapid.IntRange(4_000_000, 9_000_000).Draw(r, "bits"))
			f.size, f.payload = rapid.IntRange(1, 30).Draw(r, "packets"), 800
			if i%10 == 0 {
				f.size = 60 // spread
			}
			var burst []*Packet
			for _, packet := range f.frame(i%10 == 0) {
				if rapid.IntRange(0, 19).Draw(r, "lost") == 0 && !packet.Frame.KeyStart {
					late = append(late, packet)
					continue
				}
				burst = append(burst, packet)
			}
			if len(burst) > 0 {
				f.arrive(burst...)
			}
			if len(late) > 0 && rapid.Bool().Draw(r, "repair") {
				f.arrive(late[0])
				late = late[1:]
			}
			w.sleep(time.Duration(rapid.IntRange(35, 60).Draw(r, "ms")) * time.Millisecond)
		}
		for _, packet := range late {
			f.arrive(packet)
		}
		w.sleep(time.Minute)
		for n := range p.got {
			sent[idOf(p.got[n].Payload).seq] = true
		}
		for seq := from; seq < f.seq; seq++ {
			if !sent[seq] {
				r.Fatalf("packet %d of %d to %d never went out", seq, from, f.seq)
			}
		}
		if v.Stats().Switches != 0 {
			r.Fatal("switched")
		}
	})
}

// TestPaceDropsToTheNextKeyFrame M-065: a path that carries less than the only layer gets whole frames and then nothing until the next key frame, never a growing queue.
func TestPaceDropsToTheNextKeyFrame(t *testing.T) {
	_, f, v, p := liveVideo(t)
	f.size, f.payload = 4, 1000
	arrived := map[int64]time.Time{}
	for i := range 400 { // 800 kbit/s
		slow(v, 300_000)
		for _, packet := range f.send(i%50 == 0) {
			arrived[packet.Seq] = packet.Arrival
		}
	}
	late, got := time.Duration(0), 0
	for n, at := range p.at {
		if in, ok := arrived[idOf(p.got[n].Payload).seq]; ok {
			late = max(late, at.Sub(in))
			got++
		}
	}
	if late > longestBacklog+50*time.Millisecond {
		t.Errorf("a packet was %v late", late)
	}
	if got < len(arrived)/10 || got > len(arrived)*6/10 {
		t.Errorf("%d of %d packets", got, len(arrived))
	}
	if stats := v.Stats(); stats.KeyFrames < 5 || stats.Stalls < 3 {
		t.Errorf("%d key frames, %d stalls", stats.KeyFrames, stats.Stalls)
	}
	continuous(t, p)
}
