package mediafile

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// maxFrame bounds one frame of a file, in bytes.
const maxFrame = 16 << 20

// ivf reads the IVF container. The reader of pion allocates whatever size a
// frame header names and gives timestamps in no unit that can be used.
type ivf struct {
	file source
	mime string
	tick float64 // of the file's clock, in seconds
	held *Sample // read ahead, because the next frame tells how long one lasts
	at   uint64  // timestamp of held, in ticks
	last time.Duration
}

const (
	ivfFileHeader  = 32
	ivfFrameHeader = 12
)

var ivfCodecs = map[string]string{"VP80": "video/VP8", "VP90": "video/VP9", "AV01": "video/AV1", "H264": "video/H264"}

func newIVF(file source) (*ivf, error) {
	f := &ivf{file: file}
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *ivf) MimeType() string { return f.mime }

func (f *ivf) Rewind() error {
	if err := f.file.rewind(); err != nil {
		return err
	}
	return f.begin()
}

func (f *ivf) begin() error {
	header := make([]byte, ivfFileHeader)
	if _, err := io.ReadFull(f.file, header); err != nil {
		return fmt.Errorf("%w: IVF header: %w", ErrFormat, err)
	}
	mime, ok := ivfCodecs[string(header[8:12])]
	if !ok {
		return fmt.Errorf("%w: IVF with %q", ErrFormat, header[8:12])
	}
	rate, scale := binary.LittleEndian.Uint32(header[16:]), binary.LittleEndian.Uint32(header[20:])
	if rate == 0 || scale == 0 {
		return fmt.Errorf("%w: IVF without a time base", ErrFormat)
	}
	f.mime, f.tick = mime, float64(scale)/float64(rate)
	f.held, f.at, f.last = nil, 0, time.Second/defaultFramesPerSecond
	f.last = f.lasts(1)
	return f.readAhead()
}

// Next returns the frame read before, whose duration the one after it tells.
func (f *ivf) Next() (Sample, error) {
	if f.held == nil {
		return Sample{}, io.EOF
	}
	current, at := *f.held, f.at
	if err := f.readAhead(); err != nil {
		return Sample{}, err
	}
	if f.held != nil && f.at > at {
		f.last = f.lasts(f.at - at)
	}
	current.Duration = f.last
	return current, nil
}

// lasts is the duration of this many ticks; a leap counts as one frame.
func (f *ivf) lasts(ticks uint64) time.Duration {
	if seconds := float64(ticks) * f.tick; seconds <= maxDuration.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	}
	return f.last
}

// readAhead reads the next frame into held, which is nil at the end; a cut last
// frame is the end as well.
func (f *ivf) readAhead() error {
	f.held = nil
	header := make([]byte, ivfFrameHeader)
	if _, err := io.ReadFull(f.file, header); err != nil {
		return nil //nolint:nilerr // the end of the file
	}
	size := binary.LittleEndian.Uint32(header)
	if size > maxFrame {
		return fmt.Errorf("%w: a frame of %d bytes", ErrFormat, size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(f.file, data); err != nil {
		return nil //nolint:nilerr // the end of the file
	}
	f.held, f.at = &Sample{Data: data}, binary.LittleEndian.Uint64(header[4:])
	return nil
}
