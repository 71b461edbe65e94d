package depacket

import (
	"fmt"
	"strings"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

// maxFrame bounds one frame, in bytes.
const maxFrame = 16 << 20

// Frame is one coded picture or one packet of audio.
type Frame struct {
	// Data is Annex B for H.264 and H.265, the sized OBUs of a temporal unit
	// without its delimiter for AV1, else what the codec calls a frame.
	Data      []byte
	Timestamp uint32
	// Key says that decoding can begin here; always true for audio.
	Key bool
	// Gap says that something before it is missing.
	Gap bool
}

// Assembler puts the packets of one track into frames. It leaves out frames that
// miss a packet, and what cannot be decoded because of that.
type Assembler struct {
	// Any hands out whole frames even if those they build on are missing.
	Any bool
	// Dropped counts frames that were left out.
	Dropped uint64

	mime    string
	video   bool
	decoder rtp.Depacketizer
	data    []byte
	stamp   uint32
	open    bool // packets of stamp have come
	broken  bool // the frame under way misses something
	gap     bool
	waiting bool // for a key frame
}

// NewAssembler returns an assembler for a codec, named like "video/H264".
func NewAssembler(mime string) (*Assembler, error) {
	a := &Assembler{mime: strings.ToLower(mime), waiting: true}
	a.video = strings.HasPrefix(a.mime, "video/")
	if a.video && newDepacketizer(a.mime) == nil {
		return nil, fmt.Errorf("frames of %s are not known", mime)
	}
	a.reset()
	return a, nil
}

// NeedsKey says that nothing can be decoded before the next key frame.
func (a *Assembler) NeedsKey() bool { return a.video && a.waiting }

// Push takes the next packet in order and returns the frames that it completes.
// lost says that packets before it are missing. They are valid for good.
func (a *Assembler) Push(p *rtp.Packet, lost bool) (frames []Frame) {
	if !a.video {
		return a.audio(p, lost)
	}
	if lost {
		a.broken, a.gap, a.waiting = true, true, true
	}
	if len(p.Payload) == 0 {
		return nil // padding
	}
	if a.open && p.Timestamp != a.stamp {
		frames = a.finish(frames) // its last packet had no marker, or is lost
	}
	if !a.open {
		a.begin(p)
	}
	a.take(p.Payload)
	if p.Marker {
		frames = a.finish(frames)
	}
	return frames
}

func (a *Assembler) audio(p *rtp.Packet, lost bool) []Frame {
	a.gap = a.gap || lost
	if len(p.Payload) == 0 {
		return nil
	}
	f := Frame{Data: append([]byte(nil), p.Payload...), Timestamp: p.Timestamp, Key: true, Gap: a.gap}
	a.gap = false
	return []Frame{f}
}

// begin opens a frame. After a loss it is whole only if it begins with a head.
func (a *Assembler) begin(p *rtp.Packet) {
	a.reset()
	a.open, a.stamp = true, p.Timestamp
	a.broken = a.gap && !a.decoder.IsPartitionHead(p.Payload)
}

func (a *Assembler) take(payload []byte) {
	if a.broken {
		return
	}
	part, err := a.decoder.Unmarshal(payload)
	if err != nil || len(a.data)+len(part) > maxFrame {
		a.broken, a.gap, a.waiting = true, true, true
		return
	}
	a.data = append(a.data, part...)
}

func (a *Assembler) finish(frames []Frame) []Frame {
	f := Frame{Data: a.data, Timestamp: a.stamp, Gap: a.gap}
	whole := !a.broken && len(f.Data) > 0
	a.open, a.broken, a.data = false, false, nil
	if whole {
		f.Key = IsKey(a.mime, f.Data)
		a.waiting = a.waiting && !f.Key
	}
	if !whole || a.waiting && !a.Any {
		a.Dropped++
		return frames
	}
	a.gap = false
	return append(frames, f)
}

// reset forgets fragments: the decoders would put them in front of the next frame.
func (a *Assembler) reset() {
	a.decoder, a.data = newDepacketizer(a.mime), nil
}

func newDepacketizer(mime string) rtp.Depacketizer {
	switch mime {
	case "video/h264":
		return &codecs.H264Packet{}
	case "video/h265":
		return &codecs.H265Depacketizer{}
	case "video/vp8":
		return &codecs.VP8Packet{}
	case "video/vp9":
		return &codecs.VP9Packet{}
	case "video/av1":
		return &codecs.AV1Depacketizer{}
	}
	return nil
}
