package router

import (
	"testing"
	"time"
)

func TestReplayKeyFrameKeepsTheTarget(t *testing.T) {
	// A better layer is awaited while the current one is replayed, and jumps to a key frame of its own.
	w, low, v, p := liveVideo(t)
	low.layer.deaf.Store(true)
	w.shard.RTCP(w.now, v, []byte{0x81, 206, 0, 2, 0, 0, 0, 0, 0, 0, 0, 100}, &w.out)
	w.take()
	if !v.sections[0].replay.active {
		t.Fatal("no replay")
	}
	high := w.feedOf(2, low.layer.track, testVP8)
	low.layer.track.show([]*Layer{low.layer, high.layer})
	high.arrive(high.frame(false)...)
	low.arrive(low.frame(true)...)
	if v.sections[0].replay.active || idOf(p.newest.Payload).feed != 1 {
		t.Fatal("the live key frame did not end the replay")
	}
	high.arrive(high.frame(true)...)
	if idOf(p.newest.Payload).feed != 2 {
		t.Error("the better layer was forgotten")
	}
	continuous(t, p)
}

func TestSectionKeyFrameTooLate(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.size = 100
	show(track, f)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	key := f.frame(true)
	f.arrive(key[1:]...)
	f.run(440*time.Millisecond, false)
	f.arrive(key[0])
	if n := len(w.player(v, 0).order); n != 0 {
		t.Errorf("%d packets at once out of a group that began %d packets ago", n, f.seq-key[0].Seq)
	}
}

func TestSectionLateKeyFrameStartFromBeforeTheJoin(t *testing.T) {
	// What came before the shard listened is in the history only.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	key := f.frame(true)
	f.arrive(key[1:]...)
	f.run(200*time.Millisecond, false)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	key[0].Arrival = w.now
	f.arrive(key[0])
	f.run(200*time.Millisecond, false)
	noGap(t, w.player(v, 0), key[0].Seq)
	if n := len(w.player(v, 0).order); n != 33 {
		t.Errorf("%d packets, want 33", n)
	}
}

func TestSectionSwitchToUnplayableStopsTheOld(t *testing.T) {
	w, f, v, p := liveVideo(t)
	other := NewTrack(Video, nil)
	g := w.feedOf(2, other, Codec{Name: AV1, ClockRate: 90000})
	show(other, g)
	w.source(v, 0, other)
	before := p.highest
	f.send(false)
	g.send(true)
	if p.highest != before {
		t.Error("still shows the old source, or what it cannot play")
	}
	if len(w.shard.tracks) != 1 {
		t.Error("still subscribed to the old source")
	}
}

func TestSectionSwitchReplaysYoungGroup(t *testing.T) {
	// M-031, at a join or a switch: who sees nothing, or the wrong thing, gets the young group at once.
	for _, c := range []struct {
		name string
		prep func(w *way, f, g *feed, v *Viewer)
	}{
		{"another source", func(w *way, f, g *feed, v *Viewer) { w.source(v, 0, g.layer.track) }},
		{"another publisher", func(w *way, f, g *feed, _ *Viewer) {
			g.layer.track = f.layer.track
			show(f.layer.track, g)
			g.arrive(g.frame(false)...)
		}},
		{"the current layer is silent", func(w *way, f, g *feed, _ *Viewer) {
			g.layer.track = f.layer.track
			f.layer.track.show([]*Layer{g.layer, f.layer})
			for range 6 { // less than what makes the group old
				w.sleep(200 * time.Millisecond)
				g.arrive(g.frame(false)...)
			}
			w.sleep(250 * time.Millisecond)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, f, v, p := liveVideo(t)
			g := w.feedOf(2, NewTrack(Video, nil), testVP8)
			show(g.layer.track, g)
			g.keep(g.frame(true)...)
			g.keep(g.frame(false)...)
			c.prep(w, f, g, v)
			w.sleep(300 * time.Millisecond)
			if id := idOf(p.newest.Payload); id != (packetID{2, g.seq - 1}) || v.Stats().Replays != 1 {
				t.Errorf("at %v after %d replays", id, v.Stats().Replays)
			}
			continuous(t, p)
		})
	}
}

