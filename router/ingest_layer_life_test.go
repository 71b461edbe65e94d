package router

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// ensemble is a publisher of three layers that come and go; only the first two
// packets of an SSRC name it, as a browser's do once it is known.
type ensemble struct {
	*intake
	players []*player
}

type player struct {
	rid    string
	ssrc   uint32
	seq    uint16
	ts     uint32
	named  int
	silent bool
}

func newEnsemble(t testing.TB) *ensemble {
	e := &ensemble{intake: newIntake(t, simulcast)}
	for n, rid := range []string{"0", "1", "2"} {
		e.players = append(e.players, &player{rid: rid, ssrc: uint32(10 + n), seq: uint16(65530 + n), ts: uint32(n) << 30})
	}
	return e
}

func (e *ensemble) play(d time.Duration) {
	for end := e.now.Add(d); e.now.Before(end); {
		e.pass(40 * ms)
		for _, p := range e.players {
			p.ts += 3600
			if !p.silent {
				e.send(p.next())
			}
		}
	}
}

func (p *player) next() wire {
	w := vp8(p.seq, p.ts, p.named == 0)
	w.ssrc, w.ext = p.ssrc, nil
	if p.named < 2 {
		w.ext = midRID("v", p.rid)
	}
	p.named++
	p.seq++
	return w
}

// move gives a layer another SSRC with other numbers.
func (p *player) move() { p.ssrc, p.seq, p.ts, p.named = p.ssrc+100, p.seq+9999, p.ts+1<<29, 0 }

// live are the RIDs of layers with a bit rate, lowest first.
func (e *ensemble) live() (rids string) {
	for _, l := range e.video.Layers() {
		if l.Bitrate(e.now) > 0 {
			rids += l.RID()
		}
	}
	return rids
}

func (e *ensemble) wantLive(what, want string) {
	e.Helper()
	if got := e.live(); got != want {
		e.Errorf("%s: layers %q live, want %q", what, got, want)
	}
}

// N-217: a layer may appear late, pause and go on.
func TestALayerAppearsPausesAndGoesOn(t *testing.T) {
	e := newEnsemble(t)
	e.players[2].silent = true
	e.play(3 * time.Second)
	e.wantLive("at first", "01")
	if s := e.in.Stats(); !slices.Equal(s.RIDs, []string{"0", "1", "2"}) || !slices.Equal(s.Awaited, []string{"2"}) {
		t.Errorf("%q, awaited %q", s.RIDs, s.Awaited)
	}
	e.players[2].silent = false
	e.play(time.Second)
	e.wantLive("with the late one", "012")
	if s := e.in.Stats(); len(s.Awaited) != 0 {
		t.Errorf("awaited %q", s.Awaited)
	}
	late := e.video.Layers()[2]
	e.players[2].silent = true
	e.play(900 * ms)
	e.wantLive("for a second after the last packet", "012")
	e.play(200 * ms)
	e.wantLive("M-050 paused", "01")
	for _, l := range e.in.Stats().Layers {
		if (l.Bitrate == 0) != (l.RID == "2") {
			t.Errorf("layer %s: %d bit/s", l.RID, l.Bitrate)
		}
	}
	e.play(20 * time.Second)
	e.players[2].silent = false
	e.play(time.Second)
	e.wantLive("gone on", "012")
	if e.video.Layers()[2] != late {
		t.Error("a layer that goes on under its SSRC and its numbers is the same layer")
	}
}

// A layer that goes on under another SSRC is another layer of the same RID.
func TestALayerMovesToAnotherSSRC(t *testing.T) {
	for name, pause := range map[string]time.Duration{"at once": 0, "after a pause": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			e := newEnsemble(t)
			e.play(2 * time.Second)
			before := e.video.Layers()[1]
			e.players[1].silent = pause > 0
			e.play(pause)
			e.players[1].silent = false
			e.players[1].move()
			e.players[1].named = -100 // nobody has reported on it
			e.play(2 * time.Second)
			e.wantLive("moved", "012")
			if n := len(e.video.Layers()); n != 3 || e.video.Layers()[1] == before {
				t.Errorf("%d layers", n)
			}
		})
	}
}

func TestALayerSaysGoodbye(t *testing.T) {
	e := newEnsemble(t)
	e.play(2 * time.Second)
	e.players[1].silent = true
	e.in.RTCP(e.now, rtcpBytes(t, &rtcp.Goodbye{Sources: []uint32{e.players[1].ssrc}}))
	if got := ridsOf(e.video.Layers()); got != "02" {
		t.Errorf("%q", got)
	}
	e.play(time.Second)
	e.players[1].silent = false
	e.players[1].named = 0
	e.play(time.Second)
	e.wantLive("back", "012")
}

// Two SSRCs of one RID: the first keeps its place, and nothing flaps.
func TestTwoSSRCsOfOneRID(t *testing.T) {
	e := newEnsemble(t)
	e.players = append(e.players, &player{rid: "1", ssrc: 99, seq: 5, ts: 77, named: -10_000})
	e.play(5 * time.Second)
	e.wantLive("beside one another", "012")
	if l := e.video.Layers()[1]; len(e.packets(l)) != 125 {
		t.Errorf("%d packets of 125", len(e.packets(l)))
	}
	e.players[1].silent = true
	e.play(2 * time.Second)
	e.wantLive("the first is silent", "012")
	e.players[1].silent = false
	first := e.video.Layers()[1]
	e.play(2 * time.Second)
	if e.video.Layers()[1] != first {
		t.Error("the place went back")
	}
}

// What repairs a layer may come before the layer, and makes none (M-005, M-006).
func TestRepairsBeforeTheLayer(t *testing.T) {
	e := newEnsemble(t)
	repair := on(repairOf(vp8(65530, 0, true), 1), 200, midRepaired("v", "0"))
	probe := wire{ssrc: 200, pt: intakeRTX, seq: 2, padding: 200, ext: midRepaired("v", "0")}
	e.send(repair, probe, wire{pt: intakeRTX, padding: 200, ext: midRepaired("v", "0")})
	if n := len(e.video.Layers()); n != 0 {
		t.Fatalf("%d layers out of repairs", n)
	}
	e.play(time.Second)
	lost := e.players[0].next()
	e.play(40 * ms)
	e.send(on(repairOf(lost, 3), 200, nil))
	if l := e.video.Layers()[0]; len(e.packets(l)) != 27 || e.in.Stats().Layers[0].Repaired != 1 {
		t.Errorf("%d packets, %+v", len(e.packets(l)), e.in.Stats().Layers[0])
	}
}

// The roster tells of every layer what it sends.
func TestTheRosterTellsLayers(t *testing.T) {
	i := ladder(t, map[string]string{"0": hd, "1": vga, "2": qvga})
	i.pass(2 * time.Second)
	for n := range uint16(100) {
		i.pass(10 * ms)
		i.send(on(vp8(n+1, uint32(n)*900, false), 12, nil))
	}
	got := layersOf(i.video, i.audio)
	if len(got) != 3 || got[0].RID != "2" || got[0].Width != 320 || got[2].Height != 720 {
		t.Fatalf("%+v", got)
	}
	if got[0].Bits == 0 || got[1].Bits+got[2].Bits != 0 {
		t.Errorf("%+v", got)
	}
}
