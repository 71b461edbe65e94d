package router

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testVP9 = Codec{Name: VP9, ClockRate: 90000}

// svcFeed is a publisher of VP9 with three spatial and three temporal layers.
type svcFeed struct {
	*feed
	tracker frameTracker
	// chained pictures are made from the layer below, not only key pictures (L3T3
	// against L3T3_KEY).
	chained bool
	// base marks pictures of the lowest temporal layer as those after which a viewer
	// may move up, instead of those that depend on lower layers only.
	base bool
	// sync makes the next picture one whose upper spatial layers are made from those
	// below only.
	sync bool
	// frames has what each frame was made from.
	frames map[svcFrame][]svcFrame
	// of is which frame a packet belongs to, bySeq.
	of   map[int64]svcFrame
	last [3]uint16 // newest picture by temporal layer
}

// svcFrame is the part of a picture that one spatial layer makes.
type svcFrame struct {
	picture uint16
	sid     uint8
}

// svcVideo is a viewer of a live layer of VP9 with scalability layers.
func svcVideo(t testing.TB) (*way, *svcFeed, *Viewer, *testPlayer) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := &svcFeed{feed: w.feedOf(1, track, testVP9), frames: map[svcFrame][]svcFrame{}, of: map[int64]svcFrame{}}
	f.size = 2
	f.layer.wire.spatial.Store(2)
	f.layer.wire.temporal.Store(2)
	show(track, f.feed)
	cfg := testVideo(100)
	cfg.PayloadTypes = append(cfg.PayloadTypes, PayloadType{Number: 98, Codec: testVP9, RTX: 99, Feedback: Feedback{NACK: true, PLI: true}})
	v := w.view(cfg)
	w.source(v, 0, track)
	f.show(time.Second, true)
	return w, f, v, w.player(v, 0)
}

// show is run of a feed.
func (f *svcFeed) show(d time.Duration, key bool) {
	for end := f.w.now.Add(d); f.w.now.Before(end); key = false {
		f.arrive(f.pictureOf(key)...)
		f.w.sleep(f.step)
	}
}

// pictureOf makes the packets of the next picture.
func (f *svcFeed) pictureOf(key bool) (packets []*Packet) {
	f.since++
	if key {
		f.since = 0
	}
	tid, _ := threeTemporal(f.since)
	id := f.picture & 0x7FFF
	for sid := range uint8(3) {
		frame := svcFrame{id, sid}
		f.frames[frame] = f.refs(frame, tid, key)
		for i := range f.size {
			packets = append(packets, f.part(frame, tid, key, i))
		}
	}
	packets[len(packets)-1].Marker, packets[len(packets)-1].Frame.End = true, true
	f.ts += ticks(f.step, f.layer.codec.ClockRate)
	f.picture++
	if tid == 0 {
		f.tl0++
	}
	f.last[tid] = id
	f.sync = false
	return packets
}

// refs are the frames that one is made from: 0 2 1 2, in which the last is made from
// the third.
func (f *svcFeed) refs(frame svcFrame, tid uint8, key bool) (refs []svcFrame) {
	if frame.sid > 0 && (key || f.chained || f.sync) {
		refs = append(refs, svcFrame{frame.picture, frame.sid - 1})
	}
	if key || f.sync && frame.sid > 0 {
		return refs
	}
	from := f.last[0]
	if f.since%4 == 3 {
		from = f.last[1]
	}
	return append(refs, svcFrame{from, frame.sid})
}

func (f *svcFeed) part(frame svcFrame, tid uint8, key bool, i int) *Packet {
	b := make([]byte, testDescriptor+9+40)
	b[0] = vp9PictureID | vp9Layers
	if !key && (!f.sync || frame.sid == 0) {
		b[0] |= vp9Inter
	}
	if i == 0 {
		b[0] |= vp9Begin
	}
	if i == f.size-1 {
		b[0] |= vp9End
	}
	binary.BigEndian.PutUint16(b[1:], 0x8000|frame.picture)
	b[3] = tid<<5 | frame.sid<<1
	if f.base == (tid == 0) {
		b[3] |= 0x10
	}
	b[4] = f.tl0
	b[testDescriptor] = f.id
	binary.BigEndian.PutUint64(b[testDescriptor+1:], uint64(f.seq))
	p := &Packet{Seq: f.seq, Timestamp: f.ts, Capture: f.w.now, Arrival: f.w.now, Payload: b}
	f.tracker.next(p, inspectVP9(b, &p.Frame), true)
	f.of[f.seq] = frame
	f.seq++
	return p
}

