package push

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
)

// payloadBytes bounds the payload of a packet, so that with all headers it fits
// into the smallest datagrams that are common.
const payloadBytes = 1188

// track is one stream on its way out. One goroutine sends; connections come and
// go beside it.
type track struct {
	codec      dial.Codec
	payloader  rtp.Payloader
	parameters [][]byte // the parameter sets to put before key frames without
	sequence   uint16
	origin     uint32 // the RTP timestamp of time 0

	local atomic.Pointer[webrtc.TrackLocalStaticRTP] // nil while there is no connection

	frames, packets, bytes, asked atomic.Int64
}

func newTrack(codec dial.Codec) (*track, error) {
	t := &track{codec: codec, payloader: newPayloader(codec.MimeType)}
	if t.payloader == nil {
		return nil, fmt.Errorf("%s cannot be published", codec.MimeType)
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	t.sequence, t.origin = binary.BigEndian.Uint16(b[:]), binary.BigEndian.Uint32(b[2:])
	return t, nil
}

func newPayloader(mime string) rtp.Payloader {
	switch strings.ToLower(mime) {
	case "video/h264":
		return &codecs.H264Payloader{}
	case "video/h265":
		return &codecs.H265Payloader{}
	case "video/vp8":
		return &codecs.VP8Payloader{EnablePictureID: true}
	case "video/vp9":
		return &codecs.VP9Payloader{}
	case "video/av1":
		return &codecs.AV1Payloader{}
	case "audio/opus":
		return &codecs.OpusPayloader{}
	case "audio/pcmu", "audio/pcma":
		return &codecs.G711Payloader{}
	case "audio/g722":
		return &codecs.G722Payloader{}
	}
	return nil
}

// connect makes the track's section on a connection.
func (t *track) connect(pc *webrtc.PeerConnection) (*webrtc.TrackLocalStaticRTP, *webrtc.RTPSender, error) {
	id := "audio"
	if t.codec.IsVideo() {
		id = "video"
	}
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: t.codec.MimeType, ClockRate: t.codec.ClockRate()}, id, "headgate-push")
	if err != nil {
		return nil, nil, err
	}
	transceiver, err := pc.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, nil, err
	}
	return local, transceiver.Sender(), nil
}

// send cuts one frame into packets. at is its time since the feed began; skip
// leaves a number out, so that viewers notice what is missing.
func (t *track) send(at time.Duration, frame []byte, skip bool) error {
	frame = t.withParameters(frame)
	payloads := t.payloader.Payload(payloadBytes, frame)
	stamp := t.origin + depacket.Stamp(at, t.codec.ClockRate())
	if skip {
		t.sequence++
	}
	local := t.local.Load()
	for i, payload := range payloads {
		p := &rtp.Packet{Header: rtp.Header{
			Version: 2, SequenceNumber: t.sequence, Timestamp: stamp, Marker: t.codec.IsVideo() && i == len(payloads)-1,
		}, Payload: payload}
		t.sequence++
		if local == nil {
			continue
		}
		if err := local.WriteRTP(p); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return err
		}
		t.packets.Add(1)
		t.bytes.Add(int64(len(payload)))
	}
	if local != nil && len(payloads) > 0 {
		t.frames.Add(1)
	}
	return nil
}

// withParameters puts the parameter sets in front of a key frame that comes
// without: who joins there has no others.
func (t *track) withParameters(frame []byte) []byte {
	switch strings.ToLower(t.codec.MimeType) {
	case "video/h264", "video/h265":
	default:
		return frame
	}
	if sets := depacket.Parameters(t.codec.MimeType, frame); len(sets) > 0 {
		t.parameters = sets
		return frame
	}
	if len(t.parameters) == 0 || !depacket.IsKey(t.codec.MimeType, frame) {
		return frame
	}
	return append(depacket.AnnexB(t.parameters), frame...)
}
