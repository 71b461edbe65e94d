package mediafile

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/h265reader"
)

const defaultFramesPerSecond = 30

// annexB reads H.264 and H.265 as they come out of an encoder.
type annexB struct {
	from     source
	h265     bool
	bounded  *boundedReader
	unit     func() ([]byte, error) // the next NAL unit, io.EOF at the end
	held     []byte                 // a NAL unit that already belongs to the next picture
	fixed    bool                   // somebody said how many frames a second
	duration time.Duration
}

func newAnnexB(from source, format string, framesPerSecond int) (*annexB, error) {
	f := &annexB{from: from, h265: format == FormatH265, fixed: framesPerSecond > 0}
	if !f.fixed {
		framesPerSecond = defaultFramesPerSecond
	}
	f.duration = time.Second / time.Duration(framesPerSecond)
	return f, f.begin()
}

func (f *annexB) MimeType() string {
	if f.h265 {
		return "video/H265"
	}
	return "video/H264"
}

func (f *annexB) Rewind() error {
	if err := f.from.rewind(); err != nil {
		return err
	}
	return f.begin()
}

// begin makes a reader of NAL units. Those of pion take units of any length.
func (f *annexB) begin() error {
	f.held, f.bounded = nil, &boundedReader{r: f.from}
	if f.h265 {
		reader, err := h265reader.NewReader(f.bounded)
		f.unit = func() ([]byte, error) {
			nal, err := reader.NextNAL()
			if err != nil {
				return nil, err
			}
			return nal.Data, nil
		}
		return err
	}
	reader, err := h264reader.NewReader(f.bounded)
	f.unit = func() ([]byte, error) {
		nal, err := reader.NextNAL()
		if err != nil {
			return nil, err
		}
		return nal.Data, nil
	}
	return err
}

// Next returns one access unit: everything up to the first NAL unit of the next
// picture (H.264 section 7.4.1.2.3, H.265 section 7.4.2.4.4), each unit with a
// start code.
func (f *annexB) Next() (Sample, error) {
	unit, picture := f.held, false
	if len(unit) > 0 {
		picture = f.isSlice(unit[4:])
	}
	f.held = nil
	for {
		f.bounded.read = 0
		nal, err := f.unit()
		if f.bounded.read > maxFrame {
			return Sample{}, fmt.Errorf("%w: a NAL unit of more than %d bytes", ErrFormat, maxFrame)
		}
		if errors.Is(err, io.EOF) || err == nil && len(nal) == 0 {
			if len(unit) == 0 {
				return Sample{}, io.EOF
			}
			return Sample{Data: unit, Duration: f.duration}, nil
		}
		if err != nil {
			return Sample{}, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		f.readRate(nal)
		coded := append([]byte{0, 0, 0, 1}, nal...)
		if picture && f.startsPicture(nal) {
			f.held = coded
			return Sample{Data: unit, Duration: f.duration}, nil
		}
		picture = picture || f.isSlice(nal)
		if unit = append(unit, coded...); len(unit) > maxFrame {
			return Sample{}, fmt.Errorf("%w: a picture of more than %d bytes", ErrFormat, maxFrame)
		}
	}
}

// readRate takes the frame rate from a sequence parameter set, unless somebody
// said it.
func (f *annexB) readRate(nal []byte) {
	if f.fixed || f.h265 || nal[0]&0x1f != 7 {
		return
	}
	if d := frameDurationH264(nal); d > 0 {
		f.duration = d
	}
}

func (f *annexB) isSlice(nal []byte) bool {
	if f.h265 {
		return nal[0]>>1&0x3f < 32
	}
	t := nal[0] & 0x1f
	return t >= 1 && t <= 5
}

// startsPicture tells whether a NAL unit after a slice begins a new picture: a
// delimiter, parameter sets, SEI, or a slice that is the first of its picture,
// which both codecs say in the first bit after the header.
func (f *annexB) startsPicture(nal []byte) bool {
	header := 1
	if f.h265 {
		header = 2
		t := nal[0] >> 1 & 0x3f
		if t >= 32 && t <= 35 || t == 39 || t >= 41 && t <= 44 || t >= 48 && t <= 55 {
			return true
		}
	} else if t := nal[0] & 0x1f; t >= 6 && t <= 9 {
		return true
	}
	return f.isSlice(nal) && len(nal) > header && nal[header]&0x80 != 0
}

// boundedReader ends when more than maxFrame bytes were read since somebody set
// read to 0.
type boundedReader struct {
	r    io.Reader
	read int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.read > maxFrame {
		return 0, io.EOF
	}
	n, err := b.r.Read(p)
	b.read += n
	return n, err
}
