package router

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// joinAfter has a publisher send a key frame, and a viewer join when that is age
// old.
func joinAfter(t testing.TB, age, transit time.Duration, set ViewerSettings, deaf bool) (*way, *feed, *Viewer, *testPlayer) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.transit = transit
	f.layer.deaf.Store(deaf)
	show(track, f)
	f.run(age, true)
	v := w.viewWith(set, testVideo(100))
	w.source(v, 0, track)
	return w, f, v, w.player(v, 0)
}

// onTheLine checks that every packet's timestamp agrees with the time it was sent
// at, to the millisecond by which two frames of one moment must differ: the line of
// the replay meets that of the live edge.
func onTheLine(t *testing.T, p *testPlayer) {
	t.Helper()
	first := p.order[0]
	for _, n := range p.order {
		want := int64(ticks(p.at[n].Sub(p.at[first]), 90000))
		if got := int64(int32(p.got[n].Timestamp - p.got[first].Timestamp)); got < want-2 || got > want+92 {
			t.Fatalf("packet %d: timestamp %d after the first, sent %d after it", n-first, got, want)
		}
	}
}

// noGap checks that everything of the feed from a packet on came once, in order.
func noGap(t *testing.T, p *testPlayer, from int64) {
	t.Helper()
	for i, id := range p.ids() {
		if id.seq != from+int64(i) {
			t.Fatalf("packet %d of the layer at place %d, want %d", id.seq, i, from+int64(i))
		}
	}
	continuous(t, p)
}

func TestReplayYoungGroupAtOnce(t *testing.T) {
	// M-031: a group younger than 1.5 s is replayed at the join.
	for _, transit := range []time.Duration{0, 30 * time.Millisecond, 250 * time.Millisecond} {
		w, f, v, p := joinAfter(t, 1200*time.Millisecond, transit, DefaultViewerSettings(), false)
		if len(p.order) != f.size {
			t.Fatalf("transit %v: %d packets at once, want the key frame", transit, len(p.order))
		}
		if f.asked() {
			t.Error("a key frame was asked for though there is a young one")
		}
		f.run(2*time.Second, false)
		noGap(t, p, 1000)
		onTheLine(t, p)
		if got := p.ids(); got[len(got)-1].seq != f.seq-1 {
			t.Errorf("transit %v: ends at %d, want %d", transit, got[len(got)-1].seq, f.seq-1)
		}
		if s := v.Stats(); s.Replays != 1 || s.Switches != 0 || s.KeyFrames != 1 {
			t.Errorf("stats %+v", s)
		}
		if f.w.now.Sub(w.now) != 0 || v.sections[0].replay.active || v.sections[0].landing.active {
			t.Error("not live")
		}
	}
}

func TestReplayPace(t *testing.T) {
	// A frame captured at c is sent at t0+(c-c0)/k.
	w, f, _, p := joinAfter(t, 1200*time.Millisecond, 0, DefaultViewerSettings(), false)
	begun, first := w.now, p.order[0]
	f.run(time.Second, false)
	for i := range 30 { // frames of 40 ms every 5 ms
		n := first + int64(i*f.size)
		want := time.Duration(i) * 5 * time.Millisecond
		if got := p.at[n].Sub(begun); got != want {
			t.Fatalf("frame %d sent after %v, want %v", i, got, want)
		}
		if got := p.got[n].Timestamp - p.got[first].Timestamp; got != uint32(i)*450 {
			t.Fatalf("frame %d: timestamp step %d, want %d", i, got, i*450)
		}
	}
}

