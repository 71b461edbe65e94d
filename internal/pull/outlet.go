package pull

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
)

// An Outlet is where video or audio goes: a file, or a port. One goroutine uses it
// at a time.
type Outlet interface {
	// codecs are those that can go there.
	codecs() []dial.Codec
	// begin says what comes from now on; it is called for each connection.
	begin(codec webrtc.RTPCodecParameters) error
	// packet is called for every packet, in order, before the frames it completes.
	packet(now time.Time, p *rtp.Packet, lost int) error
	// frame is called for every frame that can be decoded; at is its time since the
	// first one.
	frame(at time.Duration, f depacket.Frame) error
	Close() error
}

// frameWriter writes one format.
type frameWriter interface {
	write(at time.Duration, f depacket.Frame) error
	Close() error
}

// file is a file that holds one codec. When another one comes, it goes on in a new
// file with a number at the end of its name.
type file struct {
	name    string
	byCodec bool // name lacks its ending
	stdout  io.Writer
	offered []dial.Codec
	notify  func(string)

	codec  webrtc.RTPCodecParameters
	writer frameWriter
	parts  int
}

// endings are the names of files by codec.
var endings = map[string][]string{
	"video/h264": {".h264", ".264", ".avc"}, "video/h265": {".h265", ".265", ".hevc"},
	"video/vp8": {".ivf"}, "video/vp9": {".ivf"}, "video/av1": {".ivf"},
	"audio/opus": {".ogg", ".opus", ".oga"},
}

// VideoFile writes pictures to a file: the ending of its name says which codecs are
// asked for. "-" is stdout, in the format of whatever codec comes. notify is told
// of each file that is begun.
func VideoFile(name string, stdout io.Writer, notify func(string)) (Outlet, error) {
	return newFile(name, dial.VideoCodecs(), stdout, notify)
}

// AudioFile writes Opus to an Ogg file.
func AudioFile(name string, stdout io.Writer, notify func(string)) (Outlet, error) {
	return newFile(name, dial.AudioCodecs()[:1], stdout, notify)
}

// Prefixed are the files of a name without an ending, which the codecs give.
func Prefixed(prefix string, notify func(string)) (video, audio Outlet) {
	return &file{name: prefix, byCodec: true, offered: dial.VideoCodecs(), notify: notify},
		&file{name: prefix, byCodec: true, offered: dial.AudioCodecs()[:1], notify: notify}
}

func newFile(name string, codecs []dial.Codec, stdout io.Writer, notify func(string)) (Outlet, error) {
	if name == "-" {
		return &file{name: name, stdout: stdout, offered: codecs, notify: notify}, nil
	}
	ending := strings.ToLower(filepath.Ext(name))
	fit := slices.DeleteFunc(slices.Clone(codecs), func(c dial.Codec) bool {
		return !slices.Contains(endings[strings.ToLower(c.MimeType)], ending)
	})
	if len(fit) == 0 {
		return nil, fmt.Errorf("%s: the ending says the format: .h264, .h265 or .ivf for video, .ogg for audio", name)
	}
	return &file{name: name, offered: fit, notify: notify}, nil
}

func (f *file) codecs() []dial.Codec { return f.offered }

func (f *file) packet(time.Time, *rtp.Packet, int) error { return nil }

func (f *file) begin(codec webrtc.RTPCodecParameters) error {
	same := strings.EqualFold(codec.MimeType, f.codec.MimeType)
	f.codec = codec
	if f.writer == nil || same {
		return nil
	}
	if f.stdout != nil {
		return fmt.Errorf("the codec changed to %s, which cannot follow on standard output", codec.MimeType)
	}
	err := f.writer.Close()
	f.writer = nil
	return err
}

// frame opens the file with the first frame, so that there is none without.
func (f *file) frame(at time.Duration, frame depacket.Frame) (err error) {
	if f.writer == nil {
		if f.writer, err = f.open(frame); err != nil {
			return err
		}
	}
	return f.writer.write(at, frame)
}

func (f *file) open(first depacket.Frame) (frameWriter, error) {
	out := io.Writer(nopCloser{f.stdout})
	if f.stdout == nil {
		f.parts++
		created, err := os.Create(f.partName())
		if err != nil {
			return nil, err
		}
		out = created
		if f.notify != nil {
			f.notify("writing " + created.Name())
		}
	}
	switch strings.ToLower(f.codec.MimeType) {
	case "video/h264", "video/h265":
		return newAnnexB(out, f.codec), nil
	case "audio/opus":
		return newOgg(out, f.codec)
	}
	return newIVF(out, f.codec.MimeType, first.Data)
}

// partName is the name of the next file.
func (f *file) partName() string {
	base, ending := strings.TrimSuffix(f.name, filepath.Ext(f.name)), filepath.Ext(f.name)
	if f.byCodec {
		base, ending = f.name, endings[strings.ToLower(f.codec.MimeType)][0]
	}
	if f.parts > 1 {
		base = fmt.Sprintf("%s-%d", base, f.parts)
	}
	return base + ending
}

// Close finishes the file. It may be called more than once.
func (f *file) Close() error {
	if f.writer == nil {
		return nil
	}
	err := f.writer.Close()
	f.writer = nil
	return err
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
