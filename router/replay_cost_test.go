package router

import (
	"testing"
	"time"
)

// replaying is a viewer of a deaf publisher's group of ten seconds at 2.5 Mbit/s,
// in virtual time.
type replaying struct {
	now   time.Time
	shard *Shard
	out   Out
	track *Track
	layer *Layer
	group int
}

func newReplaying(tb testing.TB) *replaying {
	w := newWay(tb)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.size, f.payload = 11, 1100
	f.layer.deaf.Store(true)
	show(track, f)
	f.run(10*time.Second, true)
	f.layer.bits.Store(2_500_000)
	return &replaying{now: w.now, shard: NewShard(nobody{}), track: track, layer: f.layer, group: len(f.layer.Group())}
}

// join adds a viewer whose path is known to be wide, and starts its replay.
func (r *replaying) join() *Viewer {
	set := DefaultViewerSettings()
	set.PathBitsPerSecond = 100_000_000
	v := NewViewer(ViewerConfig{ID: "v", CNAME: "stream", Sections: []SectionConfig{testVideo(100)}, Settings: set})
	r.shard.Add(r.now, v, &r.out)
	r.shard.SetSource(r.now, v, 0, r.track, &r.out)
	return v
}

// play replays a whole group, and returns the number of packets.
func (r *replaying) play(v *Viewer) (packets int) {
	packets = len(r.out.Packets)
	r.out.Reset()
	for now := r.now; v.sections[0].replay.active; {
		now = now.Add(time.Millisecond)
		r.shard.Tick(now, &r.out)
		packets += len(r.out.Packets)
		r.out.Reset()
	}
	r.shard.Remove(v)
	return packets
}

func TestAReplayAllocatesNothingPerPacket(t *testing.T) {
	r := newReplaying(t)
	r.play(r.join())
	var packets int
	perReplay := testing.AllocsPerRun(5, func() { packets = r.play(r.join()) })
	if packets != r.group {
		t.Fatalf("%d packets replayed of %d", packets, r.group)
	}
	if perReplay > 40 { // the viewer itself
		t.Errorf("%.0f allocations for %d packets", perReplay, packets)
	}
}

// What a NACK for a packet that never came costs must not depend on the group.
func TestLookingForWhatNeverCameAllocatesNothing(t *testing.T) {
	r := newReplaying(t)
	r.layer.keep(&Packet{Seq: 1500, Arrival: r.now}) // late: a snapshot would have to be merged
	if n := testing.AllocsPerRun(100, func() { r.layer.history.kept(999) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkReplay(b *testing.B) {
	r := newReplaying(b)
	b.ReportAllocs()
	for b.Loop() {
		if r.play(r.join()) != r.group {
			b.Fatal("not the whole group")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*r.group), "ns/packet")
}

// BenchmarkJoin is what it costs to start a replay: a viewer, its subscription and
// the packets that go at once.
func BenchmarkJoin(b *testing.B) {
	r := newReplaying(b)
	b.ReportAllocs()
	for b.Loop() {
		v := r.join()
		r.out.Reset()
		r.shard.Remove(v)
	}
}

// BenchmarkKeep is what keeping costs per packet, the account of the cache
// included: 9 packets a burst, a key frame every ten seconds.
func BenchmarkKeep(b *testing.B) {
	k := newCached(newGroupCache(1 << 30))
	payload := make([]byte, 1100)
	now := time.Unix(1, 0)
	packets := make([]Packet, 8192)
	b.ReportAllocs()
	for b.Loop() {
		p := &packets[k.seq%int64(len(packets))]
		*p = Packet{Seq: k.seq, Arrival: now, Payload: payload, Frame: Frame{KeyStart: k.seq%2700 == 0}}
		k.l.keep(p)
		if k.seq++; k.seq%9 == 0 {
			k.l.track.cache.charge(k.l)
			now = now.Add(33 * time.Millisecond)
		}
	}
}

func BenchmarkParameterSets(b *testing.B) {
	var s parameterSets
	packet := fromHex(b, stap(b, h264SPS638x358, firstPPS))
	b.ReportAllocs()
	for b.Loop() {
		s.note(H264, packet, 1)
	}
}
