package router

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/dependency"
	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

var testAV1 = Codec{Name: AV1, ClockRate: 90000}

const testDescribed = 5 // id of the extension

// describedFeed is a publisher of AV1 with three spatial and three temporal layers
// whose frames come with dependency descriptors.
type describedFeed struct {
	*feed
	tracker   frameTracker
	structure *dependency.Structure
	// chained frames are made from the layer below in every picture (L3T3 against
	// L3T3_KEY); sync makes the next picture one whose upper layers are made from those
	// below only.
	chained, sync bool
	number        int64
	last          [3][3]int64 // newest frame by spatial and temporal id
	refs          map[int64]([]int64)
	of            map[int64]*Packet // by Seq
	signs         map[int64]sign
	lost          map[int64]bool // by Seq
	newest        int64          // Seq
}

// describedVideo is a viewer of a live layer of AV1 that takes descriptors.
func describedVideo(t testing.TB, described bool) (*way, *describedFeed, *Viewer, *testPlayer) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.describedFeed(1, track)
	show(track, f.feed)
	cfg := testVideo(100)
	cfg.PayloadTypes = append(cfg.PayloadTypes, PayloadType{Number: 45, Codec: testAV1, RTX: 46, Feedback: Feedback{NACK: true, PLI: true}})
	if described {
		cfg.Extensions = Extensions{ExtDependencyDescr: testDescribed}
	}
	v := w.view(cfg)
	w.source(v, 0, track)
	f.show(time.Second, true)
	return w, f, v, w.player(v, 0)
}

func (w *way) describedFeed(id byte, track *Track) *describedFeed {
	f := &describedFeed{feed: w.feedOf(id, track, testAV1), refs: map[int64][]int64{}, of: map[int64]*Packet{}, signs: map[int64]sign{}, lost: map[int64]bool{}}
	f.size, f.number = 2, 1<<16+int64(id)*9000
	f.layer.wire.spatial.Store(2)
	f.layer.wire.temporal.Store(2)
	f.layer.described.Store(3)
	f.structure = &dependency.Structure{First: 7 * id}
	for i := range 9 {
		f.structure.Targets = append(f.structure.Targets, dependency.Layer{Spatial: uint8(i / 3), Temporal: uint8(i % 3)})
		f.structure.Templates = append(f.structure.Templates, dependency.Frame{Layer: f.structure.Targets[i]})
	}
	return f
}

func (f *describedFeed) show(d time.Duration, key bool) {
	for end := f.w.now.Add(d); f.w.now.Before(end); key = false {
		f.come(f.pictureOf(key)...)
		f.w.sleep(f.step)
	}
}

// come hands packets over that were not lost; those before the newest were repaired.
func (f *describedFeed) come(packets ...*Packet) {
	var burst []*Packet
	for _, p := range packets {
		late := f.lost[p.Seq] && p.Seq < f.newest
		delete(f.lost, p.Seq)
		if late {
			f.tracker.late(p, f.layer.Packet(p.Seq-1), f.signs[p.Seq])
		} else {
			f.tracker.next(p, f.signs[p.Seq], !f.lost[p.Seq-1])
			f.newest = p.Seq
		}
		burst = append(burst, p)
	}
	if len(burst) > 0 {
		f.arrive(burst...)
	}
}

// pictureOf makes the packets of the next picture.
func (f *describedFeed) pictureOf(key bool) (packets []*Packet) {
	f.since++
	if key {
		f.since = 0
	}
	tid, _ := threeTemporal(f.since)
	for sid := range uint8(3) {
		d := f.frame(sid, tid, key)
		for i := range f.size {
			packets = append(packets, f.part(d, key, i))
		}
	}
	packets[len(packets)-1].Marker, packets[len(packets)-1].Frame.End = true, true
	f.ts += ticks(f.step, 90000)
	f.sync = false
	return packets
}

