package router

import (
	"testing"
	"time"
)

func TestShardTrackTimerEnds(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	low, high := w.feedOf(1, track, testVP8), w.feedOf(2, track, testVP8)
	show(track, low, high)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	if w.shard.schedule.next().IsZero() {
		t.Fatal("nobody looks after two layers")
	}
	w.shard.Remove(v)
	if at := w.shard.schedule.next(); !at.IsZero() {
		t.Errorf("something is scheduled at %v", at)
	}
}

func TestShardTrackJoinsTheHighestLiveLayer(t *testing.T) {
	// M-049: what was live before the shard listened is known from the layers themselves.
	w := newWay(t)
	track := NewTrack(Video, nil)
	low, mid, high := w.feedOf(1, track, testVP8), w.feedOf(2, track, testVP8), w.feedOf(3, track, testVP8)
	show(track, low, mid, high)
	high.send(true)
	w.sleep(2 * time.Second)
	low.send(true)
	mid.send(true)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	w.sleep(100 * time.Millisecond)
	p := w.player(v, 0)
	if !p.started || idOf(p.newest.Payload).feed != 2 {
		t.Fatalf("shows %v, want the middle layer", p.ids())
	}
}

func TestShardTrackLeavesHoldersAlone(t *testing.T) {
	// Who wants another track by now does not follow the old one to its next publisher.
	w, f, v, p := liveVideo(t)
	other := NewTrack(Video, nil)
	w.source(v, 0, other)
	again := w.feedOf(2, f.layer.track, testVP8)
	show(f.layer.track, again)
	before := p.highest
	again.run(200*time.Millisecond, true)
	if p.highest != before || v.sections[0].target != nil {
		t.Error("follows a track it does not want")
	}
	g := w.feedOf(3, other, testVP8)
	show(other, g)
	g.send(true)
	if idOf(p.newest.Payload).feed != 3 {
		t.Error("does not show the track it wants")
	}
	continuous(t, p)
}

func TestShardTrackReordersLayers(t *testing.T) {
	// Layers are sorted anew when their sizes become known; viewers keep theirs unless another one is better.
	w, f, v, p := liveVideo(t)
	other := w.feedOf(2, f.layer.track, testVP8)
	f.layer.track.show([]*Layer{other.layer, f.layer})
	for range 20 {
		other.arrive(other.frame(true)...)
		f.send(false)
	}
	if v.Stats().Switches != 0 || len(w.shard.tracks[f.layer.track].layers) != 2 {
		t.Errorf("%d switches to a layer that is not better", v.Stats().Switches)
	}
	continuous(t, p)
}
