package pull

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"github.com/headgate/headgate/internal/depacket"
)

// annexB writes H.264 and H.265 as encoders make it, with parameter sets before
// every key frame.
type annexB struct {
	out  io.Writer
	mime string
	sets [][]byte
}

func newAnnexB(out io.Writer, codec webrtc.RTPCodecParameters) *annexB {
	w := &annexB{out: out, mime: codec.MimeType}
	for part := range strings.SplitSeq(codec.SDPFmtpLine, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.HasPrefix(name, "sprop-") {
			continue
		}
		for coded := range strings.SplitSeq(value, ",") {
			if set, err := base64.StdEncoding.DecodeString(coded); err == nil && len(set) > 0 {
				w.sets = append(w.sets, set)
			}
		}
	}
	return w
}

func (w *annexB) write(_ time.Duration, f depacket.Frame) error {
	if sets := depacket.Parameters(w.mime, f.Data); len(sets) > 0 {
		w.sets = sets
	} else if f.Key && len(w.sets) > 0 {
		if _, err := w.out.Write(depacket.AnnexB(w.sets)); err != nil {
			return err
		}
	}
	_, err := w.out.Write(f.Data)
	return err
}

func (w *annexB) Close() error { return closeIt(w.out) }

// ivf writes the IVF container with the clock of RTP, so that gaps stay gaps. The
// writer of pion loses the size of the picture and begins anew after 13 hours.
type ivf struct {
	out    io.Writer
	av1    bool
	frames uint32
}

func newIVF(out io.Writer, mime string, first []byte) (*ivf, error) {
	width, height := depacket.Size(mime, first)
	fourCC := map[string]string{"video/vp8": "VP80", "video/vp9": "VP90", "video/av1": "AV01"}[strings.ToLower(mime)]
	b := append([]byte("DKIF\x00\x00\x20\x00"), fourCC...)
	b = binary.LittleEndian.AppendUint16(b, uint16(width))  //nolint:gosec // 16 bits in the codecs that say it
	b = binary.LittleEndian.AppendUint16(b, uint16(height)) //nolint:gosec // as above
	b = binary.LittleEndian.AppendUint32(b, videoClock)
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // number of frames: at the end
	_, err := out.Write(b)
	return &ivf{out: out, av1: fourCC == "AV01"}, err
}

const (
	videoClock     = 90_000
	ivfFrameCount  = 24 // where it stands in the header
	opusClock      = 48_000
	emptyFrameMask = 0xfc // a TOC byte that says one frame
)

func (w *ivf) write(at time.Duration, f depacket.Frame) error {
	data := f.Data
	if w.av1 {
		data = append([]byte{0x12, 0}, data...) // the temporal delimiter, which RTP leaves out
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(data))) //nolint:gosec // bounded by the assembler
	b = binary.LittleEndian.AppendUint64(b, uint64(at/time.Second)*videoClock+uint64((at%time.Second*videoClock+time.Second/2)/time.Second))
	w.frames++
	_, err := w.out.Write(append(b, data...))
	return err
}

func (w *ivf) Close() error {
	if at, ok := w.out.(io.WriterAt); ok {
		_, err := at.WriteAt(binary.LittleEndian.AppendUint32(nil, w.frames), ivfFrameCount)
		return errors.Join(err, closeIt(w.out))
	}
	return closeIt(w.out)
}

// ogg writes Opus. What is missing is filled with packets that have no sound in
// them, which decoders conceal (RFC 7845 section 4.1): without them, players would
// move everything that follows.
type ogg struct {
	out     io.Writer
	file    *oggwriter.Writer
	track   *oggwriter.Track
	written time.Duration
	last    byte // the TOC of the packet before
}

func newOgg(out io.Writer, codec webrtc.RTPCodecParameters) (*ogg, error) {
	options := []oggwriter.WriterOption{oggwriter.WithSampleRate(opusClock), oggwriter.WithChannelCount(max(codec.Channels, 1))}
	if seekable, ok := out.(interface {
		io.Seeker
		io.WriterAt
	}); ok {
		options = append(options, oggwriter.WithSeekableOutput(seekable))
	}
	file, err := oggwriter.NewWriter(out, options...)
	if err != nil {
		return nil, err
	}
	track, err := file.NewTrack(0)
	return &ogg{out: out, file: file, track: track}, err
}

func (w *ogg) write(at time.Duration, f depacket.Frame) error {
	filler := []byte{w.last & emptyFrameMask}
	if w.written == 0 {
		filler[0] = f.Data[0] & emptyFrameMask
	}
	for d := opusDuration(filler); at-w.written >= d; {
		if err := w.packet(filler); err != nil {
			return err
		}
	}
	w.last = f.Data[0]
	return w.packet(f.Data)
}

func (w *ogg) packet(payload []byte) error {
	d := opusDuration(payload)
	if d <= 0 || d > 120*time.Millisecond {
		return nil // not Opus; the file shall stay whole
	}
	w.written += d
	return w.track.WriteRTP(&rtp.Packet{Payload: payload})
}

func (w *ogg) Close() error { return w.file.Close() } // closes out too

// opusDuration reads the duration from the first bytes of a packet (RFC 6716
// section 3.1).
func opusDuration(p []byte) time.Duration {
	var frame time.Duration
	switch config := p[0] >> 3; {
	case config < 12:
		frame = []time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16:
		frame = []time.Duration{10, 20}[config&1] * time.Millisecond
	default:
		frame = []time.Duration{2500, 5000, 10000, 20000}[config&3] * time.Microsecond
	}
	switch {
	case p[0]&3 == 0:
		return frame
	case p[0]&3 < 3:
		return 2 * frame
	case len(p) < 2:
		return 0
	}
	return time.Duration(p[1]&0x3f) * frame
}

func closeIt(out io.Writer) error {
	if c, ok := out.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
