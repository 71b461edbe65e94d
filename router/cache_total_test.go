package router

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// cached is a layer whose group counts for a cache, with a picture of its own.
type cached struct {
	l   *Layer
	seq int64
}

func newCached(c *groupCache) *cached {
	track := NewTrack(Video, nil)
	track.cache = c
	k := &cached{l: newTestLayer(track, testVP8, time.Unix(0, 0))}
	c.add(k.l)
	return k
}

// burst keeps n packets of a size, the first of a key frame if key is set.
func (k *cached) burst(now time.Time, n, size int, key bool) {
	for i := range n {
		k.l.keep(&Packet{Seq: k.seq, Arrival: now, Payload: make([]byte, size), Frame: Frame{KeyStart: key && i == 0}})
		k.seq++
	}
	k.l.track.cache.charge(k.l)
}

// The sum stays within the limit, the account is right, and nobody loses a group
// while somebody less watched has one.
func TestCacheAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(5_000, 100_000).Draw(t, "limit")
		c := newGroupCache(limit)
		var layers []*cached
		for range rapid.IntRange(1, 6).Draw(t, "layers") {
			layers = append(layers, newCached(c))
		}
		now := time.Unix(1, 0)
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			now = now.Add(40 * time.Millisecond)
			i := rapid.IntRange(0, len(layers)-1).Draw(t, "layer")
			k := layers[i]
			before := groupsOf(layers)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				k.l.watchers.Store(rapid.Int64Range(0, 3).Draw(t, "watchers"))
			case 1:
				c.remove(k.l)
				layers[i] = newCached(c)
				before[i] = nil
			default:
				k.burst(now, rapid.IntRange(1, 20).Draw(t, "packets"), rapid.IntRange(0, 1100).Draw(t, "size"), rapid.IntRange(0, 4).Draw(t, "key") == 0)
			}
			checkCache(t, c, layers, before)
		}
	})
}

func groupsOf(layers []*cached) (groups []*packetGroup) {
	for _, k := range layers {
		groups = append(groups, k.l.history.group.Load())
	}
	return groups
}

func checkCache(t *rapid.T, c *groupCache, layers []*cached, before []*packetGroup) {
	var sum int64
	for _, k := range layers {
		if k.l.charged.Load() != k.l.history.groupSize() {
			t.Fatalf("charged %d for %d", k.l.charged.Load(), k.l.history.groupSize())
		}
		sum += k.l.charged.Load()
	}
	if sum != c.used.Load() || sum > c.limit {
		t.Fatalf("%d in groups, %d accounted for, limit %d", sum, c.used.Load(), c.limit)
	}
	for i, k := range layers {
		if before[i] == nil || k.l.history.group.Load() != nil {
			continue
		}
		for _, o := range layers {
			if o.l.watchers.Load() < k.l.watchers.Load() && o.l.charged.Load() > 0 {
				t.Fatalf("a layer with %d watchers lost its group, one with %d kept its own", k.l.watchers.Load(), o.l.watchers.Load())
			}
		}
	}
}

// A group that was let go comes back with the next key frame, not before.
func TestCacheGroupComesBackWithAKeyFrame(t *testing.T) {
	c := newGroupCache(10_000)
	a, b := newCached(c), newCached(c)
	b.l.watchers.Store(1)
	now := time.Unix(1, 0)
	a.burst(now, 5, 1000, true)
	b.burst(now, 5, 1000, true)
	if a.l.Group() != nil || len(b.l.Group()) != 5 {
		t.Fatalf("groups of %d and %d packets", len(a.l.Group()), len(b.l.Group()))
	}
	a.burst(now, 2, 100, false)
	if a.l.Group() != nil {
		t.Error("a group without a key frame")
	}
	a.burst(now, 2, 100, true)
	if len(a.l.Group()) != 2 || len(b.l.Group()) != 5 {
		t.Errorf("groups of %d and %d packets", len(a.l.Group()), len(b.l.Group()))
	}
	c.remove(b.l)
	if c.used.Load() != a.l.history.groupSize() {
		t.Errorf("%d accounted for after a layer has left", c.used.Load())
	}
}

