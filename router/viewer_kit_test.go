package router

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bwe"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

var (
	testVP8  = Codec{Name: VP8, ClockRate: 90000}
	testH264 = Codec{Name: H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}
	testOpus = Codec{Name: Opus, ClockRate: 48000, Channels: 2}
)

// way is a shard with players at the other end, in virtual time.
type way struct {
	t     testing.TB
	now   time.Time
	shard *Shard
	out   Out
	inbox *testInbox
	// players by SSRC of the section.
	players map[uint32]*testPlayer
	reports []sentReport
	// order is whose packets came, one entry per packet.
	order []*Viewer
	// planned, if set, sees every packet before it is sent.
	planned func(Outgoing)
}

// sentReport is a copy of a report pair, since Out reuses its own.
type sentReport struct {
	at     time.Time
	viewer *Viewer
	sr     rtcp.SenderReport
	cname  string
}

// testInbox keeps bursts until the shard takes them, like a worker's.
type testInbox struct{ bursts []Burst }

func (i *testInbox) Deliver(b Burst) { i.bursts = append(i.bursts, b) }

func newWay(t testing.TB) *way {
	w := &way{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), inbox: &testInbox{}, players: map[uint32]*testPlayer{}}
	w.shard = NewShard(w.inbox)
	return w
}

// view adds a viewer with the given sections.
func (w *way) view(sections ...SectionConfig) *Viewer {
	return w.viewWith(DefaultViewerSettings(), sections...)
}

func (w *way) viewWith(set ViewerSettings, sections ...SectionConfig) *Viewer {
	v := NewViewer(ViewerConfig{ID: "v", CNAME: "stream", Sections: sections, Settings: set})
	v.bwe = bwe.New(bwe.Config{Start: 50_000_000, Least: 50_000, Most: 100_000_000}) // room for whatever a test sends
	for _, c := range sections {
		w.players[c.SSRC] = &testPlayer{t: w.t, cfg: c, got: map[int64]*rtp.Packet{}, at: map[int64]time.Time{}}
	}
	w.shard.Add(w.now, v, &w.out)
	w.take()
	return v
}

func (w *way) player(v *Viewer, section int) *testPlayer {
	return w.players[v.cfg.Sections[section].SSRC]
}

func (w *way) source(v *Viewer, section int, t *Track) {
	w.shard.SetSource(w.now, v, section, t, &w.out)
	w.take()
}

// rtcp hands feedback of v to the shard.
func (w *way) rtcp(v *Viewer, packets ...rtcp.Packet) {
	w.t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		w.t.Fatal(err)
	}
	w.shard.RTCP(w.now, v, b, &w.out)
	w.take()
}

// deliver lets the shard have what is in its inbox.
func (w *way) deliver() {
	for _, b := range w.inbox.bursts {
		w.shard.Burst(w.now, b, &w.out)
		w.take()
	}
	w.inbox.bursts = nil
}

// sleep lets virtual time pass; the shard is called when it wants to be.
func (w *way) sleep(d time.Duration) {
	w.t.Helper()
	end := w.now.Add(d)
	for range 100000 {
		next := w.shard.Tick(w.now, &w.out)
		w.take()
		if next.IsZero() || next.After(end) {
			w.now = end
			w.shard.Tick(w.now, &w.out)
			w.take()
			return
		}
		if !next.After(w.now) {
			w.t.Fatalf("Tick wants to be called at %v, now is %v", next, w.now)
		}
		w.now = next
	}
	w.t.Fatal("Tick never comes to rest")
}

// take gives what was planned to the players.
func (w *way) take() {
	for _, o := range w.out.Packets {
		if w.planned != nil {
			w.planned(o)
		}
		w.order = append(w.order, o.Viewer)
		for _, c := range o.Viewer.cfg.Sections {
			if o.SSRC == c.SSRC || o.SSRC == c.RTXSSRC && c.RTXSSRC != 0 {
				w.players[c.SSRC].receive(w.now, o)
			}
		}
	}
	for _, o := range w.out.RTCP {
		packets, err := rtcp.Unmarshal(o.Packet)
		if err != nil || len(packets) != 2 {
			w.t.Fatalf("report %x: %v", o.Packet, err)
		}
		sr, sdes := packets[0].(*rtcp.SenderReport), packets[1].(*rtcp.SourceDescription)
		if o.SSRC != sr.SSRC || sdes.Chunks[0].Source != sr.SSRC {
			w.t.Errorf("report of %d for %d and %d", o.SSRC, sr.SSRC, sdes.Chunks[0].Source)
		}
		w.reports = append(w.reports, sentReport{w.now, o.Viewer, *sr, sdes.Chunks[0].Items[0].Text})
	}
	w.out.Reset()
}

