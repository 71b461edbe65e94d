package mediafile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
	"time"
)

// h265File is two pictures of H.265, the first with parameter sets; the second
// is cut into two slices.
const h265File = "\x00\x00\x00\x01\x40\x01\x0c" + "\x00\x00\x01\x42\x01\x01" + "\x00\x00\x01\x44\x01\xc1" +
	"\x00\x00\x01\x26\x01\xaf\x01" + "\x00\x00\x01\x02\x01\xd0\x02" + "\x00\x00\x01\x02\x01\x50\x03"

func TestStreamsAreRecognisedByTheirFirstBytes(t *testing.T) {
	for name, tc := range map[string]struct {
		content, format, mime string
		samples               int
	}{
		"IVF":                       {string(ivfFile("VP90", 0, 1, 2)), "", "video/VP9", 3},
		"Ogg Opus":                  {string(oggFile([][]byte{{0x78}, {0x78, 1}})), "", "audio/opus", 2},
		"H.264":                     {"\x00\x00\x00\x01\x67\x42\x00\x1e\x00\x00\x00\x01\x65\x88\x01\x00\x00\x00\x01\x41\x9a\x02", "", "video/H264", 2},
		"H.264, short code":         {"\x00\x00\x01\x65\x88\x01\x00\x00\x01\x41\x9a\x02", "", "video/H264", 2},
		"H.264 with a delimiter":    {"\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x65\x88\x01\x00\x00\x00\x01\x09\xf0\x00\x00\x00\x01\x41\x9a", "", "video/H264", 2},
		"H.265":                     {h265File, "", "video/H265", 2},
		"H.265 that begins oddly":   {h265File[len("\x00\x00\x00\x01\x40\x01\x0c\x00\x00\x01\x42\x01\x01\x00\x00\x01\x44\x01\xc1"):], FormatH265, "video/H265", 2},
		"very short H.264":          {"\x00\x00\x01\x65\x88", FormatH264, "video/H264", 1},
		"very short, not even told": {"\x00\x00\x01\x65\x88", "", "video/H264", 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Stream(iotest.OneByteReader(bytes.NewReader([]byte(tc.content))), tc.format, 0)
			if err != nil {
				t.Fatal(err)
			}
			if samples, _ := all(t, r, 10); r.MimeType() != tc.mime || len(samples) != tc.samples {
				t.Errorf("%s with %d samples, want %s with %d", r.MimeType(), len(samples), tc.mime, tc.samples)
			}
			if err := r.Rewind(); !errors.Is(err, ErrStream) {
				t.Errorf("Rewind of a stream: %v", err)
			}
		})
	}
}

func TestUnknownStreamsAreRefused(t *testing.T) {
	for name, tc := range map[string]struct{ content, format string }{
		"nothing": {}, "text": {"hello", ""}, "not what was said": {"hello, hello, hello, hello, hello", FormatIVF}, "no such format": {h265File, "mp4"},
	} {
		if _, err := Stream(bytes.NewReader([]byte(tc.content)), tc.format, 0); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

// TestTheRateOfH264IsInItsParameterSet holds the set that x264 writes for 25 and
// for 29.97 frames a second (baseline, 640×360).
func TestTheRateOfH264IsInItsParameterSet(t *testing.T) {
	at25 := []byte{0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x3c, 0x58, 0xba, 0x80}
	if d := frameDurationH264(at25); d != 40*time.Millisecond {
		t.Errorf("25 frames a second were read as %v a frame", d)
	}
	for n := range at25 {
		if d := frameDurationH264(at25[:n+1]); d != 0 && d != 40*time.Millisecond {
			t.Errorf("cut after %d bytes: %v", n, d)
		}
	}
	file := append(append([]byte{0, 0, 0, 1}, at25...), "\x00\x00\x00\x01\x65\x88\x01\x00\x00\x00\x01\x41\x9a\x02"...)
	for fps, want := range map[int]time.Duration{0: 40 * time.Millisecond, 50: 20 * time.Millisecond} {
		r, err := Stream(bytes.NewReader(file), "", fps)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := r.Next(); err != nil || s.Duration != want {
			t.Errorf("--fps %d: %v, %v; want %v", fps, s.Duration, err, want)
		}
	}
}

func TestALeapOfTimestampsIsNotBelieved(t *testing.T) {
	samples, total := all(t, open(t, ivfFile("VP80", 0, 1, 1<<40, 1<<40+1)), 10)
	if len(samples) != 4 || total > time.Second {
		t.Errorf("%d frames in %v", len(samples), total)
	}
}

func TestTheClockOfAnIVFIsExact(t *testing.T) {
	file := ivfFile("VP80", 0, 90_000*9, 90_000*18)
	binary.LittleEndian.PutUint32(file[16:], 90_000)
	samples, _ := all(t, open(t, file), 10)
	if samples[0].Duration != 9*time.Second {
		t.Errorf("nine seconds were read as %v", samples[0].Duration)
	}
}

func TestAnEndlessUnitIsRefused(t *testing.T) {
	r, err := Stream(io.MultiReader(bytes.NewReader([]byte{0, 0, 0, 1, 0x65}), endless{}), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrFormat) {
		t.Errorf("%v, want ErrFormat", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(h265File), "")
	f.Add(ivfFile("AV01", 0, 1), "")
	f.Add(oggFile([][]byte{{0x78}}), "")
	f.Add([]byte("\x00\x00\x00\x01\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\x84\x00\x00\x03\x00\x04\x00\x00\x03\x00\xc8\x3c\x58\xba\x80"), FormatH264)
	f.Fuzz(func(t *testing.T, b []byte, format string) {
		r, err := Stream(bytes.NewReader(b), format, 0)
		if err != nil {
			return
		}
		for range 1000 {
			s, err := r.Next()
			if err != nil {
				return
			}
			if s.Duration < 0 || s.Duration > maxDuration {
				t.Fatalf("a sample of %v", s.Duration)
			}
		}
	})
}