// Layers are told who watches them, through whatever viewers do.
func TestLayersKnowTheirWatchers(t *testing.T) {
	w := newWay(t)
	one, two := NewTrack(Video, nil), NewTrack(Video, nil)
	a, b := w.feedOf(1, one, testVP8), w.feedOf(2, two, testVP8)
	high := w.feedOf(3, two, testVP8)
	show(one, a)
	show(two, b)
	check := func(when string, inA, inB, inHigh int64) {
		t.Helper()
		if x, y, z := a.layer.watchers.Load(), b.layer.watchers.Load(), high.layer.watchers.Load(); x != inA || y != inB || z != inHigh {
			t.Errorf("%s: %d, %d and %d watchers, want %d, %d and %d", when, x, y, z, inA, inB, inHigh)
		}
	}
	v, u := w.view(testVideo(100)), w.view(testVideo(300))
	w.source(v, 0, one)
	w.source(u, 0, two)
	a.send(true)
	b.send(true)
	check("one each", 1, 1, 0)
	w.source(v, 0, two)
	b.send(true)
	a.send(false)
	check("both on the second", 0, 2, 0)
	show(two, b, high)
	high.keep(high.frame(true)...)
	for range 40 {
		b.send(false)
		high.send(false)
	}
	check("on its higher layer", 0, 0, 2)
	w.shard.Remove(u)
	check("one has left", 0, 0, 1)
	w.source(v, 0, nil)
	check("nobody", 0, 0, 0)
}

// Through the whole way: what nobody watches makes room for what is watched, and
// who joins that has a picture at once.
func TestCacheKeepsWhatIsWatched(t *testing.T) {
	w := newTheatre(t, 1)
	router := New(Config{CacheTotal: 700_000})
	tracks := make([]*camera, 3)
	for i := range tracks {
		tracks[i] = w.film(camera{fps: 30, gop: 90, bits: 1_000_000, keySize: 30_000, cache: router.cache})
	}
	l := w.join(tracks[1].video, tracks[1].audio, seat{firstReport: time.Second})
	least := 0
	for range 60 {
		w.run(100 * time.Millisecond)
		if used := router.cache.used.Load(); used > 700_000 {
			t.Fatalf("%d bytes in groups", used)
		}
		if l.v.Stats().KeyFrames > 0 && tracks[1].video.Layers()[0].Group() == nil {
			t.Fatal("the watched one lost its group")
		}
		if tracks[0].video.Layers()[0].Group() == nil || tracks[2].video.Layers()[0].Group() == nil {
			least++
		}
	}
	if least == 0 {
		t.Error("nobody lost a group: the test shows nothing")
	}
	for _, c := range tracks {
		c.in.Close()
	}
	if used := router.cache.used.Load(); used != 0 || len(router.cache.layers) != 0 {
		t.Errorf("%d bytes of %d layers left", used, len(router.cache.layers))
	}
}

func TestCacheConcurrently(t *testing.T) {
	c := newGroupCache(200_000)
	var all sync.WaitGroup
	layers := make([]*cached, 8)
	for i := range layers {
		layers[i] = newCached(c)
		layers[i].l.watchers.Store(int64(i % 3))
		all.Go(func() {
			for n := range 2000 {
				layers[i].burst(time.Unix(1, 0).Add(time.Duration(n)*time.Millisecond), 3, 500, n%100 == 0)
				_ = layers[i].l.Group()
			}
		})
	}
	all.Wait()
	var sum int64
	for _, k := range layers {
		k.burst(time.Unix(9, 0), 1, 10, false) // puts its account right
	}
	for _, k := range layers {
		sum += k.l.charged.Load()
		if k.l.charged.Load() != k.l.history.groupSize() {
			t.Errorf("charged %d for %d", k.l.charged.Load(), k.l.history.groupSize())
		}
	}
	if sum != c.used.Load() || sum > c.limit {
		t.Errorf("%d in groups, %d accounted for", sum, c.used.Load())
	}
}