// testPlayer is the receiving end of one section. It complains about whatever no
// stream may do, whoever runs it.
type testPlayer struct {
	t       testing.TB
	cfg     SectionConfig
	started bool
	highest int64
	newest  *rtp.Packet
	got     map[int64]*rtp.Packet
	at      map[int64]time.Time
	order   []int64 // media packets as they came
	rtx     []*rtp.Packet
	rtxFor  []int64
}

func (p *testPlayer) receive(now time.Time, o Outgoing) {
	b := append(bytes.Clone(o.Prefix), o.Shared...)
	pkt := &rtp.Packet{}
	if err := pkt.Unmarshal(b); err != nil {
		p.t.Errorf("planned packet: %v", err)
		return
	}
	if pkt.SSRC != o.SSRC {
		p.t.Errorf("SSRC %d in the packet, %d beside it", pkt.SSRC, o.SSRC)
	}
	if pkt.SSRC == p.cfg.SSRC {
		p.media(now, pkt)
	} else {
		p.retransmission(now, pkt)
	}
}

func (p *testPlayer) media(now time.Time, pkt *rtp.Packet) {
	n := p.extend(pkt.SequenceNumber)
	if p.got[n] != nil {
		p.t.Errorf("number %d sent twice", n)
	}
	if !p.started || n > p.highest {
		if p.started && pkt.Timestamp != p.newest.Timestamp && int32(pkt.Timestamp-p.newest.Timestamp) < 0 {
			p.t.Errorf("timestamp goes back by %d at number %d", p.newest.Timestamp-pkt.Timestamp, n)
		}
		p.started, p.highest, p.newest = true, n, pkt
	}
	p.got[n], p.at[n] = pkt, now
	p.order = append(p.order, n)
}

func (p *testPlayer) retransmission(now time.Time, pkt *rtp.Packet) {
	if len(pkt.Payload) < 2 {
		p.t.Errorf("retransmission without original number")
		return
	}
	if k := len(p.rtx); k > 0 && pkt.SequenceNumber != p.rtx[k-1].SequenceNumber+1 {
		p.t.Errorf("retransmission number %d after %d", pkt.SequenceNumber, p.rtx[k-1].SequenceNumber)
	}
	n := p.extend(binary.BigEndian.Uint16(pkt.Payload))
	p.rtx, p.rtxFor = append(p.rtx, pkt), append(p.rtxFor, n)
	old := p.got[n]
	if old == nil {
		repaired := *pkt
		repaired.Payload = pkt.Payload[2:]
		p.got[n], p.at[n] = &repaired, now
		return
	}
	if !bytes.Equal(old.Payload, pkt.Payload[2:]) || old.Timestamp != pkt.Timestamp || old.Marker != pkt.Marker {
		p.t.Errorf("retransmission of %d differs from what was sent", n)
	}
}

func (p *testPlayer) extend(seq uint16) int64 {
	if !p.started {
		return int64(seq)
	}
	return p.highest + int64(int16(seq-uint16(p.highest)))
}

// payloads returns the ids of what came as media, in order of coming.
func (p *testPlayer) ids() []packetID {
	var ids []packetID
	for _, n := range p.order {
		ids = append(ids, idOf(p.got[n].Payload))
	}
	return ids
}

// packetID identifies a test packet by its payload.
type packetID struct {
	feed byte
	seq  int64
}

func idOf(payload []byte) packetID {
	if len(payload) < testDescriptor+9 {
		return packetID{}
	}
	b := payload[testDescriptor:]
	return packetID{b[0], int64(binary.BigEndian.Uint64(b[1:]))}
}

// testDescriptor is how long the descriptor of test packets is: VP8 with a 15 bit
// picture id, TL0PICIDX and KEYIDX.
const testDescriptor = 6

// feed is a publisher of one layer, in the time of its way.
type feed struct {
	w       *way
	id      byte
	layer   *Layer
	kind    Kind
	seq     int64
	ts      uint32
	step    time.Duration // between frames
	size    int           // packets per frame
	payload int           // bytes of a packet beyond its id
	transit time.Duration // from capture to arrival
	picture uint16
	tl0     uint8
	keyIdx  uint8
	// temporal, if set, gives the temporal id of the frames and whether a viewer may
	// move up with them, by the number of the frame since the last key frame.
	temporal func(frame int) (id uint8, up bool)
	since    int
}

func newTestLayer(t *Track, c Codec, born time.Time) *Layer {
	l := &Layer{track: t, codec: c, born: born,
		history: newHistory(4096, groupBounds{age: 12 * time.Second, bytes: 8 << 20, packets: 6000})}
	l.lastSeen.Store(int64(-time.Hour))
	return l
}

