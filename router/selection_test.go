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

// scalable is a layer of VP9 that has been sent for some seconds.
func scalable(spatial, temporal int) *encoder {
	e := newEncoder(30, 400_000)
	e.layer.codec, e.layer.rid, e.layer.track = testVP9, "a", NewTrack(Video, nil)
	e.layer.size.Store(960<<32 | 540)
	e.layer.sizes[0].Store(240<<32 | 135)
	e.layer.sizes[1].Store(480<<32 | 270)
	for tid := range temporal + 1 {
		e.ids = append(e.ids, uint8(tid))
	}
	for sid := range spatial + 1 {
		e.sids = append(e.sids, uint8(sid))
	}
	e.run(5*time.Second, nil)
	return e
}

// TestLayerStates V-20: each scalability layer is listed, with the bits of all it is made from, and one of them is the one that is sent.
func TestLayerStates(t *testing.T) {
	for _, c := range []struct{ spatial, temporal int }{{0, 0}, {0, 2}, {2, 0}, {2, 2}, {1, 1}} {
		e := scalable(c.spatial, c.temporal)
		now := intakeStart.Add(e.at)
		list := e.layer.addStates(nil, now)
		if len(list) != (c.spatial+1)*(c.temporal+1) {
			t.Fatalf("%+v: %d layers", c, len(list))
		}
		for i, l := range list {
			sid, tid := i/(c.temporal+1), i%(c.temporal+1)
			if l.RID != "a" || (l.Spatial == Any) != (c.spatial == 0) || (l.Temporal == Any) != (c.temporal == 0) {
				t.Errorf("%+v: %+v", c, l)
			}
			if l.Spatial != Any && l.Spatial != sid || l.Temporal != Any && l.Temporal != tid {
				t.Errorf("%+v: entry %d is %+v", c, i, l)
			}
			if l.Bits == 0 || tid > 0 && l.Bits <= list[i-1].Bits || sid > 0 && l.Bits <= list[i-c.temporal-1].Bits {
				t.Errorf("%+v: entry %d has %d bits", c, i, l.Bits)
			}
			if want := [][2]int{{240, 135}, {480, 270}, {960, 540}}[sid]; c.spatial == 2 && [2]int{l.Width, l.Height} != want {
				t.Errorf("%+v: entry %d is %dx%d", c, i, l.Width, l.Height)
			}
		}
		if top := list[len(list)-1]; top.Bits != e.layer.Bitrate(now) || top.Height != 540 {
			t.Errorf("%+v: the whole is %+v", c, top)
		}
		for _, sent := range []reach{wholeLayer, {0, 7}, {7, 0}, {1, 1}} {
			marked := e.layer.addStates(nil, now)
			markSent(marked, e.layer, sent)
			for _, l := range marked {
				is := max(l.Spatial, 0) == min(int(sent.spatial), c.spatial) && max(l.Temporal, 0) == min(int(sent.temporal), c.temporal)
				if l.Sent != is {
					t.Errorf("%+v: %v is sent, %+v", c, sent, l)
				}
			}
		}
	}
}

