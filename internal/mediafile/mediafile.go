package mediafile

import (
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
	// Rewind goes back to the first sample.
	Rewind() error
}

// ErrFormat is returned for files that are none of the known formats.
var ErrFormat = errors.New("not an IVF, Annex-B H.264 or Ogg Opus file")

// Open recognises the format by the first bytes. framesPerSecond is the rate of
// Annex-B files, which hold none; 0 means 30.
func Open(r io.ReadSeeker, framesPerSecond int) (Reader, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch {
	case string(head) == "DKIF":
		return newIVF(r)
	case string(head) == "OggS":
		return newOgg(r)
	case bytes.HasPrefix(head, []byte{0, 0, 1}), bytes.Equal(head, []byte{0, 0, 0, 1}):
		return newAnnexB(r, framesPerSecond)
	}
	return nil, ErrFormat
}
