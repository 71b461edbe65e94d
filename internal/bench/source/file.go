package source

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtp/codecs"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/internal/mediafile"
)

// film sends a file of H.264 in a loop. Its frames keep their content, so that
// players can show them: the stamp goes into an SEI message of its own packet.
type film struct {
	*stream
	file    mediafile.Reader
	payload codecs.H264Payloader

	packets [][]byte // of the frame due next
	sei     []byte
	at      time.Duration
	last    time.Duration // of the frame before
	number  atomic.Uint32
	asked   atomic.Int64
	err     error // the file cannot be read any more
}

func newFilm(file mediafile.Reader, out *stream, wait time.Duration) (*film, error) {
	if file.MimeType() != "video/H264" {
		return nil, errors.New("only H.264 files can be stamped; convert the file, or leave it out")
	}
	f := &film{stream: out, file: file, at: wait, sei: stampMessage()}
	f.load()
	return f, f.err
}

// load reads the next frame, from the beginning after the end.
func (f *film) load() {
	sample, err := f.file.Next()
	if errors.Is(err, io.EOF) {
		if err = f.file.Rewind(); err == nil {
			sample, err = f.file.Next()
		}
	}
	f.err = err
	f.packets = f.payload.Payload(maxPayloadBytes, sample.Data)
	f.last = sample.Duration
}

func (f *film) due() time.Duration { return f.at }

// send sends a frame at once.
func (f *film) send(now time.Time) {
	stamp.Put(f.sei[len(f.sei)-1-stamp.Size:], now, f.number.Add(1))
	if len(f.packets) > 0 {
		f.write(f.sei, false)
	}
	for i, p := range f.packets {
		f.write(p, i == len(f.packets)-1)
	}
	f.timestamp += uint32(f.last * 90000 / time.Second) //nolint:gosec // a frame lasts seconds at most
	f.at += f.last
	f.load()
}

func (f *film) ask() { f.asked.Add(1) }

// stampMessage is a NAL unit of type 6 with a message of unregistered user data
// (H.264 annex D.1.7): an identifier of 16 bytes, then room for a stamp.
func stampMessage() []byte {
	const userData = 5
	id := []byte("headgate-bench-1")
	b := append([]byte{0x06, userData, byte(len(id) + stamp.Size)}, id...)
	b = append(b, bytes.Repeat([]byte{'.'}, stamp.Size)...)
	return append(b, 0x80)
}