func TestReplayOldGroupWaitsForKeyFrame(t *testing.T) {
	// An older group only if no key frame came within 500 ms.
	t.Run("key frame comes", func(t *testing.T) {
		_, f, v, p := joinAfter(t, 3*time.Second, 0, DefaultViewerSettings(), false)
		if len(p.order) != 0 || !f.asked() {
			t.Fatalf("%d packets at once, or no key frame asked for", len(p.order))
		}
		f.run(200*time.Millisecond, false)
		key := f.seq
		f.run(time.Second, true)
		noGap(t, p, key)
		if s := v.Stats(); s.Replays != 0 {
			t.Error("replayed all the same")
		}
	})
	t.Run("none comes", func(t *testing.T) {
		w, f, v, p := joinAfter(t, 3*time.Second, 0, DefaultViewerSettings(), false)
		joined := w.now
		f.run(2*time.Second, false)
		noGap(t, p, 1000)
		onTheLine(t, p)
		if got := p.at[p.order[0]].Sub(joined); got != 500*time.Millisecond {
			t.Errorf("replayed after %v, want 500ms", got)
		}
		if s := v.Stats(); s.Replays != 1 {
			t.Errorf("%d replays", s.Replays)
		}
	})
	t.Run("deaf publisher", func(t *testing.T) {
		_, f, _, p := joinAfter(t, 9*time.Second, 0, DefaultViewerSettings(), true)
		if len(p.order) != f.size {
			t.Fatalf("%d packets at once", len(p.order))
		}
		if !f.asked() {
			t.Error("not asked any more: it may have missed the last request")
		}
		f.run(3*time.Second, false)
		noGap(t, p, 1000)
		onTheLine(t, p)
	})
}

func TestReplayCannotCatchUp(t *testing.T) {
	// Too slow for 4 s: the key frame alone, then the next one.
	set := DefaultViewerSettings()
	set.PathBitsPerSecond = 1_000_000 // the layer's own rate: pace 2
	_, f, _, p := joinAfter(t, 6*time.Second, 0, set, true)
	f.run(5*time.Second, false)
	if len(p.order) != f.size || p.ids()[0].seq != 1000 {
		t.Fatalf("%d packets, want the key frame alone", len(p.order))
	}
	key := f.seq
	f.run(time.Second, true)
	if got := p.ids()[f.size].seq; got != key {
		t.Errorf("went on with %d, want the next key frame %d", got, key)
	}
	continuous(t, p)
	gap := p.got[p.order[f.size]].Timestamp - p.got[p.order[0]].Timestamp
	if want := ticks(p.at[p.order[f.size]].Sub(p.at[p.order[0]]), 90000); gap != want {
		t.Errorf("timestamp step %d over the wait, want %d", gap, want)
	}
}

func TestReplayPaceWithinPath(t *testing.T) {
	for _, c := range []struct {
		path, speed int
		want        int64
	}{
		{0, 8, 8000}, {0, 1, 2000}, {5_000_000, 8, 4000}, {100_000, 8, 0}, {100_000_000, 8, 8000},
	} {
		set := DefaultViewerSettings()
		set.PathBitsPerSecond, set.ReplaySpeed = c.path, c.speed
		_, _, v, _ := joinAfter(t, 100*time.Millisecond, 0, set, false)
		if got := v.sections[0].replay.pace; got < c.want || got > c.want*101/100 {
			t.Errorf("path %d, speed %d: pace %d, want %d", c.path, c.speed, got, c.want)
		}
	}
}

func TestReplayGivenUp(t *testing.T) {
	// A group that grows faster than expected never ends: after 4 s the next key frame is awaited.
	set := DefaultViewerSettings()
	set.ReplayCatchUp = 100 * time.Millisecond
	w, f, v, p := joinAfter(t, 600*time.Millisecond, 0, set, false)
	if !v.sections[0].replay.active || v.sections[0].replay.plan == keyFrameAlone {
		t.Fatal("no replay")
	}
	v.sections[0].replay.begun = w.now.Add(10 * time.Second) // as if the clock stood
	f.run(400*time.Millisecond, false)
	if v.sections[0].replay.active || v.sections[0].cur != nil {
		t.Fatal("not given up")
	}
	if !f.asked() {
		t.Error("no key frame asked for")
	}
	key := f.seq
	f.run(100*time.Millisecond, true)
	if idOf(p.got[p.order[f.size]].Payload).seq != key {
		t.Error("did not go on with the next key frame")
	}
	continuous(t, p)
}