// A group that was let go while its writer made it longer stays away.
func TestDroppedGroupStaysDropped(t *testing.T) {
	k := newCached(newGroupCache(1 << 20))
	k.burst(time.Unix(1, 0), 3, 100, true)
	h := k.l.history
	g := h.group.Load()
	h.dropGroup()
	if h.replace(g, g.snapshot(), g.bytes) || h.group.Load() != nil {
		t.Error("the group came back")
	}
}

// A standby of a watched publication has a group when it is needed, whoever nobody
// watches; and so has the one that was on air before.
func TestCacheKeepsTheStandbysOfWhatIsWatched(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Standby, c.CacheTotal = []string{"live"}, 25_000 })
	on, standby := s.join("on", "one"), s.join("standby", "two")
	alone, err := s.router.Publish(s.now, s.request(&actor{}, "other", "main", "three"))
	if err != nil {
		t.Fatal(err)
	}
	alone.Commit(s.now, nil)
	layerOf := func(p *Publisher, rid string) *cached {
		k := &cached{l: newTestLayer(p.Track(Video), testVP8, time.Unix(0, 0))}
		k.l.rid = rid
		s.router.cache.add(k.l)
		p.Track(Video).show(append(p.Track(Video).Layers(), k.l))
		return k
	}
	watched, ready, nobody := layerOf(on.Publisher, ""), layerOf(standby.Publisher, ""), layerOf(alone, "")
	watched.l.watchers.Store(3)
	fill := func() {
		for _, k := range []*cached{nobody, ready, watched} {
			k.burst(time.Unix(1, 0), 8, 1000, true)
		}
	}
	groups := func() string {
		return fmt.Sprint(len(watched.l.Group()), len(ready.l.Group()), len(nobody.l.Group()))
	}
	if fill(); groups() != "8 8 0" {
		t.Errorf("on air, standing by, unwatched: %s", groups())
	}
	for _, end := range s.router.promote(s.now, standby.Publisher) {
		end()
	}
	watched.l.watchers.Store(0)
	ready.l.watchers.Store(3)
	if fill(); groups() != "8 8 0" {
		t.Errorf("after the switch: %s", groups())
	}
	ready.l.watchers.Store(0)
	nobody.l.watchers.Store(1)
	if fill(); len(nobody.l.Group()) != 8 {
		t.Errorf("nobody watches the publication any more: %s", groups())
	}
}

func TestALayerThatStandsByIsWorthItsNamesake(t *testing.T) {
	shown, behind := NewTrack(Video, nil), NewTrack(Video, nil)
	var on atomic.Pointer[Track]
	shown.shown, behind.shown = &on, &on
	layer := func(t *Track, rid string, watchers int64) *Layer {
		l := newTestLayer(t, testVP8, time.Unix(0, 0))
		l.rid = rid
		l.watchers.Store(watchers)
		return l
	}
	low, high := layer(shown, "l", 2), layer(shown, "h", 5)
	shown.show([]*Layer{low, high})
	if got := layer(behind, "l", 0).worth(); got != 0 {
		t.Errorf("nothing is on air: %d", got)
	}
	on.Store(shown)
	for rid, want := range map[string]int64{"l": 2, "h": 5, "": 5} {
		if got := layer(behind, rid, 0).worth(); got != want {
			t.Errorf("%q: %d, want %d", rid, got, want)
		}
	}
	if low.worth() != 2 || layer(behind, "l", 7).worth() != 7 || layer(NewTrack(Video, nil), "", 1).worth() != 1 {
		t.Error("its own viewers")
	}
}
