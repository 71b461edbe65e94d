package testkit

import (
	"io"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"
)

// wire is a track whose packets go out with the SSRC and payload type they have.
type wire struct {
	id     string // "audio" or "video"
	mime   string
	mu     sync.Mutex
	ssrc   uint32 // that the stack has declared
	stream webrtc.TrackLocalWriter
}

// Bind implements webrtc.TrackLocal.
func (w *wire) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ssrc, w.stream = uint32(c.SSRC()), c.WriteStream()
	for _, codec := range c.CodecParameters() {
		if codec.MimeType == w.mime {
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (w *wire) Unbind(webrtc.TrackLocalContext) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stream = nil
	return nil
}

// ID implements webrtc.TrackLocal.
func (w *wire) ID() string { return w.id }

// RID implements webrtc.TrackLocal.
func (w *wire) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (w *wire) StreamID() string { return "testkit" }

// Kind implements webrtc.TrackLocal.
func (w *wire) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(w.id) }

// WriteRTP sends a packet.
func (w *wire) WriteRTP(p *rtp.Packet) error {
	w.mu.Lock()
	stream := w.stream
	w.mu.Unlock()
	if stream == nil {
		return io.ErrClosedPipe
	}
	_, err := stream.WriteRTP(&p.Header, p.Payload)
	return err
}

// declared is the SSRC in the offer.
func (w *wire) declared() uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ssrc
}

// controlSink hands RTCP to take and drops RTP.
func controlSink(take func([]byte)) func(packetio.BufferPacketType, uint32) io.ReadWriteCloser {
	return func(kind packetio.BufferPacketType, _ uint32) io.ReadWriteCloser {
		if kind == packetio.RTCPBufferPacket {
			return sink(take)
		}
		return sink(func([]byte) {})
	}
}