func TestReplayEndsWithLiveKeyFrame(t *testing.T) {
	_, f, v, p := joinAfter(t, 1400*time.Millisecond, 0, DefaultViewerSettings(), false)
	f.send(false)
	key := f.seq
	f.send(true)
	if v.sections[0].replay.active {
		t.Fatal("still in the past")
	}
	if got := idOf(p.newest.Payload).seq; got != key+2 {
		t.Errorf("newest packet is %d, want %d", got, key+2)
	}
	continuous(t, p)
}

func TestReplayMeetsQueuedBursts(t *testing.T) {
	// Bursts that wait in the worker's inbox are in the history already: neither gap nor duplicate.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	other := w.view(testVideo(300)) // so that the shard is subscribed
	w.source(other, 0, track)
	f.run(400*time.Millisecond, true)
	var queued []Burst
	for range 5 {
		frame := f.frame(false)
		f.keep(frame...)
		queued = append(queued, Burst{f.layer, frame})
		w.now = w.now.Add(f.step)
	}
	partial := f.frame(false)
	f.keep(partial[:2]...) // a frame on its way in
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	w.sleep(200 * time.Millisecond)
	w.inbox.bursts = queued
	w.deliver()
	f.arrive(partial...)
	f.run(200*time.Millisecond, false)
	noGap(t, w.player(v, 0), 1000)
	noGap(t, w.player(other, 0), 1000)
	p := w.player(v, 0)
	for i := 0; i < len(p.order); i += 3 { // a frame has one timestamp, also where live media takes over
		for k := 1; k < 3; k++ {
			if p.got[p.order[i+k]].Timestamp != p.got[p.order[i]].Timestamp {
				t.Fatalf("frame %d has two timestamps", i/3)
			}
		}
	}
}

func TestReplayHolesAndLatePackets(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	f.run(200*time.Millisecond, true)
	early := f.frame(false)
	f.keep(early[0], early[2])
	w.sleep(f.step)
	f.run(600*time.Millisecond, false)
	never := f.frame(false)
	f.keep(never[0], never[2])
	w.sleep(f.step)
	f.run(200*time.Millisecond, false)
	ahead := f.frame(false)
	f.keep(ahead[0], ahead[2])
	w.sleep(f.step)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	p := w.player(v, 0)
	f.run(80*time.Millisecond, false) // the cursor has passed the first hole, not the last
	f.arrive(early[1])
	f.arrive(ahead[1])
	f.run(2*time.Second, false)
	first := p.order[0]
	for seq := int64(1000); seq < f.seq; seq++ {
		got := p.got[first+seq-1000]
		if missing := got == nil; missing != (seq == never[1].Seq) {
			t.Fatalf("packet %d missing: %v", seq, missing)
		}
		if got != nil && idOf(got.Payload).seq != seq {
			t.Fatalf("number of packet %d carries %d", seq, idOf(got.Payload).seq)
		}
	}
	for _, frame := range [][]*Packet{early, ahead} {
		a, b := p.got[first+frame[0].Seq-1000], p.got[first+frame[1].Seq-1000]
		if a.Timestamp != b.Timestamp {
			t.Error("late packet has another timestamp than its frame")
		}
	}
}

func TestReplayPausedPublisher(t *testing.T) {
	// A screen that stands still: the picture of a minute ago is shown, and the next frame is on time.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	f.run(5*time.Second, true)
	w.sleep(time.Minute)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	p := w.player(v, 0)
	w.sleep(4 * time.Second) // nothing is heard of the path: gently
	f.send(false)
	noGap(t, p, 1000)
	if len(p.order) != 126*3 {
		t.Errorf("%d packets", len(p.order))
	}
	got := p.newest.Timestamp - p.got[p.order[0]].Timestamp
	if want := ticks(p.at[p.highest].Sub(p.at[p.order[0]]), 90000); got != want {
		t.Errorf("timestamp of the live frame is %d after the first, want %d", got, want)
	}
}

