package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func TestShardSubscribesOnce(t *testing.T) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	var viewers []*Viewer
	for i := range 5 {
		v := w.view(testVideo(uint32(100 + 10*i)))
		w.source(v, 0, track)
		viewers = append(viewers, v)
	}
	if n := len(*track.subscriptions.Load()); n != 1 {
		t.Fatalf("%d subscriptions for 5 viewers", n)
	}
	f.run(200*time.Millisecond, true)
	for _, v := range viewers {
		if n := len(w.player(v, 0).order); n != 15 {
			t.Errorf("%d packets", n)
		}
		w.shard.Remove(v)
	}
	if n := len(*track.subscriptions.Load()); n != 0 || len(w.shard.tracks) != 0 || w.shard.Len() != 0 {
		t.Errorf("%d subscriptions, %d tracks, %d viewers left", n, len(w.shard.tracks), w.shard.Len())
	}
	if at := w.shard.schedule.next(); !at.IsZero() {
		t.Errorf("something is scheduled at %v", at)
	}
	f.arrive(f.frame(true)...)
	w.shard.Burst(w.now, Burst{f.layer, f.frame(true)}, &w.out) // was in the inbox
	if len(w.out.Packets) != 0 {
		t.Error("sent to nobody")
	}
}

func TestShardIsViewerMajor(t *testing.T) {
	// All packets of the burst for one viewer after another.
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.size = 7
	show(track, f)
	for i := range 4 {
		w.source(w.view(testVideo(uint32(100+10*i))), 0, track)
	}
	f.send(true)
	w.order = nil
	f.send(false)
	if len(w.order) != 28 {
		t.Fatalf("%d packets", len(w.order))
	}
	if runs := len(slices.Compact(slices.Clone(w.order))); runs != 4 {
		t.Errorf("%d runs for 4 viewers", runs)
	}
}

func TestShardIgnoresNonsense(t *testing.T) {
	w := newWay(t)
	audio, video := NewTrack(Audio, nil), NewTrack(Video, nil)
	v := w.view(testVideo(100))
	w.source(v, 0, audio) // another kind
	w.source(v, 1, video) // no such section
	w.source(v, -1, video)
	w.source(v, 0, nil) // nothing before, nothing after
	if len(w.shard.tracks) != 0 {
		t.Error("subscribed")
	}
	w.shard.Add(w.now, v, &w.out)
	if w.shard.Len() != 1 {
		t.Error("added twice")
	}
	w.source(v, 0, video)
	w.shard.Burst(w.now, Burst{}, &w.out)
	w.shard.Burst(w.now, Burst{Layer: newTestLayer(video, testVP8, w.now)}, &w.out)
	f := w.feedOf(1, video, testVP8)
	w.shard.Burst(w.now, Burst{f.layer, f.frame(true)}, &w.out) // not a layer of the track's publisher
	if len(w.out.Packets) != 0 {
		t.Error("sent something")
	}
	stranger := NewViewer(ViewerConfig{Sections: []SectionConfig{testVideo(1)}, Settings: DefaultViewerSettings()})
	w.source(stranger, 0, video)
	w.shard.RTCP(w.now, stranger, []byte{0x81, 206, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1}, &w.out)
	w.shard.Remove(stranger)
	w.shard.Remove(v)
	w.shard.Remove(v)
	w.source(v, 0, video)
	if w.shard.Len() != 0 || len(w.shard.tracks) != 0 {
		t.Error("a removed viewer came back")
	}
}

func TestShardRemoveInTheMiddle(t *testing.T) {
	// Waiting, replaying, holding: nothing of a removed viewer is left.
	w := newWay(t)
	a, b := NewTrack(Video, nil), NewTrack(Video, nil)
	f, g := w.feedOf(1, a, testVP8), w.feedOf(2, b, testVP8)
	show(a, f)
	show(b, g)
	f.run(time.Second, true)
	v := w.view(testVideo(100))
	w.source(v, 0, a)
	if !v.sections[0].replay.active {
		t.Fatal("no replay")
	}
	w.source(v, 0, b)
	w.shard.Remove(v)
	if len(w.shard.tracks) != 0 || !w.shard.schedule.next().IsZero() {
		t.Error("something is left")
	}
	f.run(time.Second, false)
	if w.player(v, 0).highest == 0 {
		t.Error("nothing was replayed before")
	}
}