// feedOf makes a publisher's layer. It becomes visible with show.
func (w *way) feedOf(id byte, t *Track, c Codec) *feed {
	f := &feed{w: w, id: id, kind: t.Kind(), layer: newTestLayer(t, c, w.now), seq: int64(id) * 1000,
		ts: uint32(id) * 0x3FFFFFF0, step: 40 * time.Millisecond, size: 3, picture: uint16(id) * 1000, tl0: id * 50, keyIdx: id}
	if f.kind == Audio {
		f.step, f.size = 20*time.Millisecond, 1
	}
	return f
}

// show makes the feeds' layers those of the track, for a new publisher.
func show(t *Track, feeds ...*feed) {
	var layers []*Layer
	for _, f := range feeds {
		layers = append(layers, f.layer)
	}
	t.show(layers)
}

// frame makes the packets of the next frame, captured transit ago, and moves on.
func (f *feed) frame(key bool) []*Packet {
	f.since++
	if key {
		f.since = 0
	}
	packets := make([]*Packet, f.size)
	for i := range packets {
		packets[i] = f.packet(i, key || f.kind == Audio)
	}
	f.ts += ticks(f.step, f.layer.codec.ClockRate)
	f.picture++
	f.tl0++
	if key {
		f.keyIdx++
	}
	return packets
}

func (f *feed) packet(i int, key bool) *Packet {
	b := make([]byte, testDescriptor+9+max(f.payload, 40))
	d := Descriptor{Len: testDescriptor, PictureIDBits: 15, PictureIDAt: 2, PictureID: f.picture & 0x7FFF,
		TL0At: 4, TL0: f.tl0, KeyIdxAt: 5, KeyIdx: f.keyIdx & 0x1F}
	b[0], b[1] = 0x90, 0xF0
	binary.BigEndian.PutUint16(b[2:], 0x8000|d.PictureID)
	b[4], b[5] = d.TL0, d.KeyIdx
	if f.temporal != nil {
		d.TID, d.SwitchUp = f.temporal(f.since)
		b[5] |= d.TID << 6
	}
	if f.layer.codec.Name != VP8 {
		d = Descriptor{}
	}
	b[testDescriptor] = f.id
	binary.BigEndian.PutUint64(b[testDescriptor+1:], uint64(f.seq))
	p := &Packet{Seq: f.seq, Timestamp: f.ts, Capture: f.w.now.Add(-f.transit), Arrival: f.w.now, Marker: i == f.size-1, Payload: b,
		Frame: Frame{Start: i == 0, End: i == f.size-1, KeyStart: key && i == 0, Key: key, Descriptor: d}}
	f.seq++
	return p
}

// keep puts packets into the layer's history, as ingest does before it delivers.
func (f *feed) keep(packets ...*Packet) {
	for _, p := range packets {
		f.layer.history.add(p)
	}
	f.layer.lastSeen.Store(int64(f.w.now.Sub(f.layer.born)))
	f.layer.bits.Store(1_000_000)
}

// arrive keeps packets and delivers them as one burst.
func (f *feed) arrive(packets ...*Packet) {
	f.keep(packets...)
	f.layer.track.deliver(Burst{Layer: f.layer, Packets: packets})
	f.w.deliver()
}

// send sends one frame and lets the time of a frame pass.
func (f *feed) send(key bool) []*Packet {
	packets := f.frame(key)
	f.arrive(packets...)
	f.w.sleep(f.step)
	return packets
}

// run sends frames for a duration, the first of them a key frame if key is set.
func (f *feed) run(d time.Duration, key bool) {
	for end := f.w.now.Add(d); f.w.now.Before(end); key = false {
		f.send(key)
	}
}

// asked tells whether a key frame was asked for since it was last asked.
func (f *feed) asked() bool { return f.layer.wanted.Swap(false) }

// testVideo and testAudio are sections as answered to a viewer.
func testVideo(ssrc uint32) SectionConfig {
	return SectionConfig{Mid: "0", Kind: Video, SSRC: ssrc, RTXSSRC: ssrc + 1,
		PayloadTypes: []PayloadType{
			{Number: 96, Codec: testVP8, RTX: 97, Feedback: Feedback{NACK: true, PLI: true}},
			{Number: 102, Codec: testH264, RTX: 103, Feedback: Feedback{NACK: true, PLI: true}},
		},
		Extensions: Extensions{ExtMID: 4}}
}

func testAudio(ssrc uint32) SectionConfig {
	return SectionConfig{Mid: "1", Kind: Audio, SSRC: ssrc,
		PayloadTypes: []PayloadType{{Number: 111, Codec: testOpus}}, Extensions: Extensions{ExtMID: 4}}
}