// want bounds what the section is sent.
func (w *way) want(v *Viewer, spatial, temporal int) {
	sel := Automatic()
	sel.MaxSpatial, sel.MaxTemporal = spatial, temporal
	w.shard.Select(w.now, v, 0, sel, &w.out)
	w.take()
}

// seen is what a player got of an svcFeed.
type seen struct {
	frames map[svcFrame]int // packets
	layers map[svcFrame]int // frames by sid and, as picture, tid
}

// look checks what every player of VP9 relies on, and says what came since number n:
// numbers without holes, pictures that end with the only packet that has a marker,
// picture ids as the publisher counts them, and no frame without those it is made from.
func (f *svcFeed) look(t rapid.TB, p *testPlayer, n int64) seen {
	t.Helper()
	got := seen{map[svcFrame]int{}, map[svcFrame]int{}}
	ended := map[uint32]int64{}
	for i := p.order[0]; i <= p.highest; i++ {
		pkt := p.got[i]
		if pkt == nil {
			t.Fatalf("number %d was never sent", i)
		}
		if len(pkt.Payload) < testDescriptor+9 {
			continue // padding
		}
		if at, over := ended[pkt.Timestamp]; over {
			t.Fatalf("number %d comes after %d, which ended its picture", i, at)
		}
		if pkt.Marker {
			ended[pkt.Timestamp] = i
		}
		frame := f.of[idOf(pkt.Payload).seq]
		got.frames[frame]++
		if id := binary.BigEndian.Uint16(pkt.Payload[1:]) & 0x7FFF; id != frame.picture {
			t.Fatalf("picture %d has the id %d", frame.picture, id)
		}
		if i > n && pkt.Payload[0]&vp9Begin != 0 {
			got.layers[svcFrame{uint16(pkt.Payload[3] >> 5), frame.sid}]++
		}
	}
	for frame, packets := range got.frames {
		if packets != f.size {
			t.Fatalf("%d of %d packets of %v", packets, f.size, frame)
		}
		for _, ref := range f.frames[frame] {
			if got.frames[ref] == 0 {
				t.Fatalf("%v went out, but not %v, which it is made from", frame, ref)
			}
		}
	}
	newest := p.newest.Timestamp
	for i := p.order[0]; i <= p.highest; i++ {
		if ts := p.got[i].Timestamp; ts != newest && len(p.got[i].Payload) > 1 && ended[ts] == 0 {
			t.Fatalf("no packet ends the picture of number %d", i)
		}
	}
	return got
}

// TestThinningSpatialLayers M-044, M-047: spatial and temporal layers are left out at once, and taken in again where decoders can go on.
func TestThinningSpatialLayers(t *testing.T) {
	for _, c := range []struct{ chained, base bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("chained %v, base %v", c.chained, c.base), func(t *testing.T) {
			w, f, v, p := svcVideo(t)
			f.chained, f.base = c.chained, c.base
			for _, r := range []reach{{2, 2}, {0, 2}, {1, 2}, {1, 0}, {2, 1}, {0, 0}, {2, 2}, {0, 1}, {2, 2}} {
				before := v.sections[0].thin
				f.asked()
				w.want(v, int(r.spatial), int(r.temporal))
				if up := before.on && r.spatial > before.now.spatial; f.asked() != up {
					t.Errorf("to %v: a key frame asked for: %v, want %v", r, !up, up)
				}
				if before.on {
					since := p.highest
					f.show(480*time.Millisecond, false)
					for l := range f.look(t, p, since).layers {
						if l.sid > min(before.now.spatial, r.spatial) {
							t.Errorf("spatial layer %d without a key frame", l.sid)
						}
					}
				}
				f.show(480*time.Millisecond, true)
				since := p.highest
				f.show(480*time.Millisecond, false)
				got := f.look(t, p, since).layers
				for tid := range uint16(3) {
					for sid := range uint8(3) {
						if want := sid <= r.spatial && uint8(tid) <= r.temporal; (got[svcFrame{tid, sid}] > 0) != want {
							t.Errorf("up to %v: %d frames of layer %d.%d", r, got[svcFrame{tid, sid}], sid, tid)
						}
					}
				}
			}
			if v.sections[0].thin.on {
				t.Error("still thinned although nothing is left out")
			}
			continuous(t, p)
		})
	}
}