func TestReplayEndsInAHole(t *testing.T) {
	// The last frame before the live edge comes late: it has room between its neighbours.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.size = 1
	show(track, f)
	f.run(200*time.Millisecond, true)
	hole := f.frame(false)
	w.sleep(f.step)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	p := w.player(v, 0)
	w.sleep(10 * time.Millisecond)
	f.arrive(f.frame(false)...) // not yet due, and the cursor has not passed the hole
	w.sleep(500 * time.Millisecond)
	f.arrive(hole...)
	if !p.started || p.got[p.order[0]+5] == nil {
		t.Fatal("the late frame did not come")
	}
	for n := p.order[0] + 1; n <= p.highest; n++ {
		if int32(p.got[n].Timestamp-p.got[n-1].Timestamp) <= 0 {
			t.Errorf("frame %d is not after its neighbour", n-p.order[0])
		}
	}
}

func TestLandingBehindAHole(t *testing.T) {
	// The same where live media takes over right behind the hole.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.size = 1
	show(track, f)
	f.run(80*time.Millisecond, true)
	hole := f.frame(false)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	w.sleep(time.Millisecond) // the second frame is due in 5 ms
	w.sleep(5 * time.Millisecond)
	if v.sections[0].replay.active {
		t.Fatal("replay has not ended")
	}
	f.ts -= 3000 // a frame that was captured right after
	f.arrive(f.frame(false)...)
	f.arrive(hole...)
	p := w.player(v, 0)
	if len(p.order) != 4 {
		t.Fatalf("%d packets", len(p.order))
	}
	for n := p.order[0] + 1; n <= p.highest; n++ {
		if int32(p.got[n].Timestamp-p.got[n-1].Timestamp) <= 0 {
			t.Errorf("frame %d: timestamp %d after its neighbour", n-p.order[0], int32(p.got[n].Timestamp-p.got[n-1].Timestamp))
		}
	}
}

func TestReplayGivenUpOfAnUnwantedSource(t *testing.T) {
	set := DefaultViewerSettings()
	set.ReplayCatchUp = 300 * time.Millisecond
	w, f, v, p := joinAfter(t, 1400*time.Millisecond, 0, set, false)
	v.sections[0].replay.begun = w.now.Add(10 * time.Second)
	w.source(v, 0, NewTrack(Video, nil))
	f.run(400*time.Millisecond, false)
	f.asked()
	before := p.highest
	f.run(1500*time.Millisecond, true)
	if p.highest != before || f.asked() || v.sections[0].target != nil {
		t.Error("went back to a source that is no longer wanted")
	}
}

func TestNACKOfTheFuture(t *testing.T) {
	// The packet is in the history, but was never sent under any number.
	w, f, v, p := liveVideo(t)
	frame := f.frame(false)
	f.keep(frame...)
	w.rtcp(v, nackOf(100, p.highest+1, p.highest+2))
	if len(p.rtx) != 0 || v.Stats().NotFound != 2 {
		t.Errorf("stats %+v", v.Stats())
	}
	f.layer.track.deliver(Burst{f.layer, frame})
	w.deliver()
	continuous(t, p)
	if len(p.order) != 78 {
		t.Errorf("%d packets, want 78", len(p.order))
	}
}

func TestNACKOfWhatIsNoLongerKept(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.layer.history = newHistory(16, groupBounds{})
	show(track, f)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	f.run(time.Second, true)
	w.rtcp(v, nackOf(100, w.player(v, 0).order[5]))
	if s := v.Stats(); s.NotFound != 1 || v.sections[0].resend.pending.n != 0 {
		t.Errorf("stats %+v: it waits for what was sent", s)
	}
}

func TestNACKOfWhatOnlyTheGroupKeeps(t *testing.T) {
	// The ring has moved on, the group since the key frame is still there.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.layer.history = newHistory(16, groupBounds{age: 12 * time.Second, bytes: 1 << 20, packets: 6000})
	show(track, f)
	f.run(time.Second, true)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	f.run(time.Second, false)
	p := w.player(v, 0)
	noGap(t, p, 1000)
	w.rtcp(v, nackOf(100, p.order[0], p.order[5]))
	if len(p.rtx) != 2 {
		t.Errorf("%d of 2 found", len(p.rtx))
	}
}
