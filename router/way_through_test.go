package router

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// vp8Publisher makes the packets of a real VP8 publisher, two to a frame.
type vp8Publisher struct {
	ssrc    uint32
	seq     uint16
	ts      uint32
	picture uint16
}

func (p *vp8Publisher) frame(t testing.TB, key bool) (raw [][]byte) {
	for i := range 2 {
		payload := []byte{0x80, 0x80, 0x80 | byte(p.picture>>8)&0x7F, byte(p.picture)}
		if i == 0 {
			payload[0] = 0x90 // X and S
		}
		head := []byte{0x01, 0, 0}
		if key {
			head = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}
		}
		if i == 0 {
			payload = append(payload, head...)
		}
		payload = append(payload, make([]byte, 400)...)
		binary.BigEndian.PutUint16(payload[len(payload)-2:], p.seq)
		pkt := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: p.seq, Timestamp: p.ts, SSRC: p.ssrc, Marker: i == 1}, Payload: payload}
		b, err := pkt.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		raw = append(raw, b)
		p.seq++
	}
	p.ts += 3600
	p.picture++
	return raw
}

// publisherOf is one publisher session on a track, in the time of a way.
type publisherOf struct {
	vp8Publisher
	w  *way
	in *Ingest
}

func (w *way) publisher(track *Track, ssrc uint32) *publisherOf {
	in := NewIngest(IngestConfig{SenderSSRC: 1, CNAME: "x", Settings: IngestSettings{KeyFrameTry: -1}, Sections: []IngestSection{{Mid: "0", Track: track, SSRCs: []DeclaredSSRC{{Media: ssrc}},
		PayloadTypes: []PayloadType{{Number: 96, Codec: testVP8, Feedback: Feedback{NACK: true, PLI: true}}}}}})
	return &publisherOf{vp8Publisher{ssrc: ssrc, seq: uint16(ssrc), ts: ssrc * 12345, picture: uint16(ssrc)}, w, in}
}

// send sends packets, and tells whether the gateway asked for a key frame since.
func (p *publisherOf) send(raw ...[]byte) (asked bool) {
	for _, b := range raw {
		p.in.RTP(p.w.now, b)
	}
	for range 4 {
		p.w.deliver()
		p.w.sleep(10 * time.Millisecond)
		for _, datagram := range p.in.Tick(p.w.now) {
			_, pli := datagram[0].(*rtcp.PictureLossIndication)
			asked = asked || pli
		}
	}
	return asked
}

func TestFromPublisherToPlayer(t *testing.T) {
	// The whole way: join, key frame asked for and shown, a loss repaired late, a publisher that returns.
	w := newWay(t)
	track := NewTrack(Video, nil)
	pub := w.publisher(track, 7000)
	for range 60 { // nobody watches; the key frame grows old
		pub.send(pub.frame(t, pub.picture == 7000)...)
	}
	v := w.view(testVideo(100))
	w.source(v, 0, track)
	p := w.player(v, 0)
	key := pub.send(pub.frame(t, false)...)
	if !key {
		t.Fatal("no key frame asked of the publisher")
	}
	first := pub.seq
	pub.send(pub.frame(t, true)...)
	if len(p.order) != 2 {
		t.Fatalf("%d packets of the key frame", len(p.order))
	}
	frame := pub.frame(t, false)
	pub.send(frame[1])
	w.rtcp(v, nackOf(100, p.highest-1))
	pub.send(frame[0])
	pub.ts += 3600 // that took the time of a frame
	if len(p.rtx) != 1 || p.got[p.highest-1] == nil {
		t.Errorf("%d retransmissions of what came late", len(p.rtx))
	}
	for range 20 {
		pub.send(pub.frame(t, false)...)
	}
	for i := range p.highest - p.order[0] + 1 {
		got := p.got[p.order[0]+i]
		if seq := binary.BigEndian.Uint16(got.Payload[len(got.Payload)-2:]); seq != first+uint16(i) {
			t.Fatalf("packet %d of the publisher in place %d", seq, i)
		}
	}
	returns(t, w, v, track, pub)
}

// returns lets the publisher come back under new numbers.
func returns(t *testing.T, w *way, v *Viewer, track *Track, old *publisherOf) {
	p := w.player(v, 0)
	old.in.Close()
	w.sleep(3 * time.Second)
	last, at := p.newest, p.at[p.highest]
	again := w.publisher(track, 60000)
	for i := range 10 {
		again.send(again.frame(t, i == 0)...)
	}
	next := p.got[int64(p.order[len(p.order)-20])]
	if next.SequenceNumber != last.SequenceNumber+1 || len(p.order) < 20 {
		t.Fatalf("number %d after %d", next.SequenceNumber, last.SequenceNumber)
	}
	wait := p.at[p.order[len(p.order)-20]].Sub(at)
	if got, want := int64(next.Timestamp-last.Timestamp), int64(ticks(wait, 90000)); got < want-900 || got > want+900 {
		t.Errorf("timestamp grew by %d over %v", got, wait)
	}
	id := func(b []byte) uint16 { return binary.BigEndian.Uint16(b[2:]) & 0x7FFF }
	if got, want := id(next.Payload), id(last.Payload)+1; got != want {
		t.Errorf("picture %d after %d", got, want-1)
	}
	if s := v.Stats(); s.Switches != 1 || s.KeyFrames != 2 {
		t.Errorf("stats %+v", s)
	}
}