// frame describes the next frame: 0 2 1 2, in which the last is made from the third.
func (f *describedFeed) frame(sid, tid uint8, key bool) *Dependencies {
	f.number++
	d := &Dependencies{Number: f.number, Structure: f.structure, Frame: &dependency.Frame{Layer: dependency.Layer{Spatial: sid, Temporal: tid}}}
	sync := f.sync && tid == 0
	from := func(n int64) {
		d.From = append(d.From, uint16(f.number-n))
		f.refs[f.number] = append(f.refs[f.number], n)
	}
	if !key && (!sync || sid == 0) {
		if f.since%4 == 3 {
			from(f.last[sid][1])
		} else {
			from(f.last[sid][0])
		}
	}
	if sid > 0 && (key || f.chained || sync) {
		from(f.number - 1)
	}
	for i, target := range f.structure.Targets {
		part := target.Spatial == sid || target.Spatial > sid && (key || f.chained || sync)
		if !part || tid > target.Temporal {
			continue
		}
		d.Present |= 1 << i
		if key || target.Spatial == sid && (tid == 0 || tid == 1 && target.Temporal == 2) {
			d.Switch |= 1 << i
		}
	}
	f.last[sid][tid] = f.number
	return d
}

func (f *describedFeed) part(d *Dependencies, key bool, i int) *Packet {
	b := make([]byte, testDescriptor+9+40)
	b[testDescriptor] = f.id
	binary.BigEndian.PutUint64(b[testDescriptor+1:], uint64(f.seq))
	p := &Packet{Seq: f.seq, Timestamp: f.ts, Capture: f.w.now, Arrival: f.w.now, Payload: b, Dependencies: d}
	p.Frame.Descriptor = Descriptor{SID: d.Spatial, TID: d.Temporal, LayerStart: i == 0, LayerEnd: i == f.size-1}
	s := signPicture
	if i > 0 {
		s |= signNotFirst
	}
	if d.Spatial > 0 {
		s |= signUpper
	}
	template := (f.structure.First + d.Spatial*3 + d.Temporal) % templateIDs
	value := []byte{template, byte(d.Number >> 8), byte(d.Number)}
	if key && i == 0 && d.Spatial == 0 {
		s |= signParameters | signKey | signKeyFirst
		value = append(value, 0x80|f.structure.First>>3, f.structure.First<<5)
		value = append(value, make([]byte, 40)...)
	}
	p.Extensions = []PassedExtension{{URI: ExtDependencyDescr, Value: value}}
	f.of[f.seq], f.signs[f.seq] = p, s
	f.seq++
	return p
}

// decode is a decoder that knows what frames are made from: it fails where one came
// without those and no number is missing, where a picture does not end with its only
// marker, and where a frame is not whole. It returns the packets by layer since number
// n.
func (f *describedFeed) decode(t rapid.TB, p *testPlayer, n int64) map[dependency.Layer]int {
	t.Helper()
	got, layers, ended := map[int64]int{}, map[dependency.Layer]int{}, map[uint32]int64{}
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
		in := f.of[idOf(pkt.Payload).seq]
		got[in.Dependencies.Number]++
		if i > n {
			layers[in.Dependencies.Layer]++
		}
	}
	for number, packets := range got {
		if packets != f.size {
			t.Fatalf("%d of %d packets of frame %d", packets, f.size, number)
		}
		for _, ref := range f.refs[number] {
			if got[ref] == 0 {
				t.Fatalf("frame %d went out, but not %d, which it is made from", number, ref)
			}
		}
	}
	for i := p.order[0]; i <= p.highest; i++ {
		if ts := p.got[i].Timestamp; ts != p.newest.Timestamp && len(p.got[i].Payload) > 1 && ended[ts] == 0 {
			t.Fatalf("no packet ends the picture of number %d", i)
		}
	}
	return layers
}

