package mediafile

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// oggOpus reads packets out of Ogg pages (RFC 3533 section 6, RFC 7845). The
// reader of pion gives whole pages, which most files fill with many packets.
type oggOpus struct {
	file    source
	packets [][]byte // complete packets of the current page
	partial []byte   // a packet that goes on in the next page
}

const (
	oggHeaderLen = 27
	maxPacket    = 1 << 20
)

func newOgg(file source) (*oggOpus, error) {
	f := &oggOpus{file: file}
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *oggOpus) MimeType() string { return "audio/opus" }

func (f *oggOpus) Rewind() error {
	if err := f.file.rewind(); err != nil {
		return err
	}
	return f.begin()
}

func (f *oggOpus) begin() error {
	f.packets, f.partial = nil, nil
	head, err := f.packet()
	if err != nil || !bytes.HasPrefix(head, []byte("OpusHead")) {
		return fmt.Errorf("%w: Ogg without Opus", ErrFormat)
	}
	if tags, err := f.packet(); err != nil || !bytes.HasPrefix(tags, []byte("OpusTags")) {
		return fmt.Errorf("%w: Ogg Opus without tags", ErrFormat)
	}
	return nil
}

func (f *oggOpus) Next() (Sample, error) {
	p, err := f.packet()
	if err != nil {
		return Sample{}, err
	}
	return Sample{Data: p, Duration: opusDuration(p)}, nil
}

func (f *oggOpus) packet() ([]byte, error) {
	for len(f.packets) == 0 {
		if err := f.page(); err != nil {
			return nil, err
		}
	}
	p := f.packets[0]
	f.packets = f.packets[1:]
	return p, nil
}

// page reads one page and cuts it into packets: a lacing value below 255 ends a
// packet (RFC 3533 section 6).
func (f *oggOpus) page() error {
	header := make([]byte, oggHeaderLen)
	if _, err := io.ReadFull(f.file, header); err != nil {
		return io.EOF // a cut last page is the end as well
	}
	if string(header[:4]) != "OggS" {
		return fmt.Errorf("%w: a page does not begin with OggS", ErrFormat)
	}
	lacing := make([]byte, header[26])
	if _, err := io.ReadFull(f.file, lacing); err != nil {
		return io.EOF
	}
	for _, n := range lacing {
		segment := make([]byte, n)
		if _, err := io.ReadFull(f.file, segment); err != nil {
			return io.EOF
		}
		if f.partial = append(f.partial, segment...); len(f.partial) > maxPacket {
			return fmt.Errorf("%w: a packet of more than %d bytes", ErrFormat, maxPacket)
		}
		if n < 255 {
			f.packets = append(f.packets, f.partial)
			f.partial = nil
		}
	}
	return nil
}

// opusDuration reads the duration from the first bytes of a packet (RFC 6716
// section 3.1).
func opusDuration(p []byte) time.Duration {
	if len(p) == 0 {
		return 20 * time.Millisecond
	}
	frame := frameDuration(p[0] >> 3)
	switch p[0] & 3 {
	case 0:
		return frame
	case 1, 2:
		return 2 * frame
	}
	if len(p) < 2 {
		return frame
	}
	return time.Duration(p[1]&0x3f) * frame
}

// frameDuration is table 2 of RFC 6716.
func frameDuration(config byte) time.Duration {
	switch {
	case config < 12:
		return []time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16:
		return []time.Duration{10, 20}[config&1] * time.Millisecond
	default:
		return []time.Duration{2500, 5000, 10000, 20000}[config&3] * time.Microsecond
	}
}