// TestTrackOffers V-21: what is not there is refused; a bound may lie above it.
func TestTrackOffers(t *testing.T) {
	track := NewTrack(Video, nil)
	track.show([]*Layer{scalable(2, 1).layer})
	for _, c := range []struct {
		name string
		set  func(*Selection)
		want bool
	}{
		{"automatic", func(*Selection) {}, true},
		{"the highest ids", func(s *Selection) { s.Spatial, s.Temporal = 2, 1 }, true},
		{"the lowest ids", func(s *Selection) { s.Spatial, s.Temporal = 0, 0 }, true},
		{"a spatial id that is not there", func(s *Selection) { s.Spatial = 3 }, false},
		{"a temporal id that is not there", func(s *Selection) { s.Temporal = 2 }, false},
		{"bounds beyond", func(s *Selection) { s.MaxSpatial, s.MaxTemporal = 7, 7 }, true},
		{"its RID", func(s *Selection) { s.RID, s.Spatial = "a", 1 }, true},
		{"another RID", func(s *Selection) { s.RID = "b" }, false},
	} {
		sel := Automatic()
		c.set(&sel)
		if got := track.offers(&sel); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if sel := (Selection{RID: "b", Spatial: 5}); !NewTrack(Video, nil).offers(&sel) {
		t.Error("refused although nothing is known yet")
	}
}

// TestSelectionOfSpatialLayers V-20: ids and sizes leave what fits them, and in any case something.
func TestSelectionOfSpatialLayers(t *testing.T) {
	w, f, v, _ := svcVideo(t)
	f.layer.size.Store(960<<32 | 540)
	f.layer.sizes[0].Store(240<<32 | 135)
	f.layer.sizes[1].Store(480<<32 | 270)
	for _, c := range []struct {
		name string
		set  func(*Selection)
		want []reach // lowest and highest option
	}{
		{"automatic", func(*Selection) {}, []reach{{0, 0}, wholeLayer}},
		{"spatial", func(s *Selection) { s.Spatial = 1 }, []reach{{1, 0}, {1, 7}}},
		{"temporal", func(s *Selection) { s.Temporal = 1 }, []reach{{0, 1}, {7, 1}}},
		{"both", func(s *Selection) { s.Spatial, s.Temporal = 1, 1 }, []reach{{1, 1}, {1, 1}}},
		{"bounds", func(s *Selection) { s.MaxSpatial, s.MaxTemporal = 1, 0 }, []reach{{0, 0}, {1, 0}}},
		{"what is not there", func(s *Selection) { s.Spatial, s.Temporal = 9, 9 }, []reach{wholeLayer, wholeLayer}},
		{"width", func(s *Selection) { s.MaxWidth = 500 }, []reach{{0, 0}, {1, 7}}},
		{"height", func(s *Selection) { s.MaxHeight = 140 }, []reach{{0, 0}, {0, 7}}},
		{"smaller than the smallest", func(s *Selection) { s.MaxHeight = 10 }, []reach{{0, 0}, {0, 7}}},
	} {
		sel := Automatic()
		c.set(&sel)
		w.shard.Select(w.now, v, 0, sel, &w.out)
		w.take()
		options := v.sections[0].options
		if got := []reach{options[0].reach, options[len(options)-1].reach}; got[0] != c.want[0] || got[1] != c.want[1] {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestMaxBitsOfAnOnlyLayer M-104: it is paused and goes on with what it takes.
func TestMaxBitsOfAnOnlyLayer(t *testing.T) {
	w := newWay(t)
	track, feeds := rungs(w)
	feeds = feeds[:1]
	show(track, feeds...)
	keyFrames(w, feeds)
	v := w.view(testVideo(100))
	v.cfg.MaxBits = 1_300_000
	w.source(v, 0, track)
	shows := func() bool {
		for range 40 {
			keyFrames(w, feeds)
			w.sleep(10 * time.Millisecond)
		}
		before := w.player(v, 0).highest
		keyFrames(w, feeds)
		return w.player(v, 0).highest > before
	}
	for _, c := range []struct {
		most int
		want bool
	}{{1_300_000, true}, {500_000, false}, {1_300_000, true}} {
		v.cfg.MaxBits = c.most // as if the layer took more, or less
		if got := shows(); got != c.want {
			t.Errorf("at most %d: shown %v, want %v", c.most, got, c.want)
		}
	}
}

// TestMaxBits M-104: a viewer that allows less than the lowest layer takes sees no picture, of several layers or of one.
func TestMaxBits(t *testing.T) {
	for _, c := range []struct {
		most   int
		layers int
		want   byte // feed, 0 for none
	}{{0, 3, 3}, {1_300_000, 3, 3}, {100_000, 3, 0}, {0, 1, 1}, {1_300_000, 1, 1}, {100_000, 1, 0}} { // every layer of the kit takes about a megabit
		w := newWay(t)
		track, feeds := rungs(w)
		feeds = feeds[:c.layers]
		show(track, feeds...)
		keyFrames(w, feeds)
		v := w.view(testVideo(100))
		v.cfg.MaxBits = c.most
		w.source(v, 0, track)
		for range 40 {
			keyFrames(w, feeds)
			w.sleep(10 * time.Millisecond)
		}
		p := w.player(v, 0)
		before := p.highest
		keyFrames(w, feeds)
		got := byte(0)
		if p.highest > before {
			got = idOf(p.newest.Payload).feed
		}
		if got != c.want {
			t.Errorf("at most %d of %d layers: shows feed %d, want %d", c.most, c.layers, got, c.want)
		}
	}
}