// TestDescribedLayers M-044, M-047, M-048: layers of AV1 are left out at once; temporal ones come back without a key frame, spatial ones with one.
func TestDescribedLayers(t *testing.T) {
	for _, chained := range []bool{false, true} {
		t.Run(fmt.Sprintf("chained %v", chained), func(t *testing.T) {
			w, f, v, p := describedVideo(t, true)
			f.chained = chained
			for _, r := range []reach{{2, 2}, {0, 2}, {1, 2}, {1, 0}, {1, 1}, {2, 1}, {0, 0}, {2, 2}, {0, 1}, {2, 0}, {2, 2}} {
				before := v.sections[0].thin
				f.asked()
				w.want(v, int(r.spatial), int(r.temporal))
				up := before.on && r.spatial > before.now.spatial
				if f.asked() != up {
					t.Errorf("to %v: a key frame asked for: %v, want %v", r, !up, up)
				}
				f.show(480*time.Millisecond, up)
				since := p.highest
				f.show(480*time.Millisecond, false)
				got := f.decode(t, p, since)
				for _, l := range f.structure.Targets {
					if want := l.Spatial <= r.spatial && l.Temporal <= r.temporal; (got[l] > 0) != want {
						t.Errorf("up to %v: %d packets of layer %v", r, got[l], l)
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

// TestDescribedLayersRaiseWithoutAKeyFrame M-044: spatial layers come back where the descriptors say that decoders can begin with them.
func TestDescribedLayersRaiseWithoutAKeyFrame(t *testing.T) {
	w, f, v, p := describedVideo(t, true)
	w.want(v, 0, 2)
	f.show(480*time.Millisecond, false)
	w.want(v, 2, 2)
	for f.since%4 != 3 {
		f.show(f.step, false)
	}
	f.sync = true
	since := p.highest
	f.show(400*time.Millisecond, false)
	if got := f.decode(t, p, since); got[dependency.Layer{Spatial: 2}] == 0 {
		t.Errorf("got %v", got)
	}
}

// TestDescribedLayersWithoutIndications: where the descriptors never say that more temporal layers may be sent, a key frame is asked for.
func TestDescribedLayersWithoutIndications(t *testing.T) {
	w, f, v, _ := describedVideo(t, true)
	w.want(v, 2, 0)
	f.show(480*time.Millisecond, true)
	f.structure.Targets = f.structure.Targets[:1]
	f.asked()
	w.want(v, 1, 2)
	if f.asked() {
		t.Error("asked at once")
	}
	f.show(2*time.Second, false)
	w.want(v, 1, 2)
	if !f.asked() {
		t.Error("no key frame asked for")
	}
}

// TestDescribedLayersWithoutDescriptors: a viewer that takes no descriptors is sent the lowest spatial layer only, from its first packet on.
func TestDescribedLayersWithoutDescriptors(t *testing.T) {
	w, f, v, p := describedVideo(t, false)
	if len(p.order) == 0 {
		f.show(480*time.Millisecond, true)
	}
	w.want(v, Any, Any)
	f.show(480*time.Millisecond, true)
	for l := range f.decode(t, p, 0) {
		if l.Spatial > 0 {
			t.Errorf("layer %v was sent", l)
		}
	}
	for i := p.order[0]; i <= p.highest; i++ {
		if p.got[i].GetExtension(testDescribed) != nil {
			t.Fatalf("number %d has a descriptor", i)
		}
	}
}

// TestDescribedFramesKeepHoles M-013, M-047: whatever is lost and repaired while layers come and go, everything that is wanted goes out, and a decoder that
// knows what frames are made from can use it.
func TestDescribedFramesKeepHoles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, f, v, p := describedVideo(t, true)
		f.chained = rapid.Bool().Draw(r, "chained")
		f.size = rapid.IntRange(1, 3).Draw(r, "packets")
		*p = testPlayer{t: p.t, cfg: p.cfg, got: map[int64]*rtp.Packet{}, at: map[int64]time.Time{}}
		f.come(f.pictureOf(true)...)
		var lost []*Packet
		for range rapid.IntRange(10, 60).Draw(r, "pictures") {
			if rapid.IntRange(0, 5).Draw(r, "choose") == 5 {
				w.want(v, rapid.IntRange(0, 2).Draw(r, "spatial"), rapid.IntRange(0, 2).Draw(r, "temporal"))
			}
			var burst []*Packet
			f.sync = rapid.IntRange(0, 9).Draw(r, "sync") == 9
			for _, packet := range f.pictureOf(rapid.IntRange(0, 9).Draw(r, "key") == 9) {
				if rapid.IntRange(0, 9).Draw(r, "lost") == 9 && f.signs[packet.Seq]&signKey == 0 {
					f.lost[packet.Seq] = true
					lost = append(lost, packet)
					continue
				}
				burst = append(burst, packet)
			}
			if n := rapid.IntRange(0, len(burst)).Draw(r, "cut"); n > 0 { // bursts end after a few milliseconds
				f.come(burst[:n]...)
				burst = burst[n:]
			}
			f.come(burst...)
			w.sleep(f.step)
			for len(lost) > 0 && rapid.Bool().Draw(r, "repair") {
				f.come(lost[0])
				lost = lost[1:]
			}
		}
		f.come(lost...)
		f.show(200*time.Millisecond, true)
		for n := p.order[0]; n <= p.highest; n++ { // as players do
			if p.got[n] == nil {
				w.now = w.now.Add(20 * time.Millisecond)
				v.sections[0].nackOne(w.now, uint16(n), &w.out)
				w.take()
			}
		}
		f.decode(r, p, 0)
	})
}
