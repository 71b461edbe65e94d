package mediafile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// Sample is one frame of video or one packet of audio.
type Sample struct {
	Data     []byte
	Duration time.Duration
}

// Reader gives the samples of a file in order. It is not safe for concurrent
// use.
type Reader interface {
	// MimeType names the codec, for example "video/H264".
	MimeType() string
	// Next returns the next sample, or io.EOF after the last one.
	Next() (Sample, error)
	// Rewind goes back to the first sample. What was opened by Stream cannot.
	Rewind() error
}

// The errors besides those of reading.
var (
	// ErrFormat is returned for files that are none of the known formats.
	ErrFormat = errors.New("not an IVF, Annex-B H.264 or H.265, or Ogg Opus file")
	// ErrStream is returned when a stream shall go back to its beginning.
	ErrStream = errors.New("a stream cannot begin again")
)

// maxDuration bounds how long one sample lasts: timestamps that leap further are
// not believed.
const maxDuration = 10 * time.Second

// The formats by name.
const (
	FormatIVF  = "ivf"
	FormatOgg  = "ogg"
	FormatH264 = "h264"
	FormatH265 = "h265"
)

// headBytes is how much tells a format: a start code and a NAL unit header.
const headBytes = 6

// Open recognises the format by the first bytes. framesPerSecond is the rate of
// Annex-B files that do not tell it; 0 means 30.
func Open(r io.ReadSeeker, framesPerSecond int) (Reader, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return newReader(source{r, r}, recognise(head[:n]), framesPerSecond)
}

// Stream reads what cannot be rewound: a pipe. It waits for the first bytes. The
// format is one of the names above, or empty to recognise it.
func Stream(r io.Reader, format string, framesPerSecond int) (Reader, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	if format == "" {
		head, err := buffered.Peek(headBytes)
		if len(head) == 0 {
			return nil, fmt.Errorf("%w: %w", ErrFormat, err)
		}
		format = recognise(head)
	}
	return newReader(source{Reader: buffered}, format, framesPerSecond)
}

func newReader(from source, format string, framesPerSecond int) (Reader, error) {
	switch format {
	case FormatIVF:
		return newIVF(from)
	case FormatOgg:
		return newOgg(from)
	case FormatH264, FormatH265:
		return newAnnexB(from, format, framesPerSecond)
	}
	return nil, ErrFormat
}

// recognise returns the format that begins so, or "".
func recognise(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("DKIF")):
		return FormatIVF
	case bytes.HasPrefix(head, []byte("OggS")):
		return FormatOgg
	}
	for _, code := range []string{"\x00\x00\x01", "\x00\x00\x00\x01"} {
		if unit, ok := bytes.CutPrefix(head, []byte(code)); ok {
			return annexBFormat(unit)
		}
	}
	return ""
}

// annexBFormat tells the two by the header of the first unit. H.265 begins with
// parameter sets, a delimiter or a prefix SEI, of layer 0 and temporal id 1; as
// H.264 headers these bytes would be types that no stream begins with.
func annexBFormat(unit []byte) string {
	if len(unit) >= 2 && unit[1] == 1 && bytes.IndexByte([]byte{0x40, 0x42, 0x44, 0x46, 0x4e}, unit[0]) >= 0 {
		return FormatH265
	}
	return FormatH264
}

// source is a file, or a pipe, which has no seeker.
type source struct {
	io.Reader
	seeker io.Seeker
}

// rewind goes back to the beginning of a file.
func (s source) rewind() error {
	if s.seeker == nil {
		return ErrStream
	}
	_, err := s.seeker.Seek(0, io.SeekStart)
	return err
}
