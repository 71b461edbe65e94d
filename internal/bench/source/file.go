package source

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/bench/stamp"
	"github.com/headgate/headgate/internal/mediafile"
)

// film sends a file in a loop. Its frames keep their content, so that players can
// show them. With H.264 the stamp goes into an SEI message of its own packet.
type film struct {
	*stream
	file    mediafile.Reader
	payload rtp.Payloader

	packets [][]byte // of the frame due next
	sei     []byte   // nil without stamps
	at      time.Duration
	last    time.Duration // of the frame before
	number  atomic.Uint32
	asked   atomic.Int64
	keys    atomic.Int64 // begun because they were asked for
	wanted  atomic.Bool
	// keyPause is the least time between two beginnings; noKeys for a film that
	// obeys no requests.
	keyPause time.Duration
	lastKey  time.Time
	err      error // the file cannot be read any more
}

const noKeys = time.Duration(-1)

func newFilm(file mediafile.Reader, out *stream, wait, keyPause time.Duration) (*film, error) {
	f := &film{stream: out, file: file, at: wait, keyPause: keyPause}
	switch mime := file.MimeType(); {
	case mime == webrtc.MimeTypeH264:
		f.payload, f.sei = &codecs.H264Payloader{}, stampMessage()
	case mime == webrtc.MimeTypeVP8 && out.layer >= 0:
		f.payload = &codecs.VP8Payloader{EnablePictureID: true}
	default:
		return nil, errors.New("only H.264 files can be stamped; convert the file, or leave it out")
	}
	f.load()
	return f, f.err
}

// obey begins anew if a key frame was asked for and may come already.
func (f *film) obey(now time.Time) {
	if f.keyPause == noKeys || !f.wanted.Load() || now.Sub(f.lastKey) < f.keyPause {
		return
	}
	f.wanted.Store(false)
	f.lastKey = now
	f.keys.Add(1)
	if f.err = f.file.Rewind(); f.err == nil {
		f.load()
	}
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
	if f.obey(now); f.err != nil {
		return
	}
	number := f.mark(f.number.Add(1))
	if len(f.packets) > 0 && f.sei != nil {
		stamp.Put(f.sei[len(f.sei)-1-stamp.Size:], now, number)
		f.write(f.sei, false)
	}
	for i, p := range f.packets {
		f.write(p, i == len(f.packets)-1)
	}
	f.timestamp += uint32(f.last * 90000 / time.Second) //nolint:gosec // a frame lasts seconds at most
	f.at += f.last
	f.load()
}

func (f *film) ask() {
	f.asked.Add(1)
	f.wanted.Store(true)
}

// stampMessage is a NAL unit of type 6 with a message of unregistered user data
// (H.264 annex D.1.7): an identifier of 16 bytes, then room for a stamp.
func stampMessage() []byte {
	const userData = 5
	id := []byte("headgate-bench-1")
	b := append([]byte{0x06, userData, byte(len(id) + stamp.Size)}, id...)
	b = append(b, bytes.Repeat([]byte{'.'}, stamp.Size)...)
	return append(b, 0x80)
}
