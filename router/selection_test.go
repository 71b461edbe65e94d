package router

import (
	"testing"
	"time"
)

// rungs is a track of three layers named q, h and f, all live.
func rungs(w *way) (*Track, []*feed) {
	track := NewTrack(Video, nil)
	var feeds []*feed
	for i, rid := range []string{"q", "h", "f"} {
		f := w.feedOf(byte(i+1), track, testVP8)
		f.layer.rid = rid
		f.layer.size.Store(uint64(320<<i)<<32 | uint64(180<<i))
		feeds = append(feeds, f)
	}
	show(track, feeds...)
	return track, feeds
}

// keyFrames lets every layer send a key frame and some frames after it.
func keyFrames(w *way, feeds []*feed) {
	for i := range 5 {
		for _, f := range feeds {
			f.arrive(f.frame(i == 0)...)
		}
		w.now = w.now.Add(33 * time.Millisecond)
		w.deliver()
	}
}

// TestSelection V-20, V-22, V-24: what is chosen is shown from its next key frame on, until then what was.
func TestSelection(t *testing.T) {
	w := newWay(t)
	track, feeds := rungs(w)
	keyFrames(w, feeds)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	keyFrames(w, feeds)
	p := w.player(v, 0)
	for _, c := range []struct {
		name string
		set  func(*Selection)
		want byte // feed
	}{
		{"automatic", func(*Selection) {}, 3},
		{"a RID", func(s *Selection) { s.RID = "h" }, 2},
		{"a narrow picture", func(s *Selection) { s.MaxWidth = 500 }, 1},
		{"a low picture", func(s *Selection) { s.MaxHeight = 400 }, 2},
		{"smaller than the smallest", func(s *Selection) { s.MaxHeight = 10 }, 1},
		{"a RID that is not there", func(s *Selection) { s.RID = "z" }, 3},
		{"automatic again", func(*Selection) {}, 3},
	} {
		sel := Automatic()
		c.set(&sel)
		before := idOf(p.newest.Payload).feed
		w.shard.Select(w.now, v, 0, sel, &w.out)
		w.take()
		for _, f := range feeds {
			f.arrive(f.frame(false)...)
		}
		w.deliver()
		if got := idOf(p.newest.Payload).feed; got != before {
			t.Errorf("%s: switched to %d without a key frame", c.name, got)
		}
		keyFrames(w, feeds)
		if got := idOf(p.newest.Payload).feed; got != c.want {
			t.Errorf("%s: shows feed %d, want %d", c.name, got, c.want)
		}
		if got, want := v.sections[0].shown.Load(), feeds[c.want-1].layer; got != want {
			t.Errorf("%s: says that it shows %q, want %q", c.name, got.RID(), want.RID())
		}
	}
	continuous(t, p)
}

// TestSelectionHidden: a hidden section gets nothing, asks for nothing, and goes on when it is seen again.
func TestSelectionHidden(t *testing.T) {
	w := newWay(t)
	track, feeds := rungs(w)
	keyFrames(w, feeds)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	keyFrames(w, feeds)
	p := w.player(v, 0)
	hidden := Automatic()
	hidden.Hidden = true
	w.shard.Select(w.now, v, 0, hidden, &w.out)
	before := p.highest
	for _, f := range feeds {
		f.layer.wanted.Store(false)
	}
	keyFrames(w, feeds)
	w.sleep(2 * time.Second)
	if p.highest != before {
		t.Error("sent something to a hidden section")
	}
	for i, f := range feeds {
		if f.layer.wanted.Load() || f.layer.watchers.Load() != 0 {
			t.Errorf("layer %d: key frame wanted %v, %d watchers", i, f.layer.wanted.Load(), f.layer.watchers.Load())
		}
	}
	w.shard.Select(w.now, v, 0, Automatic(), &w.out)
	keyFrames(w, feeds)
	if p.highest == before {
		t.Error("nothing is shown again")
	}
	continuous(t, p)
}

// TestSelectionWatchers: each layer knows how many sections want it, whatever they choose.
func TestSelectionWatchers(t *testing.T) {
	w := newWay(t)
	track, feeds := rungs(w)
	keyFrames(w, feeds)
	var viewers []*Viewer
	for i, rid := range []string{"q", "h", "f", "f"} {
		v := w.view(testVideo(uint32(100 * (i + 1))))
		sel := Automatic()
		sel.RID = rid
		w.shard.Select(w.now, v, 0, sel, &w.out)
		w.source(v, 0, track)
		viewers = append(viewers, v)
	}
	keyFrames(w, feeds)
	for i, want := range []int64{1, 1, 2} {
		if got := feeds[i].layer.watchers.Load(); got != want {
			t.Errorf("layer %d: %d watchers, want %d", i, got, want)
		}
	}
	for _, v := range viewers {
		w.shard.Remove(v)
	}
	for i, f := range feeds {
		if got := f.layer.watchers.Load(); got != 0 {
			t.Errorf("layer %d: %d watchers after all have gone", i, got)
		}
	}
}
