package testkit

import (
	"slices"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	layerPacket  = 1100 // the largest payload
	reportEvery  = time.Second
	keptPackets  = 2048 // per store of sent packets
	probePadding = 200
)

// layers are those of a publisher that does simulcast.
type layers struct {
	opt   PublisherOptions
	wires map[string]*wire
	mid   string // of video
	rtcp  func([]rtcp.Packet) error
	clock func() time.Time

	mu      sync.Mutex
	all     []*layer
	begun   time.Time
	ticks   uint32 // frames since the beginning
	plis    int64
	sound   rtcp.SenderReport // of audio, so far
	soundAt time.Time
	reports time.Time // when the last ones went

	// OBS: what all layers have sent, by number, and how many packets and bytes;
	// who sent last.
	store   map[uint16]*rtp.Packet
	oldest  []uint16
	packets uint32
	octets  uint32
	newest  *layer
}

// layer is one stream at work.
type layer struct {
	LayerSpec
	index    int
	picture  Picture
	ssrc     uint32
	rtxSSRC  uint32
	seq      uint16 // of the next packet
	rtxSeq   uint16
	base     uint32 // timestamp of the first instant
	stamp    uint32 // of the newest frame
	picID    uint16
	accepted bool // by the answer
	started  bool
	known    bool // a report about it has come: MID and RID are not needed any more
	paused   bool
	left     bool // said BYE
	wantKey  bool
	since    int // frames since the last key frame
	packets  uint32
	octets   uint32
	sent     map[uint16]*rtp.Packet
}

func newLayers(opt PublisherOptions) *layers {
	l := &layers{
		opt: opt, wires: make(map[string]*wire), clock: opt.Quirks.clock(opt.Accent.Ahead), store: make(map[uint16]*rtp.Packet),
	}
	for i, spec := range opt.Simulcast.Layers {
		one := &layer{LayerSpec: spec, index: i}
		one.shape(opt.Picture)
		l.all = append(l.all, one)
	}
	return l
}

// shape cuts frames of the wanted bit rate into packets.
func (y *layer) shape(p Picture) {
	bytes := max(y.Bits/8/p.FramesPerSecond, 32)
	key := p.KeyPackets
	y.picture = p
	y.picture.PacketsPerFrame = (bytes + layerPacket - 1) / layerPacket
	y.picture.PacketBytes = bytes / y.picture.PacketsPerFrame
	if key > 0 {
		y.picture.KeyPackets = max(key*y.picture.PacketsPerFrame/p.PacketsPerFrame, 1)
	}
}

// take hides the layers of an answer from the stack, which knows of one stream
// only, and sends those it takes.
func (l *layers) take(answer string) (plain string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rids, plain := l.opt.Simulcast.answered(answer)
	for _, y := range l.all {
		y.accepted = slices.Contains(rids, y.RID)
	}
	return plain
}

// open begins, now that the connection is up.
func (l *layers) open(pc *webrtc.PeerConnection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun, l.reports, l.rtcp = time.Now(), time.Now(), pc.WriteRTCP
	for _, tr := range pc.GetTransceivers() {
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			l.mid = tr.Mid()
		}
	}
	first := uint32(0x0b500000)
	if w := l.wires["audio"]; w != nil {
		first = w.declared() + 1
	}
	if w := l.wires["video"]; w != nil && !l.opt.Simulcast.declared() {
		first = w.declared()
	}
	for i, y := range l.all {
		if l.opt.Simulcast.OBS {
			y.ssrc = first + uint32(i)
		} else {
			y.number(uint32(i))
		}
	}
}

// number starts the numbers of a stream anywhere, some of them just before they
// wrap.
func (y *layer) number(salt uint32) {
	y.ssrc, y.rtxSSRC = 0x51000001+salt*0x01010101, 0x52000002+salt*0x01010101
	y.seq, y.rtxSeq = uint16(65500-salt*7001), uint16(123+salt*999)
	y.base = 0xffff8000 - salt*1_234_567_890
	y.known, y.started, y.since = false, false, 0
	y.sent = make(map[uint16]*rtp.Packet)
}

// frame sends the frame of one instant in every layer that is on.
func (l *layers) frame(frame uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.ticks++
	step := uint32(90000 / l.opt.Picture.FramesPerSecond)
	for _, y := range l.all {
		y.stamp = y.base + (l.ticks-1)*step
		if y.accepted && !y.left && now.Sub(l.begun) >= y.Late {
			l.frameOf(y, frame)
		}
	}
	if now.Sub(l.reports) >= reportEvery {
		l.reports = now
		l.report()
	}
}

