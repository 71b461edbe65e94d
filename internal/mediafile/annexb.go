package mediafile

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/h264reader"
)

const defaultFramesPerSecond = 30

type annexB struct {
	file     io.ReadSeeker
	reader   *h264reader.H264Reader
	held     []byte // a NAL unit that already belongs to the next picture
	duration time.Duration
}

func newAnnexB(file io.ReadSeeker, framesPerSecond int) (*annexB, error) {
	if framesPerSecond <= 0 {
		framesPerSecond = defaultFramesPerSecond
	}
	f := &annexB{file: file, duration: time.Second / time.Duration(framesPerSecond)}
	return f, f.Rewind()
}

func (f *annexB) MimeType() string { return "video/H264" }

func (f *annexB) Rewind() error {
	if _, err := f.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	reader, err := h264reader.NewReader(f.file)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	f.reader, f.held = reader, nil
	return nil
}

// Next returns one access unit: everything up to the first NAL unit of the next
// picture (H.264 section 7.4.1.2.3), each unit with a start code.
func (f *annexB) Next() (Sample, error) {
	unit, picture := f.held, false
	if len(unit) > 0 {
		picture = isSlice(unit[4])
	}
	f.held = nil
	for {
		nal, err := f.reader.NextNAL()
		if errors.Is(err, io.EOF) || err == nil && len(nal.Data) == 0 {
			if len(unit) == 0 {
				return Sample{}, io.EOF
			}
			return Sample{Data: unit, Duration: f.duration}, nil
		}
		if err != nil {
			return Sample{}, fmt.Errorf("read H.264: %w", err)
		}
		coded := append([]byte{0, 0, 0, 1}, nal.Data...)
		if picture && startsPicture(nal.Data) {
			f.held = coded
			return Sample{Data: unit, Duration: f.duration}, nil
		}
		picture = picture || isSlice(nal.Data[0])
		if unit = append(unit, coded...); len(unit) > maxFrame {
			return Sample{}, fmt.Errorf("%w: a picture of more than %d bytes", ErrFormat, maxFrame)
		}
	}
}

func isSlice(header byte) bool { t := header & 0x1f; return t >= 1 && t <= 5 }

// startsPicture tells whether a NAL unit after a slice begins a new picture: a
// delimiter, parameter sets, SEI, or a slice whose first_mb_in_slice is 0, which
// is coded as a leading 1 bit.
func startsPicture(nal []byte) bool {
	if t := nal[0] & 0x1f; t >= 6 && t <= 9 {
		return true
	}
	return isSlice(nal[0]) && len(nal) > 1 && nal[1]&0x80 != 0
}
