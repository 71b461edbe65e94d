package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// threeTemporal is the order of temporal layers that libwebrtc uses for three: 0 2 1 2.
func threeTemporal(frame int) (id uint8, up bool) {
	return []uint8{0, 2, 1, 2}[frame%4], frame%4 != 3
}

// limit fixes the temporal layer of the section.
func (w *way) limit(v *Viewer, id int) {
	sel := Automatic()
	sel.MaxTemporal = id
	w.shard.Select(w.now, v, 0, sel, &w.out)
	w.take()
}

// temporalVideo is a viewer of a live layer with three temporal layers.
func temporalVideo(t testing.TB) (*way, *feed, *Viewer, *testPlayer) {
	w := newWay(t)
	track := NewTrack(Video, nil)
	f := w.feedOf(1, track, testVP8)
	f.temporal = threeTemporal
	f.layer.wire.temporal.Store(2)
	show(track, f)
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	f.run(time.Second, true)
	return w, f, v, w.player(v, 0)
}

// ids of temporal layers that came since number n.
func temporalIDsSince(p *testPlayer, n int64) map[uint8]int {
	ids := map[uint8]int{}
	for _, got := range p.order {
		if got > n {
			ids[p.got[got].Payload[5]>>6]++
		}
	}
	return ids
}

// TestThinning M-044, M-046: temporal layers are left out at once and taken in again where decoders can go on; numbers and picture ids have no holes.
func TestThinning(t *testing.T) {
	w, f, v, p := temporalVideo(t)
	for _, c := range []struct {
		limit int
		want  []uint8
	}{{2, []uint8{0, 1, 2}}, {0, []uint8{0}}, {1, []uint8{0, 1}}, {2, []uint8{0, 1, 2}}, {1, []uint8{0, 1}}, {0, []uint8{0}}, {2, []uint8{0, 1, 2}}} {
		w.limit(v, c.limit)
		f.run(400*time.Millisecond, false) // to where it can go up
		since := p.highest
		f.run(time.Second, false)
		ids := temporalIDsSince(p, since)
		if len(ids) != len(c.want) || ids[c.want[len(c.want)-1]] == 0 {
			t.Errorf("up to %d: got %v", c.limit, ids)
		}
	}
	continuous(t, p)
	pictures(t, p)
	if v.sections[0].thin.on {
		t.Error("still thinned although nothing is left out")
	}
}

// pictures complains about picture ids that do not go up by one from frame to frame.
func pictures(t testing.TB, p *testPlayer) {
	t.Helper()
	var last uint16
	for i, n := range p.order {
		pkt := p.got[n]
		id := (uint16(pkt.Payload[2])<<8 | uint16(pkt.Payload[3])) & 0x7FFF
		if i > 0 {
			before := p.got[p.order[i-1]]
			if step := (id - last) & 0x7FFF; step > 1 || (step == 1) != (before.Timestamp != pkt.Timestamp) {
				t.Fatalf("picture %d after %d at number %d", id, last, n)
			}
		}
		last = id
	}
}

// TestThinningServesNACKs M-007: what went out is sent again as it was, whatever was left out around it.
func TestThinningServesNACKs(t *testing.T) {
	w, f, v, p := temporalVideo(t)
	w.limit(v, 0)
	f.run(time.Second, false)
	w.limit(v, 2)
	f.run(time.Second, false)
	w.limit(v, 1)
	f.run(time.Second, false)
	sec := v.sections[0]
	for n := p.highest - 60; n <= p.highest; n++ {
		before := len(p.rtx)
		sec.nackOne(w.now, uint16(n), &w.out)
		w.take()
		if len(p.rtx) != before+1 || p.rtxFor[before] != n {
			t.Fatalf("number %d is not sent again", n)
		}
		w.now = w.now.Add(20 * time.Millisecond)
	}
}

// TestThinningKeepsHoles M-013: what is lost upstream has a number if it may be wanted, and goes out under it when it is repaired.
func TestThinningKeepsHoles(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, f, v, p := temporalVideo(t)
		f.size = rapid.IntRange(1, 4).Draw(r, "packets")
		var lost []*Packet
		limit := rapid.IntRange(0, 2).Draw(r, "limit")
		w.limit(v, limit)
		f.run(400*time.Millisecond, true)
		kept := map[int64]uint8{}
		for i := range rapid.IntRange(10, 80).Draw(r, "frames") {
			var burst []*Packet
			for _, packet := range f.frame(i%30 == 29) {
				kept[packet.Seq] = packet.Frame.Descriptor.TID
				if rapid.IntRange(0, 9).Draw(r, "lost") == 0 && !packet.Frame.KeyStart {
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
		f.run(200*time.Millisecond, false)
		got := map[int64]bool{}
		for n := range p.got {
			if pkt := p.got[n]; !pkt.Padding && len(pkt.Payload) > 0 {
				got[idOf(pkt.Payload).seq] = true
			}
		}
		for seq, id := range kept {
			if int(id) <= limit && !got[seq] {
				r.Fatalf("packet %d of temporal layer %d never went out (limit %d)", seq, id, limit)
			}
			if int(id) > limit && got[seq] {
				r.Fatalf("packet %d of temporal layer %d went out (limit %d)", seq, id, limit)
			}
		}
		for n := p.order[0]; n <= p.highest; n++ {
			if p.got[n] == nil {
				r.Fatalf("number %d was never sent", n)
			}
		}
	})
}

// TestThinningBeginsBehindAHole M-010: what was lost before anything was left out goes out when it is repaired.
func TestThinningBeginsBehindAHole(t *testing.T) {
	w, f, v, p := temporalVideo(t)
	frame := f.frame(false)
	f.arrive(frame[0], frame[2])
	w.sleep(f.step)
	f.send(false)
	w.limit(v, 0)
	f.run(200*time.Millisecond, false)
	f.arrive(frame[1])
	for n := p.order[0]; n <= p.highest; n++ {
		if p.got[n] == nil {
			t.Fatalf("number %d was never sent", n)
		}
	}
}
