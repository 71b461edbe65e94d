package peer

import (
	"errors"
	"sync"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

var (
	errNothingToSend = errors.New("no section is sent on this connection")
	errNotBound      = errors.New("the section has no media yet")
	errNoCodec       = errors.New("the stack did not negotiate what was planned")
)

// slot is the sending side of one section. To the stack it is a local track that
// keeps its SSRC for life; what is written on it is the router's business.
type slot struct {
	kind        router.Kind
	id          string
	streamID    string
	transceiver *webrtc.RTPTransceiver
	// section is known once the stack matched the slot to a mid.
	section *negotiate.Section

	mu        sync.Mutex
	writer    webrtc.TrackLocalWriter
	ssrc, rtx uint32
}

// Bind implements webrtc.TrackLocal. The payload type is our own choice: the
// stack's list may start with another one.
func (s *slot) Bind(t webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	if s.section == nil || len(s.section.PayloadTypes) == 0 {
		return webrtc.RTPCodecParameters{}, errNoCodec
	}
	if s.section.Rejected { // by the answer to our offer; the stack binds it all the same
		return anyCodec(t.CodecParameters())
	}
	codec, ok := currentCodec(t.CodecParameters(), s.section.PayloadTypes[0].Number)
	if !ok {
		return webrtc.RTPCodecParameters{}, errNoCodec
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writer, s.ssrc, s.rtx = t.WriteStream(), uint32(t.SSRC()), uint32(t.SSRCRetransmission())
	return codec, nil
}

// anyCodec is for a slot that nothing is sent on.
func anyCodec(codecs []webrtc.RTPCodecParameters) (webrtc.RTPCodecParameters, error) {
	if len(codecs) == 0 {
		return webrtc.RTPCodecParameters{}, errNoCodec
	}
	return codecs[0], nil
}

// Unbind implements webrtc.TrackLocal. The writer stays: it answers that it is
// closed.
func (s *slot) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID implements webrtc.TrackLocal.
func (s *slot) ID() string { return s.id }

// RID implements webrtc.TrackLocal.
func (s *slot) RID() string { return "" }

// StreamID implements webrtc.TrackLocal.
func (s *slot) StreamID() string { return s.streamID }

// Kind implements webrtc.TrackLocal.
func (s *slot) Kind() webrtc.RTPCodecType { return codecType(s.kind) }

func (s *slot) write(packet []byte) error {
	s.mu.Lock()
	w := s.writer
	s.mu.Unlock()
	if w == nil {
		return errNotBound
	}
	_, err := w.Write(packet)
	return err
}

// config is what the router needs to know of the section.
func (s *slot) config() router.SectionConfig {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := router.SectionConfig{
		Mid: s.section.Mid, Kind: s.kind, SSRC: s.ssrc,
		PayloadTypes: s.section.PayloadTypes, Extensions: s.section.Extensions,
	}
	for _, pt := range s.section.PayloadTypes {
		if pt.RTX != 0 {
			cfg.RTXSSRC = s.rtx
		}
	}
	return cfg
}