func TestShardLayerFallsSilentAndReturns(t *testing.T) {
	// M-050: down after a second of silence, up again with patience, each time at a key frame.
	w, low, v, p := liveVideo(t)
	high := w.feedOf(2, low.layer.track, testVP8)
	low.layer.track.show([]*Layer{low.layer, high.layer})
	both := func(d time.Duration) {
		for end := w.now.Add(d); w.now.Before(end); {
			high.arrive(high.frame(high.asked())...)
			low.send(low.asked())
		}
	}
	shown := func() byte { return idOf(p.newest.Payload).feed }
	both(time.Second)
	if shown() != 2 {
		t.Fatal("not on the highest layer")
	}
	for end := w.now.Add(1500 * time.Millisecond); w.now.Before(end); {
		low.send(low.asked())
	}
	if shown() != 1 {
		t.Fatal("no fall-back from a silent layer")
	}
	high.asked()
	both(2 * time.Second)
	if shown() != 1 {
		t.Fatal("back up without patience")
	}
	both(2 * time.Second)
	if shown() != 2 {
		t.Fatal("never back up")
	}
	continuous(t, p)
	if s := v.Stats(); s.Switches != 3 {
		t.Errorf("%d switches", s.Switches)
	}
}

func TestShardHostileViewerHarmsNobody(t *testing.T) {
	w, f, bad, _ := liveVideo(t)
	good := w.view(testVideo(500))
	w.source(good, 0, f.layer.track)
	f.run(time.Second, true)
	f.asked()
	p := w.player(good, 0)
	start := len(p.order)
	asked := 0
	for range 250 { // ten seconds
		for range 20 {
			w.rtcp(bad, nackOf(100, w.player(bad, 0).highest), &rtcp.PictureLossIndication{MediaSSRC: 100})
		}
		f.send(false)
		if f.asked() {
			asked++
		}
	}
	if asked > 11 {
		t.Errorf("%d key frames asked for in 10 s", asked)
	}
	if got := len(p.order) - start; got != 750 {
		t.Errorf("the neighbour got %d packets, want 750", got)
	}
	if len(p.rtx) != 0 {
		t.Error("the neighbour got retransmissions")
	}
}

// fanout is a shard with n viewers of one live publisher and a burst to repeat.
type fanout struct {
	shard *Shard
	out   Out
	now   time.Time
	layer *Layer
	frame []*Packet
	seq   int64
}

func fanoutOf(t testing.TB, n, size int) *fanout {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	show(track, f)
	fo := &fanout{shard: w.shard, now: w.now, layer: f.layer}
	for i := range n {
		v := w.view(testVideo(uint32(100 + 10*i)))
		w.source(v, 0, track)
		v.sections[0].identified = true
	}
	f.send(true)
	f.size = size
	for range 4 {
		fo.frame = f.frame(false)
		for _, p := range fo.frame {
			p.Payload = append(p.Payload, make([]byte, 1150)...)
		}
		f.arrive(fo.frame...)
	}
	fo.now, fo.seq = w.now, f.seq
	return fo
}

// forward sends the frame once more, under new numbers.
func (f *fanout) forward() {
	f.now = f.now.Add(33 * time.Millisecond)
	for _, p := range f.frame {
		p.Seq, p.Timestamp, p.Capture, p.Arrival = f.seq, p.Timestamp+2970, f.now, f.now
		f.seq++
	}
	f.shard.Burst(f.now, Burst{f.layer, f.frame}, &f.out)
	f.shard.Tick(f.now, &f.out)
	f.out.Reset()
}

func TestForwardingDoesNotAllocate(t *testing.T) {
	for _, shifted := range []bool{false, true} {
		f := fanoutOf(t, 20, 4)
		for v := range f.shard.viewers {
			s := v.sections[0]
			s.identified = !shifted // MID on every packet
			if shifted {
				s.segments.current().shift = pictureShift{1, 2, 3}
			}
		}
		for range 200 { // arenas grow, every report has been sent
			f.forward()
		}
		if n := testing.AllocsPerRun(200, f.forward); n != 0 {
			t.Errorf("%.2f allocations for 80 packets (rewritten: %v), want none", n, shifted)
		}
	}
}

func TestRetransmissionDoesNotAllocate(t *testing.T) {
	w, _, v, p := liveVideo(t)
	b, err := rtcp.Marshal([]rtcp.Packet{nackOf(100, p.highest, p.highest-1)})
	if err != nil {
		t.Fatal(err)
	}
	w.shard.RTCP(w.now, v, b, &w.out)
	if n := testing.AllocsPerRun(100, func() {
		w.now = w.now.Add(time.Second)
		w.shard.RTCP(w.now, v, b, &w.out)
		w.out.Reset()
	}); n != 0 {
		t.Errorf("%.2f allocations for a NACK", n)
	}
}

// BenchmarkFanout measures a frame of ten packets of 1.2 kB planned for n viewers.
func BenchmarkFanout(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("viewers=%d", n), func(b *testing.B) {
			f := fanoutOf(b, n, 10)
			f.forward()
			b.ReportAllocs()
			for b.Loop() {
				f.forward()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*len(f.frame)), "ns/delivery")
		})
	}
}

// BenchmarkFanoutSingle measures one audio-like packet, where the cost per burst shows.
func BenchmarkFanoutSingle(b *testing.B) {
	f := fanoutOf(b, 1000, 1)
	f.forward()
	b.ReportAllocs()
	for b.Loop() {
		f.forward()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*1000), "ns/delivery")
}
