package conformance

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/headgate/headgate/internal/mediafile"
)

// size is one of the layers a scripted publisher sends: the built-in clip with
// parameter sets that claim another size, which is all a server looks at.
type size struct {
	rid string
	// sps is a sequence parameter set of constrained baseline (H.264 7.3.2.1.1).
	sps []byte
}

// sizes are 320x180, 640x360 and 1280x720, lowest first.
func sizes() []size {
	return []size{
		{"q", []byte{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x05, 0x06, 0x7e, 0x74}},
		{"h", []byte{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x40}},
		{"f", []byte{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4}},
	}
}

// ridOf tells which layer a parameter set belongs to; empty for none.
func ridOf(sps []byte) string {
	for _, s := range sizes() {
		if bytes.Equal(s.sps, sps) {
			return s.rid
		}
	}
	return ""
}

// parameterSet returns the sequence parameter set of a payload, alone or first in an
// aggregate; nil if there is none.
func parameterSet(b []byte) []byte {
	switch {
	case len(b) > 0 && b[0]&0x1f == 7:
		return b
	case len(b) > 3 && b[0]&0x1f == 24 && b[3]&0x1f == 7:
		if n := int(b[1])<<8 | int(b[2]); n <= len(b)-3 {
			return b[3 : 3+n]
		}
	}
	return nil
}

// The header extensions that tell layers apart (RFC 8852).
const (
	midURI = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

func registerStreamNames(engine *webrtc.MediaEngine) error {
	var errs []error
	for _, uri := range []string{midURI, ridURI} {
		errs = append(errs, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo))
	}
	return errors.Join(errs...)
}

// publishLayers adds a video track of three layers and begins to send them.
func (p *peer) publishLayers(ctx context.Context) error {
	var sender *webrtc.RTPSender
	var mid func() string
	for _, s := range sizes() {
		track := &layerTrack{rid: s.rid, mid: func() string { return mid() }}
		if sender == nil {
			tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
			if err != nil {
				return err
			}
			sender, mid = tr.Sender(), tr.Mid
		} else if err := sender.AddEncoding(track); err != nil {
			return err
		}
		video, _, err := mediafile.Clip()
		if err != nil {
			return err
		}
		layer := &film{}
		p.work.Go(func() {
			layer.show(ctx, track, true, video, func(unit []byte) []byte { return withParameterSet(unit, s.sps) })
		})
		p.work.Go(func() { layer.listenLayer(sender, s.rid) })
	}
	return nil
}

// layerTrack is one encoding of a simulcast track.
type layerTrack struct {
	rid string
	mid func() string

	mu           sync.Mutex
	writer       webrtc.TrackLocalWriter
	packetizer   rtp.Packetizer
	midID, ridID uint8
}

// ID, RID, StreamID and Kind are those of webrtc.TrackLocal.
func (t *layerTrack) ID() string { return "video" }

// RID names the encoding.
func (t *layerTrack) RID() string { return t.rid }

// StreamID is that of the kit's other tracks.
func (t *layerTrack) StreamID() string { return "conformance" }

// Kind is video.
func (t *layerTrack) Kind() webrtc.RTPCodecType { return webrtc.RTPCodecTypeVideo }

// Bind takes what was negotiated.
func (t *layerTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	i := slices.IndexFunc(c.CodecParameters(), func(p webrtc.RTPCodecParameters) bool { return strings.EqualFold(p.MimeType, webrtc.MimeTypeH264) })
	if i < 0 {
		return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
	}
	codec := c.CodecParameters()[i]
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range c.HeaderExtensions() {
		switch e.URI {
		case midURI:
			t.midID = uint8(e.ID) //nolint:gosec // 1 to 14
		case ridURI:
			t.ridID = uint8(e.ID) //nolint:gosec // 1 to 14
		}
	}
	const packetBytes = 1150
	t.writer = c.WriteStream()
	t.packetizer = rtp.NewPacketizer(packetBytes, uint8(codec.PayloadType), uint32(c.SSRC()), &codecs.H264Payloader{}, rtp.NewRandomSequencer(), codec.ClockRate)
	return codec, nil
}

// Unbind forgets the connection.
func (t *layerTrack) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.writer = nil
	return nil
}

// WriteSample sends a frame, each packet with the names of its stream.
func (t *layerTrack) WriteSample(s media.Sample) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.writer == nil {
		return nil
	}
	const clock = 90000
	var errs []error
	for _, packet := range t.packetizer.Packetize(s.Data, uint32(s.Duration.Seconds()*clock)) {
		if t.midID != 0 && t.ridID != 0 {
			errs = append(errs, packet.SetExtension(t.midID, []byte(t.mid())), packet.SetExtension(t.ridID, []byte(t.rid)))
		}
		_, err := t.writer.WriteRTP(&packet.Header, packet.Payload)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
