package router

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// A viewer whose connection is full is not shown pictures, and asks for none, until
// there is room again; then the next key frame goes out without a hole before it.
func TestAStalledPictureWaitsForRoom(t *testing.T) {
	w, f, v, p := liveVideo(t)
	f.asked()
	w.shard.Stall(w.now, v, &w.out)
	w.shard.Stall(w.now, v, &w.out) // again is no news
	before := len(p.order)
	for range 20 {
		f.run(400*time.Millisecond, true)
		w.rtcp(v, &rtcp.PictureLossIndication{MediaSSRC: 100})
	}
	if n := len(p.order) - before; n != 0 || v.Stats().Stalls != 1 || v.Stats().Replays != 0 {
		t.Errorf("%d packets were sent, %+v", n, v.Stats())
	}
	if f.asked() {
		t.Error("a key frame was asked for that could not be sent")
	}
	w.shard.Resume(w.now, v, &w.out)
	if !f.asked() {
		t.Error("no key frame was asked for")
	}
	f.run(200*time.Millisecond, false)
	if len(p.order) != before {
		t.Error("the picture goes on without a key frame")
	}
	f.run(200*time.Millisecond, true)
	if n := len(p.order) - before; n != 15 || p.highest != p.order[before-1]+15 {
		t.Errorf("%d packets, up to %d after %d", n, p.highest, p.order[before-1])
	}
}

// Another source may be chosen while the picture is stopped.
func TestASwitchWhileStalled(t *testing.T) {
	w, f, v, p := liveVideo(t)
	w.shard.Stall(w.now, v, &w.out)
	track := NewTrack(Video, nil)
	next := w.feedOf(2, track, testVP8)
	show(track, next)
	next.run(400*time.Millisecond, true)
	w.source(v, 0, track)
	f.asked()
	before := len(p.order)
	next.run(3*time.Second, true)
	if len(p.order) != before || next.asked() || f.asked() {
		t.Error("a picture was sent or asked for")
	}
	w.shard.Resume(w.now, v, &w.out)
	if !next.asked() {
		t.Error("no key frame was asked for")
	}
	next.run(400*time.Millisecond, true)
	if idOf(p.newest.Payload).feed != 2 {
		t.Error("not the new source")
	}
}

// M-026: a connection that is always about to be full makes no more key frames than
// a decoder that is always broken.
func TestStallsAreWithinTheAllowanceOfKeyFrames(t *testing.T) {
	w, f, v, _ := liveVideo(t)
	f.asked()
	asked := 0
	for range 60 { // a minute
		w.shard.Resume(w.now, v, &w.out)
		if f.asked() {
			asked++
		}
		f.run(500*time.Millisecond, true)
		w.shard.Stall(w.now, v, &w.out)
		f.run(500*time.Millisecond, false)
	}
	if asked < 25 || asked > 36 {
		t.Errorf("%d requests in a minute", asked)
	}
	if s := v.Stats(); s.Stalls != 60 {
		t.Errorf("%d stalls", s.Stalls)
	}
}

func TestStallOfViewersThatAreGone(t *testing.T) {
	w, _, v, _ := liveVideo(t)
	w.shard.Resume(w.now, v, &w.out) // was not stopped
	w.shard.Remove(v)
	w.shard.Stall(w.now, v, &w.out)
	w.shard.Resume(w.now, v, &w.out)
	if s := v.Stats(); s.Stalls != 0 {
		t.Errorf("%d stalls", s.Stalls)
	}
}