// TestThinningClimbsByTemporalMarks: temporal layers come back without a key frame.
func TestThinningClimbsByTemporalMarks(t *testing.T) {
	for _, base := range []bool{false, true} {
		t.Run(fmt.Sprintf("base %v", base), func(t *testing.T) {
			w, f, v, p := svcVideo(t)
			f.base = base
			w.want(v, 1, 0)
			f.show(400*time.Millisecond, true)
			f.asked()
			w.want(v, 1, 2)
			if f.asked() {
				t.Error("asked for a key frame")
			}
			f.show(400*time.Millisecond, false)
			since := p.highest
			f.show(400*time.Millisecond, false)
			if got := f.look(t, p, since).layers; got[svcFrame{2, 1}] == 0 || got[svcFrame{0, 2}] != 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestThinningClimbsWithoutAKeyFrame: spatial layers come back at a picture in which they are made from lower ones only.
func TestThinningClimbsWithoutAKeyFrame(t *testing.T) {
	w, f, v, p := svcVideo(t)
	f.chained = true
	w.want(v, 0, 2)
	f.show(400*time.Millisecond, false)
	w.want(v, 2, 2)
	for f.since%4 != 3 {
		f.show(f.step, false)
	}
	f.sync = true
	since := p.highest
	f.show(400*time.Millisecond, false)
	if got := f.look(t, p, since).layers; got[svcFrame{0, 2}] == 0 {
		t.Errorf("got %v", got)
	}
	if v.sections[0].thin.on {
		t.Error("still thinned although nothing is left out")
	}
}

// TestThinningWithoutTheLastLayer M-047: where the highest layer that is sent is missing in a picture, the one below ends it.
func TestThinningWithoutTheLastLayer(t *testing.T) {
	w, f, v, p := svcVideo(t)
	w.want(v, 1, 2)
	f.show(400*time.Millisecond, true)
	for range 3 {
		picture := f.pictureOf(false)
		for i, packet := range picture[4:] { // the encoder had no bits left for the second
			packet.Seq = picture[2].Seq + int64(i)
			binary.BigEndian.PutUint64(packet.Payload[testDescriptor+1:], uint64(packet.Seq))
			f.of[packet.Seq] = svcFrame{f.of[picture[0].Seq].picture, 2}
		}
		f.seq -= 2
		f.arrive(append(picture[:2:2], picture[4:]...)...)
		w.sleep(f.step)
		if !p.newest.Marker {
			t.Fatal("nothing ends the picture")
		}
	}
}

// TestThinningSpatialServesNACKs M-007, M-047: a retransmission has the marker of what was sent.
func TestThinningSpatialServesNACKs(t *testing.T) {
	w, f, v, p := svcVideo(t)
	for _, r := range []reach{{0, 2}, {1, 1}, {0, 0}} {
		w.want(v, int(r.spatial), int(r.temporal))
		f.show(400*time.Millisecond, true)
	}
	for n := p.highest - 40; n <= p.highest; n++ {
		before := len(p.rtx)
		v.sections[0].nackOne(w.now, uint16(n), &w.out)
		w.take()
		if len(p.rtx) != before+1 || p.rtxFor[before] != n {
			t.Fatalf("number %d is not sent again", n)
		}
		w.now = w.now.Add(20 * time.Millisecond)
	}
}

// TestThinningSpatialKeepsHoles M-013, M-047: whatever is lost and repaired while layers come and go, everything that is wanted goes out, decoders can use
// it, and each picture is ended by one packet.
func TestThinningSpatialKeepsHoles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, f, v, p := svcVideo(t)
		f.chained, f.base = rapid.Bool().Draw(r, "chained"), rapid.Bool().Draw(r, "base")
		var lost []*Packet
		for range rapid.IntRange(10, 60).Draw(r, "pictures") {
			if rapid.IntRange(0, 5).Draw(r, "choose") == 5 {
				w.want(v, rapid.IntRange(0, 2).Draw(r, "spatial"), rapid.IntRange(0, 2).Draw(r, "temporal"))
			}
			var burst []*Packet
			key := rapid.IntRange(0, 9).Draw(r, "key") == 9
			for _, packet := range f.pictureOf(key) {
				if rapid.IntRange(0, 19).Draw(r, "lost") == 19 && !packet.Frame.KeyStart {
					lost = append(lost, packet)
					continue
				}
				burst = append(burst, packet)
			}
			if len(burst) > 0 {
				f.arrive(burst...)
			}
			w.sleep(f.step)
			for len(lost) > 0 && rapid.Bool().Draw(r, "repair") {
				f.arrive(lost[0])
				lost = lost[1:]
			}
		}
		for _, packet := range lost {
			f.arrive(packet)
		}
		f.show(200*time.Millisecond, true)
		f.recover(w, v, p)
		f.look(r, p, 0)
	})
}

// recover asks for what is missing, as players do.
func (f *svcFeed) recover(w *way, v *Viewer, p *testPlayer) {
	for n := p.order[0]; n <= p.highest; n++ {
		if p.got[n] == nil {
			w.now = w.now.Add(20 * time.Millisecond)
			v.sections[0].nackOne(w.now, uint16(n), &w.out)
			w.take()
		}
	}
}
