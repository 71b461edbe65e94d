package conformance

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// studio publishes marked media: the picture in one or more layers of the
// same moments, and sound. Its sender reports are its own. Configure it before it is published.
type studio struct {
	// rids name the layers, the smallest first; one that is empty is a plain stream.
	rids []string
	// stamp is the RID put on packets of a plain stream, as OBS does.
	stamp string
	// unreported is a layer without sender reports, if there is one.
	unreported string
	// ahead is how much later the sound was captured, by the reports, than the picture that is sent with it.
	ahead time.Duration
	// heard is told of feedback to a layer, in the goroutine that reads it.
	heard func(*studioTrack, rtcp.Packet)

	pc     *webrtc.PeerConnection
	began  time.Time
	layers []*studioTrack
	sound  *studioTrack
}

// studioTrack is one stream of a studio.
type studioTrack struct {
	studio *studio
	rid    string
	layer  uint8
	mid    func() string
	// wantKey is set by feedback, asked counts it.
	wantKey atomic.Bool
	asked   atomic.Int32

	mu              sync.Mutex
	writer          webrtc.TrackLocalWriter
	ssrc            uint32
	payloadType     uint8
	ids             map[string]uint8 // of header extensions
	seq, picture    uint16
	base            uint32 // the RTP timestamp of frame 0
	packets, octets uint32
	transport       *atomic.Uint32 // numbers of transport-cc, shared by all tracks
	shown           bool           // a key frame was sent
	times           []time.Time    // when each frame of the picture was sent
}

const transportURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

// publish adds the tracks to p's connection and begins to send.
func (s *studio) publish(ctx context.Context, p *peer) error {
	s.pc, s.began = p.pc, time.Now()
	transport := &atomic.Uint32{}
	var sender *webrtc.RTPSender
	for i, rid := range s.rids {
		t := s.track(rid, uint8(i), transport) //nolint:gosec // a few
		s.layers = append(s.layers, t)
		if i > 0 {
			if err := sender.AddEncoding(t); err != nil {
				return err
			}
		} else {
			var err error
			if sender, err = s.add(t); err != nil {
				return err
			}
		}
		t.mid = s.layers[0].mid
		p.work.Go(func() { t.listen(sender) })
	}
	if !p.script.noAudio {
		s.sound = s.track("", soundLayer, transport)
		sender, err := s.add(s.sound)
		if err != nil {
			return err
		}
		p.work.Go(func() { s.sound.listen(sender) })
		p.work.Go(func() { s.every(ctx, time.Second/50, s.sound.speak) })
	}
	p.work.Go(func() { s.every(ctx, time.Second/30, s.shoot) })
	return nil
}

func (s *studio) track(rid string, layer uint8, transport *atomic.Uint32) *studioTrack {
	return &studioTrack{studio: s, rid: rid, layer: layer, transport: transport, packets: countOffset,
		seq: uint16(rand.Uint32()), picture: uint16(rand.Uint32() & 0x7fff), base: rand.Uint32()} //nolint:gosec // no secrets
}

func (s *studio) add(t *studioTrack) (*webrtc.RTPSender, error) {
	tr, err := s.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, err
	}
	t.mid = tr.Mid
	return tr.Sender(), nil
}

// every calls do with 0, 1, 2, … at a steady pace.
func (s *studio) every(ctx context.Context, pace time.Duration, do func(n uint32)) {
	next := time.NewTimer(0)
	defer next.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		do(n)
		next.Reset(time.Until(s.began.Add(time.Duration(n+1) * pace)))
	}
}

// shoot sends frame n in every layer, and now and then reports.
func (s *studio) shoot(n uint32) {
	for _, t := range s.layers {
		t.show(n)
	}
	const reportEvery = 6
	if n%reportEvery == 0 {
		s.report(n)
	}
}

// capture is the moment of frame n of the picture.
func (s *studio) capture(n uint32) time.Time { return s.began.Add(time.Duration(n) * time.Second / 30) }

// captureSound is the moment of packet n of the sound.
func (s *studio) captureSound(n uint32) time.Time {
	return s.began.Add(s.ahead + time.Duration(n)*time.Second/50)
}

// report sends a sender report for each stream about the moment of frame n.
func (s *studio) report(n uint32) {
	var all []rtcp.Packet
	for _, t := range s.layers {
		if s.unreported == "" || t.rid != s.unreported {
			all = append(all, t.report(s.capture(n), n*frameTicks)...)
		}
	}
	if s.sound != nil {
		sample := n * 50 / 30
		all = append(all, s.sound.report(s.captureSound(sample), sample*soundTicks)...)
	}
	for _, compound := range all {
		_ = s.pc.WriteRTCP([]rtcp.Packet{compound}) // not connected yet, or no more
	}
}

func (t *studioTrack) report(at time.Time, ticks uint32) []rtcp.Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return nil
	}
	return []rtcp.Packet{&rtcp.SenderReport{SSRC: t.ssrc, NTPTime: ntpOf(at), RTPTime: t.base + ticks, PacketCount: t.packets, OctetCount: t.octets}}
}

