package router

import (
	"testing"
	"time"
)

func TestSectionAudioSwitchesAtOnce(t *testing.T) {
	w := newWay(t)
	a, b := NewTrack(Audio, nil), NewTrack(Audio, nil)
	fa, fb := w.feedOf(1, a, testOpus), w.feedOf(2, b, testOpus)
	show(a, fa)
	show(b, fb)
	v := w.view(testAudio(200))
	p := w.player(v, 0)
	w.source(v, 0, a)
	fa.run(200*time.Millisecond, true)
	fb.keep(fb.frame(true)...) // before anybody listens
	w.source(v, 0, b)
	fa.arrive(fa.frame(true)...)
	fb.send(true)
	ids := p.ids()
	if last, before := ids[len(ids)-1], ids[len(ids)-2]; last.feed != 2 || before.seq != 1009 {
		t.Errorf("%v then %v", before, last)
	}
	continuous(t, p)
	gap := p.newest.Timestamp - p.got[p.highest-1].Timestamp
	if gap != 960 {
		t.Errorf("timestamp step %d at the switch, want 960", gap)
	}
	if len(w.shard.tracks) != 1 {
		t.Errorf("%d tracks subscribed", len(w.shard.tracks))
	}
}

func TestSectionVideoSourceSwitch(t *testing.T) {
	// One mechanism: the old source is shown until the new one has a key frame.
	w, f, v, p := liveVideo(t)
	other := NewTrack(Video, nil)
	g := w.feedOf(3, other, testH264)
	show(other, g)
	w.source(v, 0, other)
	if !g.asked() {
		t.Error("no key frame asked of the new source")
	}
	for range 5 {
		g.arrive(g.frame(false)...)
		f.send(false)
	}
	if idOf(p.newest.Payload).feed != 1 {
		t.Fatal("old source not shown until the key frame")
	}
	g.arrive(g.frame(true)...)
	f.send(false)
	g.arrive(g.frame(false)...)
	if id := idOf(p.newest.Payload); id.feed != 3 || p.newest.PayloadType != 102 {
		t.Errorf("got %v with payload type %d", id, p.newest.PayloadType)
	}
	continuous(t, p)
	if len(w.shard.tracks) != 1 || w.shard.tracks[other] == nil {
		t.Error("still subscribed to the old track")
	}
}

func TestSectionHoldEnds(t *testing.T) {
	w, f, v, p := liveVideo(t)
	other := NewTrack(Video, nil)
	w.source(v, 0, other)
	f.run(1900*time.Millisecond, false)
	if before := p.highest; func() bool { f.send(false); return p.highest == before }() {
		t.Error("the old source was dropped too early")
	}
	f.run(200*time.Millisecond, false)
	before := p.highest
	f.run(200*time.Millisecond, false)
	if p.highest != before {
		t.Error("the old source is shown for ever")
	}
	w.source(v, 0, nil)
	if len(w.shard.tracks) != 0 {
		t.Errorf("%d tracks left", len(w.shard.tracks))
	}
}

func TestSectionSourceBackAndForth(t *testing.T) {
	w, f, v, p := liveVideo(t)
	other := NewTrack(Video, nil)
	g := w.feedOf(3, other, testVP8)
	show(other, g)
	w.source(v, 0, other)
	w.source(v, 0, f.layer.track)
	g.arrive(g.frame(true)...)
	f.run(100*time.Millisecond, false)
	if idOf(p.newest.Payload).feed != 1 {
		t.Error("the source that was taken back took over")
	}
	continuous(t, p)
	if len(w.shard.tracks) != 1 {
		t.Errorf("%d tracks", len(w.shard.tracks))
	}
}

func TestSectionNilSourceStops(t *testing.T) {
	w, f, v, p := liveVideo(t)
	before := p.highest
	w.source(v, 0, nil)
	f.run(200*time.Millisecond, true)
	if p.highest != before || len(w.shard.tracks) != 0 {
		t.Error("went on without a source")
	}
	w.source(v, 0, f.layer.track)
	f.run(200*time.Millisecond, true)
	if p.highest <= before {
		t.Error("did not come back")
	}
	continuous(t, p)
}

func TestSectionUnplayableCodec(t *testing.T) {
	// M-033: a codec the section lacks is not forwarded.
	w, f, v, p := liveVideo(t)
	before := p.highest
	av1 := Codec{Name: AV1, ClockRate: 90000}
	if v.Plays(0, av1) || !v.Plays(0, testH264) || v.Plays(1, testH264) || v.Plays(-1, testH264) {
		t.Error("Plays is wrong")
	}
	g := w.feedOf(2, f.layer.track, av1)
	show(f.layer.track, g)
	g.run(200*time.Millisecond, true)
	f.arrive(f.frame(true)...)
	if p.highest != before {
		t.Error("unplayable media was forwarded")
	}
	h := w.feedOf(4, f.layer.track, testVP8)
	show(f.layer.track, h)
	h.run(200*time.Millisecond, true)
	if p.highest == before {
		t.Error("playable media was not forwarded")
	}
	continuous(t, p)
}
