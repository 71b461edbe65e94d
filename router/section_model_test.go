package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// world is a section whose sources, layers and publishers change at random, with
// packets that are lost, late and reordered, and a viewer who asks for packets.
type world struct {
	rt     *rapid.T
	w      *way
	v      *Viewer
	p      *testPlayer
	tracks []*Track
	feeds  map[*Track][]*feed
	ids    byte
	// sources of every packet ever made, and those that did not arrive in time.
	packets   map[packetID]*Packet
	imperfect map[packetID]bool
	delayed   []delayedPacket
	wanted    *Track
}

type delayedPacket struct {
	f *feed
	p *Packet
}

func newWorld(t testing.TB, rt *rapid.T) *world {
	d := &world{rt: rt, w: newWay(t), feeds: map[*Track][]*feed{}, packets: map[packetID]*Packet{}, imperfect: map[packetID]bool{}}
	d.v = d.w.view(testVideo(100))
	d.p = d.w.player(d.v, 0)
	for range 2 {
		track := NewTrack(Video, nil)
		d.tracks = append(d.tracks, track)
		d.publish(track)
	}
	d.watch(d.tracks[0])
	return d
}

// publish gives a track a new publisher.
func (d *world) publish(t *Track) {
	var feeds []*feed
	codec := rapid.SampledFrom([]Codec{testVP8, testH264}).Draw(d.rt, "codec")
	transit := time.Duration(rapid.IntRange(0, 300).Draw(d.rt, "transit")) * time.Millisecond
	for range rapid.IntRange(1, 3).Draw(d.rt, "layers") {
		d.ids++
		f := d.w.feedOf(d.ids, t, codec)
		f.transit = transit
		f.size = rapid.IntRange(1, 5).Draw(d.rt, "size")
		f.layer.deaf.Store(rapid.Bool().Draw(d.rt, "deaf"))
		feeds = append(feeds, f)
	}
	d.feeds[t] = feeds
	show(t, feeds...)
}

func (d *world) watch(t *Track) {
	d.wanted = t
	d.w.source(d.v, 0, t)
}

// emit sends a frame of f, with all that can happen to its packets.
func (d *world) emit(f *feed) {
	key := f.asked() && !f.layer.Deaf() || rapid.IntRange(0, 9).Draw(d.rt, "key") == 0
	var now []*Packet
	for _, p := range f.frame(key) {
		id := idOf(p.Payload)
		d.packets[id] = p
		switch rapid.IntRange(0, 19).Draw(d.rt, "fate") {
		case 0: // lost
			d.imperfect[id] = true
		case 1: // late
			d.imperfect[id] = true
			d.delayed = append(d.delayed, delayedPacket{f, p})
		case 2: // overtaken by the next
			now = append(now, p)
			if n := len(now); n > 1 {
				d.imperfect[idOf(now[n-2].Payload)], d.imperfect[id] = true, true
				now[n-1], now[n-2] = now[n-2], now[n-1]
			}
		default:
			now = append(now, p)
		}
	}
	if len(now) > 0 {
		f.arrive(now...)
	}
}

func (d *world) step() {
	switch rapid.IntRange(0, 29).Draw(d.rt, "step") {
	case 0:
		d.publish(rapid.SampledFrom(d.tracks).Draw(d.rt, "track"))
	case 1:
		d.watch(rapid.SampledFrom(append(d.tracks, nil)).Draw(d.rt, "source"))
	case 2, 3, 4:
		for _, late := range d.delayed {
			late.p.Arrival = d.w.now
			late.f.arrive(late.p)
		}
		d.delayed = nil
	case 5, 6, 7:
		if d.p.started {
			d.w.rtcp(d.v, nackOf(100, d.p.highest-rapid.Int64Range(0, 60).Draw(d.rt, "nack")))
		}
	case 8:
		d.w.sleep(time.Duration(rapid.IntRange(0, 3000).Draw(d.rt, "pause")) * time.Millisecond)
	case 9:
		d.w.shard.RTCP(d.w.now, d.v, []byte{0x81, 206, 0, 2, 0, 0, 0, 0, 0, 0, 0, 100}, &d.w.out)
		d.w.take()
	default:
		silent := rapid.IntRange(0, 8).Draw(d.rt, "silent")
		for _, t := range d.tracks {
			for i, f := range d.feeds[t] {
				if i != silent {
					d.emit(f)
				}
			}
		}
		d.w.sleep(40 * time.Millisecond)
	}
}

// check looks at everything the viewer got: numbers are continuous but for holes
// upstream, and another layer starts only with a key frame.
func (d *world) check() {
	last, have := int64(0), false
	if !d.p.started {
		return
	}
	for n := d.p.order[0]; n <= d.p.highest; n++ {
		if d.p.got[n] == nil {
			continue
		}
		if have {
			d.checkPair(last, n)
		}
		last, have = n, true
	}
}

func (d *world) checkPair(a, b int64) {
	ia, ib := idOf(d.p.got[a].Payload), idOf(d.p.got[b].Payload)
	pa, pb := d.packets[ia], d.packets[ib]
	if ia.feed != ib.feed || ib.seq-ia.seq != b-a {
		if !pb.Frame.KeyStart || b != a+1 {
			d.rt.Fatalf("number %d is %v, %d is %v: not a key frame, or a hole at a switch", a, ia, b, ib)
		}
		return
	}
	for seq := ia.seq + 1; seq < ib.seq; seq++ {
		if !d.imperfect[packetID{ia.feed, seq}] {
			d.rt.Fatalf("packet %d of feed %d arrived in time but was not sent", seq, ia.feed)
		}
	}
	if same := pa.Timestamp == pb.Timestamp; same != (d.p.got[a].Timestamp == d.p.got[b].Timestamp) {
		d.rt.Fatalf("packets %v and %v of one frame: %v, of one timestamp: %v", ia, ib, same, !same)
	}
}

// settle checks that the viewer ends up with the picture it should have.
func (d *world) settle() {
	if d.wanted == nil {
		d.watch(d.tracks[0])
	}
	feeds := d.feeds[d.wanted]
	for i := range 120 {
		for _, f := range feeds {
			f.arrive(f.frame(i%50 == 0)...)
			for k := int64(1); k <= int64(f.size); k++ {
				id := packetID{f.id, f.seq - k}
				d.packets[id] = f.layer.Packet(id.seq)
			}
		}
		d.w.sleep(40 * time.Millisecond)
	}
	if top := feeds[len(feeds)-1]; idOf(d.p.newest.Payload) != (packetID{top.id, top.seq - 1}) {
		d.rt.Fatalf("ends with %v, want %v", idOf(d.p.newest.Payload), packetID{top.id, top.seq - 1})
	}
}

func TestSectionAgainstModel(t *testing.T) {
	// M-013, M-041 to M-046, M-007: whatever happens upstream, one stream comes out. The player checks that no number is
	// sent twice, no timestamp goes back and every retransmission equals what was sent.
	rapid.Check(t, func(rt *rapid.T) {
		d := newWorld(t, rt)
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			d.step()
		}
		d.check()
		d.settle()
		d.check()
		if t.Failed() {
			rt.Fatal("the player complained")
		}
	})
}