// from1900 is 1970 in seconds of NTP.
const from1900 = 2208988800

// ntpOf writes a moment as RFC 3550 section 4 does.
func ntpOf(at time.Time) uint64 {
	return uint64(at.Unix()+from1900)<<32 | uint64(at.Nanosecond())<<32/1e9 //nolint:gosec // after 1970
}

// listen obeys feedback until the connection ends.
func (t *studioTrack) listen(sender *webrtc.RTPSender) {
	for {
		packets, err := t.feedback(sender)
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				t.asked.Add(1)
				t.wantKey.Store(true)
			}
			if t.studio.heard != nil {
				t.studio.heard(t, packet)
			}
		}
	}
}

// feedback reads what comes next.
func (t *studioTrack) feedback(sender *webrtc.RTPSender) ([]rtcp.Packet, error) {
	if t.rid == "" {
		packets, _, err := sender.ReadRTCP()
		return packets, err
	}
	packets, _, err := sender.ReadSimulcastRTCP(t.rid)
	return packets, err
}

// show sends frame n: a key frame if one was asked for.
func (t *studioTrack) show(n uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, time.Now())
	if t.writer == nil {
		return
	}
	m := mark{layer: t.layer, parts: t.layer + 1, frame: n, key: t.wantKey.Swap(false) || !t.shown}
	t.shown = true
	t.picture = (t.picture + 1) & 0x7fff
	const bytesPerPart = 500
	for ; m.part < m.parts; m.part++ {
		width, height := uint16(320)<<t.layer, uint16(180)<<t.layer
		payload := vp8Payload(m, t.picture, uint8(n), width, height, bytesPerPart) //nolint:gosec // it wraps
		t.send(m, n*frameTicks, m.part+1 == m.parts, payload)
	}
}

// sentAt is when a marked frame was sent.
func (t *studioTrack) sentAt(m mark) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	if int(m.frame) < len(t.times) {
		return t.times[m.frame]
	}
	return time.Time{}
}

// speak sends packet n of the sound.
func (t *studioTrack) speak(n uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer != nil {
		m := mark{layer: t.layer, parts: 1, frame: n}
		t.send(m, n*soundTicks, false, opusPayload(m))
	}
}

func (t *studioTrack) send(m mark, ticks uint32, last bool, payload []byte) {
	packet := &rtp.Packet{Payload: payload, Header: rtp.Header{Version: 2, Marker: last, PayloadType: t.payloadType,
		SequenceNumber: t.seq, Timestamp: t.base + ticks, SSRC: t.ssrc}}
	t.seq++
	t.packets++
	t.octets += uint32(len(payload)) //nolint:gosec // small
	t.extend(packet)
	_, _ = t.writer.WriteRTP(&packet.Header, packet.Payload) // not connected yet, or no more
}

// extend puts on the header extensions that were negotiated.
func (t *studioTrack) extend(packet *rtp.Packet) {
	put := func(uri string, value []byte) {
		if id := t.ids[uri]; id != 0 && len(value) > 0 {
			_ = packet.SetExtension(id, value) // of the right size
		}
	}
	put(midURI, []byte(t.mid()))
	if t.layer != soundLayer {
		put(ridURI, []byte(t.rid+t.studio.stamp))
	}
	if t.ids[transportURI] != 0 {
		n := t.transport.Add(1)
		put(transportURI, []byte{byte(n >> 8), byte(n)})
	}
}

// ID, RID, StreamID and Kind are those of webrtc.TrackLocal.
func (t *studioTrack) ID() string { return t.Kind().String() }

// RID names the encoding.
func (t *studioTrack) RID() string { return t.rid }

// StreamID is one for picture and sound.
func (t *studioTrack) StreamID() string { return "conformance" }

// Kind is that of the mark's layer.
func (t *studioTrack) Kind() webrtc.RTPCodecType {
	if t.layer == soundLayer {
		return webrtc.RTPCodecTypeAudio
	}
	return webrtc.RTPCodecTypeVideo
}

// Bind takes what was negotiated.
func (t *studioTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	want := map[webrtc.RTPCodecType]string{webrtc.RTPCodecTypeAudio: webrtc.MimeTypeOpus, webrtc.RTPCodecTypeVideo: webrtc.MimeTypeVP8}[t.Kind()]
	i := slices.IndexFunc(c.CodecParameters(), func(p webrtc.RTPCodecParameters) bool { return p.MimeType == want })
	if i < 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	codec := c.CodecParameters()[i]
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer, t.ssrc, t.payloadType = c.WriteStream(), uint32(c.SSRC()), uint8(codec.PayloadType)
	t.ids = make(map[string]uint8)
	for _, e := range c.HeaderExtensions() {
		t.ids[e.URI] = uint8(e.ID) //nolint:gosec // 1 to 14
	}
	return codec, nil
}

// Unbind forgets the connection.
func (t *studioTrack) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

// sent counts the packets.
func (t *studioTrack) sent() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.packets
}