func (l *layers) frameOf(y *layer, frame uint32) {
	if y.paused {
		y.since = 0 // whoever resumes begins with a key frame
		return
	}
	key := l.keyDue(y)
	if key {
		y.wantKey, y.since = false, 0
	}
	y.since++
	if !y.started && y.rtxSSRC != 0 && !l.opt.NoRTX {
		l.probe(y)
	}
	y.started = true
	y.picID++
	if key && !l.opt.Accent.VP8 {
		l.media(y, parameterSet(y.Width, y.Height), false)
	}
	n := y.picture.packets(key)
	for i := range n {
		l.media(y, l.payload(y, frame, i, key), i == n-1)
	}
}

// keyDue tells whether the next frame is a key frame.
func (l *layers) keyDue(y *layer) bool {
	periodic := y.since >= y.picture.KeyEvery
	if l.opt.Simulcast.OBS {
		periodic = (l.ticks-1)%uint32(y.picture.KeyEvery) == 0 // of all layers at once
	}
	return !l.opt.Quirks.NoKeyFrames && (y.since == 0 || periodic || y.wantKey && !l.opt.Deaf)
}

func (l *layers) payload(y *layer, frame uint32, i int, key bool) []byte {
	if l.opt.Accent.VP8 {
		return y.picture.layeredVP8(y, frame, i, key)
	}
	return y.picture.marked(y.index, frame, i, key)
}

// media sends a packet and keeps it for those who ask again.
func (l *layers) media(y *layer, payload []byte, marker bool) {
	p := &rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: l.opt.Accent.VideoType, SequenceNumber: y.seq, Timestamp: y.stamp, Marker: marker, SSRC: y.ssrc,
	}, Payload: payload}
	y.seq++
	y.packets++
	y.octets += uint32(len(payload))
	e := l.opt.Simulcast.extensions()
	if !y.known || l.opt.Simulcast.OBS {
		_ = p.SetExtension(e.mid, []byte(l.mid)) // both fit
		_ = p.SetExtension(e.rid, []byte(y.RID))
	}
	if id := l.opt.Accent.Orientation; id != 0 {
		_ = p.SetExtension(id, []byte{OrientationValue})
	}
	l.keep(y, p)
	_ = l.wires["video"].WriteRTP(p) // or the connection is going away
}

func (l *layers) keep(y *layer, p *rtp.Packet) {
	if !l.opt.Simulcast.OBS {
		y.sent[p.SequenceNumber] = p
		delete(y.sent, p.SequenceNumber-keptPackets)
		return
	}
	l.packets++
	l.octets += uint32(len(p.Payload))
	l.newest = y
	if l.store[p.SequenceNumber] == nil { // the first writer wins
		l.store[p.SequenceNumber] = p
	}
	l.oldest = append(l.oldest, p.SequenceNumber)
	if len(l.store) > keptPackets {
		delete(l.store, l.oldest[0])
		l.oldest = l.oldest[1:]
	}
}

// probe sends what browsers send on the SSRC of retransmissions before there is
// anything to repeat: padding alone.
func (l *layers) probe(y *layer) {
	padding := make([]byte, probePadding)
	padding[probePadding-1] = probePadding
	l.retransmission(y, padding, true, y.stamp)
}

// retransmission sends a packet on the SSRC of retransmissions.
func (l *layers) retransmission(y *layer, payload []byte, padding bool, stamp uint32) {
	p := &rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: l.opt.Accent.RTXType, SequenceNumber: y.rtxSeq, Timestamp: stamp, SSRC: y.rtxSSRC, Padding: padding,
	}, Payload: payload}
	y.rtxSeq++
	e := l.opt.Simulcast.extensions()
	_ = p.SetExtension(e.mid, []byte(l.mid)) // both fit
	_ = p.SetExtension(e.repairedRID, []byte(y.RID))
	_ = l.wires["video"].WriteRTP(p) // or the connection is going away
}

// repeat answers a NACK.
func (l *layers) repeat(ssrc uint32, seq uint16) {
	if l.opt.Simulcast.OBS {
		if p := l.store[seq]; p != nil {
			_ = l.wires["video"].WriteRTP(p) // whoever's it is
		}
		return
	}
	y := l.of(ssrc)
	if y == nil || y.sent[seq] == nil {
		return
	}
	p := y.sent[seq]
	if l.opt.NoRTX {
		_ = l.wires["video"].WriteRTP(p) // or the connection is going away
		return
	}
	l.retransmission(y, append([]byte{byte(seq >> 8), byte(seq)}, p.Payload...), false, p.Timestamp)
}

func (l *layers) of(ssrc uint32) *layer {
	for _, y := range l.all {
		if y.ssrc == ssrc {
			return y
		}
	}
	return nil
}

func (l *layers) named(rid string) *layer {
	for _, y := range l.all {
		if y.RID == rid {
			return y
		}
	}
	return nil
}
