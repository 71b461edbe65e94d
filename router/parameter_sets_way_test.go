package router

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp"
)

// setsPublisher is an H.264 publisher that sends its parameter sets when told to,
// in the time of a way. Frames have two packets.
type setsPublisher struct {
	t      testing.TB
	w      *way
	in     *Ingest
	ssrc   uint32
	number uint8
	seq    uint16
	ts     uint32
	step   time.Duration
}

func (w *way) setsPublisher(track *Track, ssrc uint32, feedback Feedback) *setsPublisher {
	in := NewIngest(IngestConfig{SenderSSRC: 1, CNAME: "x", Settings: IngestSettings{KeyFrameTry: -1}, Sections: []IngestSection{{Mid: "0", Track: track, SSRCs: []DeclaredSSRC{{Media: ssrc}},
		PayloadTypes: []PayloadType{{Number: 102, Codec: testH264, Feedback: feedback}}}}})
	return &setsPublisher{t: w.t, w: w, in: in, ssrc: ssrc, number: 102, seq: uint16(ssrc), step: 40 * time.Millisecond}
}

func (p *setsPublisher) packet(marker bool, payload []byte) {
	p.t.Helper()
	pkt := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: p.number, SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc, Marker: marker}, Payload: payload}
	b, err := pkt.Marshal()
	if err != nil {
		p.t.Fatal(err)
	}
	p.seq++
	p.in.RTP(p.w.now, b)
}

// frame sends one frame, with parameter sets before it if there are any, and lets
// its time pass.
func (p *setsPublisher) frame(key bool, sets ...string) {
	p.t.Helper()
	for _, s := range sets {
		p.packet(false, fromHex(p.t, s))
	}
	first := byte(0x41)
	if key {
		first = 0x65
	}
	for i := range 2 {
		slice := []byte{first, 0x80 >> (7 * i), byte(p.seq >> 8), byte(p.seq)}
		p.packet(i == 1, append(slice, make([]byte, 100)...))
	}
	p.ts += ticks(p.step, 90000)
	p.in.Tick(p.w.now)
	p.w.deliver()
	p.w.sleep(p.step)
}

// h264Decoder reads what a player got as a decoder would: a key frame wants the
// right parameter sets before it, every frame one that was read before.
type h264Decoder struct {
	sets   map[byte][]byte
	frames int
}

func decodeH264(t testing.TB, p *testPlayer, want ...string) *h264Decoder {
	t.Helper()
	d := &h264Decoder{sets: map[byte][]byte{}}
	for n := p.order[0]; n <= p.highest; n++ {
		pkt := p.got[n]
		if pkt == nil {
			t.Fatalf("number %d is missing", n)
		}
		switch kind := pkt.Payload[0] & 0x1f; {
		case kind == h264SPS || kind == h264PPS:
			d.sets[kind] = pkt.Payload
			if next := p.got[n+1]; next == nil || next.Timestamp != pkt.Timestamp || pkt.Marker {
				t.Errorf("the parameter set in %d belongs to no frame", n)
			}
		case kind == h264IDR && pkt.Payload[1]&0x80 != 0:
			for _, s := range want {
				set := fromHex(t, s)
				if !bytes.Equal(d.sets[set[0]&0x1f], set) {
					t.Errorf("key frame at %d with the wrong parameter set %x", n, d.sets[set[0]&0x1f])
				}
			}
			d.frames++
		case d.frames == 0:
			t.Fatalf("starts with %x", pkt.Payload[0])
		default:
			d.frames++
		}
	}
	return d
}

// hoursLater makes a publisher that sent its sets once, three hours ago.
func hoursLater(w *way, track *Track, ssrc uint32, feedback Feedback) *setsPublisher {
	pub := w.setsPublisher(track, ssrc, feedback)
	pub.step = time.Second
	pub.frame(true, h264SPS638x358, firstPPS)
	for range 3 * 3600 / 2 {
		pub.frame(true)
		pub.frame(false)
	}
	pub.step = 40 * time.Millisecond
	return pub
}