func TestReplayedPacketsAreFoundByNACK(t *testing.T) {
	w, f, v, p := joinAfter(t, 1400*time.Millisecond, 0, DefaultViewerSettings(), false)
	f.run(3*time.Second, false)
	for _, n := range p.order {
		w.rtcp(v, &rtcp.TransportLayerNack{MediaSSRC: 100, Nacks: []rtcp.NackPair{{PacketID: uint16(n)}}})
	}
	// The player compares each with what it got before: also the timestamps of the replay.
	if len(p.rtx) != len(p.order) {
		t.Errorf("%d of %d found: %+v", len(p.rtx), len(p.order), v.Stats())
	}
}

func TestReplayForStuckDecoder(t *testing.T) {
	// M-025: nothing else helps when the publisher is deaf. Not too often, though.
	w, f, v, p := liveVideo(t)
	f.layer.deaf.Store(true)
	pli := &rtcp.PictureLossIndication{MediaSSRC: 100}
	w.rtcp(v, pli)
	if s := v.Stats(); s.Replays != 1 {
		t.Fatalf("%d replays", s.Replays)
	}
	f.run(400*time.Millisecond, false)
	w.rtcp(v, pli)
	f.run(time.Second, false)
	if s := v.Stats(); s.Replays != 1 {
		t.Fatalf("%d replays in 5 s", s.Replays)
	}
	continuous(t, p)
	if got := idOf(p.newest.Payload).seq; got != f.seq-1 {
		t.Errorf("at %d, live is %d", got, f.seq-1)
	}
	f.run(4*time.Second, false)
	w.rtcp(v, pli)
	if s := v.Stats(); s.Replays != 2 {
		t.Errorf("%d replays after 5 s", s.Replays)
	}
}

// A request that crosses repairs is not worth the group once more; a row of them is.
func TestReplayNotWhileRepairsAreOnTheirWay(t *testing.T) {
	w, f, v, p := liveVideo(t)
	f.layer.deaf.Store(true)
	f.run(time.Second, false)
	stuck := func(want uint64) {
		t.Helper()
		w.rtcp(v, &rtcp.TransportLayerNack{MediaSSRC: 100, Nacks: []rtcp.NackPair{{PacketID: uint16(p.highest)}}})
		w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
		if got := v.Stats().Replays; got != want {
			t.Fatalf("%d replays, want %d", got, want)
		}
	}
	for range 3 { // three freezes, each repaired
		f.asked()
		stuck(0)
		if !f.asked() {
			t.Error("no key frame was asked for: the publisher may have missed the last request")
		}
		f.run(time.Second, false)
	}
	stuck(0)
	f.run(200*time.Millisecond, false)
	stuck(0)
	f.run(200*time.Millisecond, false)
	stuck(1)
}

func TestReplayNotWhileTheKeyFrameIsOnItsWay(t *testing.T) {
	// A viewer who has waited for long asks until the key frame is complete.
	w, f, v, p := joinAfter(t, 3*time.Second, 0, DefaultViewerSettings(), true)
	for range 4 {
		w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
		f.run(120*time.Millisecond, false)
	}
	if s := v.Stats(); s.Replays != 1 || s.PLIs != 4 {
		t.Errorf("%d replays, %d requests", s.Replays, s.PLIs)
	}
	continuous(t, p)
}

func TestReplayNotForLayerChange(t *testing.T) {
	// Who sees the picture already does not want to see the last second again.
	_, low, v, p := liveVideo(t)
	high := low.w.feedOf(2, low.layer.track, testVP8)
	high.keep(high.frame(true)...)
	high.keep(high.frame(false)...)
	low.layer.track.show([]*Layer{low.layer, high.layer})
	high.arrive(high.frame(false)...)
	low.send(false)
	if idOf(p.newest.Payload).feed != 1 || !high.asked() || v.Stats().Replays != 0 {
		t.Error("the other layer was not awaited")
	}
	high.arrive(high.frame(true)...)
	if idOf(p.newest.Payload).feed != 2 {
		t.Error("the other layer's key frame was not taken")
	}
	continuous(t, p)
}