func TestLateJoinersGetParameterSetsSentOnce(t *testing.T) {
	pli := Feedback{NACK: true, PLI: true}
	t.Run("in a replay", func(t *testing.T) {
		w, track := newWay(t), NewTrack(Video, nil)
		pub := hoursLater(w, track, 7000, Feedback{})
		for i := range 50 {
			pub.frame(i == 0)
		}
		v := w.view(testVideo(100))
		w.source(v, 0, track)
		for range 50 {
			pub.frame(false)
		}
		checkSets(t, w, v, 200)
	})
	t.Run("at a live key frame", func(t *testing.T) {
		w, track := newWay(t), NewTrack(Video, nil)
		pub := hoursLater(w, track, 7000, pli)
		for range 50 {
			pub.frame(false)
		}
		v := w.view(testVideo(100))
		w.source(v, 0, track)
		for i := range 10 {
			pub.frame(i == 2)
		}
		checkSets(t, w, v, 16)
	})
	t.Run("at a switch, and again at the next", func(t *testing.T) {
		w, one, two := newWay(t), NewTrack(Video, nil), NewTrack(Video, nil)
		a := hoursLater(w, one, 7000, pli)
		b := w.setsPublisher(two, 9000, pli)
		b.frame(true, baselineSPS, otherPPS)
		v := w.view(testVideo(100))
		w.source(v, 0, two)
		for range 5 {
			b.frame(true)
		}
		decodeH264(t, w.player(v, 0), baselineSPS, otherPPS)
		w.source(v, 0, one)
		a.frame(true)
		w.source(v, 0, two)
		b.frame(true)
		d := decodeH264(t, w.player(v, 0))
		if !bytes.Equal(d.sets[h264SPS], fromHex(t, baselineSPS)) || v.Stats().Switches != 2 {
			t.Errorf("after two switches the set is %x", d.sets[h264SPS])
		}
	})
}

// checkSets checks what the player got, and that all of it is found by NACK.
func checkSets(t *testing.T, w *way, v *Viewer, packets int) {
	t.Helper()
	p := w.player(v, 0)
	continuous(t, p)
	decodeH264(t, p, h264SPS638x358, firstPPS)
	if len(p.order) != packets+2 {
		t.Errorf("%d packets, want %d and two parameter sets", len(p.order), packets)
	}
	if s := v.Stats(); s.KeyFrames != 1 {
		t.Errorf("%d key frames counted", s.KeyFrames)
	}
	for _, n := range p.order {
		w.rtcp(v, nackOf(100, n)) // the player compares with what it got
	}
	if len(p.rtx) != len(p.order) {
		t.Errorf("%d of %d found by NACK: %+v", len(p.rtx), len(p.order), v.Stats())
	}
}

// The packet whose place in the layer a parameter set took in the section comes
// late: its number is taken.
func TestALatePacketDoesNotTakeThePlaceOfAParameterSet(t *testing.T) {
	w, track := newWay(t), NewTrack(Video, nil)
	pub := w.setsPublisher(track, 7000, Feedback{NACK: true, PLI: true})
	pub.frame(true, h264SPS638x358, firstPPS)
	pub.frame(true)
	v := w.view(testVideo(100))
	w.sleep(2 * time.Second)
	w.source(v, 0, track)
	missing := pub.seq
	pub.seq++
	pub.frame(true)
	next := pub.seq
	pub.seq, pub.ts = missing, pub.ts-2*ticks(pub.step, 90000)
	pub.packet(true, []byte{0x41, 0x80, 1, 2, 3})
	pub.seq, pub.ts = next, pub.ts+2*ticks(pub.step, 90000)
	pub.frame(false)
	p := w.player(v, 0)
	decodeH264(t, p, h264SPS638x358, firstPPS)
	w.rtcp(v, nackOf(100, p.order...))
	if len(p.order) != 6 || len(p.rtx) != 6 {
		t.Errorf("%d packets, %d found by NACK", len(p.order), len(p.rtx))
	}
}
