package mediafile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// all reads every sample, at most limit.
func all(t testing.TB, r Reader, limit int) (samples []Sample, total time.Duration) {
	t.Helper()
	for range limit {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return samples, total
		}
		if err != nil {
			t.Fatal(err)
		}
		samples, total = append(samples, s), total+s.Duration
	}
	t.Fatalf("more than %d samples", limit)
	return nil, 0
}

func open(t testing.TB, b []byte) Reader {
	t.Helper()
	r, err := Open(bytes.NewReader(b), 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ivfFile builds an IVF with one byte per frame and the given timestamps at
// 1/30 s.
func ivfFile(fourCC string, timestamps ...uint64) []byte {
	b := append([]byte("DKIF\x00\x00\x20\x00"), fourCC...)
	b = binary.LittleEndian.AppendUint16(b, 640)
	b = binary.LittleEndian.AppendUint16(b, 360)
	b = binary.LittleEndian.AppendUint32(b, 30) // denominator
	b = binary.LittleEndian.AppendUint32(b, 1)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(timestamps)))
	b = binary.LittleEndian.AppendUint32(b, 0)
	for i, ts := range timestamps {
		b = binary.LittleEndian.AppendUint32(b, 1)
		b = binary.LittleEndian.AppendUint64(b, ts)
		b = append(b, byte(i))
	}
	return b
}

// oggFile builds an Ogg Opus file; each page is a list of packets.
func oggFile(pages ...[][]byte) []byte {
	var b []byte
	for i, packets := range append([][][]byte{{[]byte("OpusHead0123456789a")}, {[]byte("OpusTags")}}, pages...) {
		header := make([]byte, oggHeaderLen)
		copy(header, "OggS")
		binary.LittleEndian.PutUint32(header[18:], uint32(i))
		var lacing, body []byte
		for _, p := range packets {
			for n := len(p); ; n -= 255 {
				lacing = append(lacing, byte(min(n, 255)))
				if n < 255 {
					break
				}
			}
			body = append(body, p...)
		}
		header[26] = byte(len(lacing))
		b = append(append(append(b, header...), lacing...), body...)
	}
	return b
}

func TestIVFTellsDurationsFromTimestamps(t *testing.T) {
	r := open(t, ivfFile("VP80", 0, 1, 3, 4))
	if r.MimeType() != "video/VP8" {
		t.Errorf("mime type %q", r.MimeType())
	}
	samples, _ := all(t, r, 10)
	tick := time.Second / 30
	want := []time.Duration{tick, 2 * tick, tick, tick}
	if len(samples) != len(want) {
		t.Fatalf("%d samples, want %d", len(samples), len(want))
	}
	for i, s := range samples {
		if s.Duration != want[i] || s.Data[0] != byte(i) {
			t.Errorf("sample %d = %v %v, want %v", i, s.Data, s.Duration, want[i])
		}
	}
}

func TestAnnexBGroupsUnitsIntoPictures(t *testing.T) {
	sps, pps, idr := []byte{0x67, 1}, []byte{0x68, 2}, []byte{0x65, 0x88, 3}
	idrRest, slice := []byte{0x65, 0x08, 4}, []byte{0x41, 0x9a, 5}
	var file []byte
	for _, nal := range [][]byte{sps, pps, idr, idrRest, slice, slice, sps, pps, idr} {
		file = append(append(file, 0, 0, 0, 1), nal...)
	}
	samples, total := all(t, open(t, file), 10)
	if len(samples) != 4 {
		t.Fatalf("%d pictures, want IDR in two slices, two slices, IDR", len(samples))
	}
	if total.Round(time.Millisecond) != 133*time.Millisecond {
		t.Errorf("total %v at 30 frames a second", total)
	}
	var joined []byte
	for _, s := range samples {
		joined = append(joined, s.Data...)
	}
	if !bytes.Equal(joined, file) {
		t.Errorf("pictures put together are not the file: %x", joined)
	}
}

func TestOggPacketsCrossPages(t *testing.T) {
	long := bytes.Repeat([]byte{0x78}, 600) // config 15, code 0: one frame of 20 ms
	first := oggFile([][]byte{{0x78, 1}, {0x79, 2}, {0xfb, 3, 0}})
	samples, total := all(t, open(t, append(first, oggFile([][]byte{long})[len(oggFile()):]...)), 10)
	if len(samples) != 4 || !bytes.Equal(samples[3].Data, long) {
		t.Fatalf("%d packets", len(samples))
	}
	if want := (20 + 40 + 60 + 20) * time.Millisecond; total != want {
		t.Errorf("total %v, want %v", total, want)
	}
}

func TestRewindGivesTheSameSamplesAgain(t *testing.T) {
	for name, b := range map[string][]byte{
		"ivf": ivfFile("AV01", 0, 1, 2), "ogg": oggFile([][]byte{{0x78}, {0x78, 1}}),
		"annexb": []byte("\x00\x00\x00\x01\x65\x88\x01\x00\x00\x00\x01\x41\x9a\x02"),
	} {
		r := open(t, b)
		first, _ := all(t, r, 10)
		if err := r.Rewind(); err != nil {
			t.Fatal(err)
		}
		second, _ := all(t, r, 10)
		if len(first) == 0 || len(first) != len(second) || !bytes.Equal(first[0].Data, second[0].Data) {
			t.Errorf("%s: %v then %v", name, first, second)
		}
	}
}

func TestUnknownFilesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "ivf of H263": ivfFile("H263", 0),
		"ogg without opus": []byte("OggS" + string(make([]byte, 40))),
		"ivf cut":          ivfFile("VP80", 0)[:20],
	} {
		if _, err := Open(bytes.NewReader(b), 0); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func TestTheClipPlays(t *testing.T) {
	video, audio, err := Clip()
	if err != nil {
		t.Fatal(err)
	}
	pictures, long := all(t, video, 10_000)
	_, heard := all(t, audio, 10_000)
	if len(pictures) < 100 || long < 5*time.Second {
		t.Errorf("%d pictures in %v", len(pictures), long)
	}
	if diff := (long - heard).Abs(); diff > 50*time.Millisecond {
		t.Errorf("video lasts %v, audio %v: they would drift apart in a loop", long, heard)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(ivfFile("VP80", 0, 1))
	f.Add(oggFile([][]byte{{0x78}}))
	f.Add([]byte{0, 0, 0, 1, 0x65, 0x88})
	f.Fuzz(func(_ *testing.T, b []byte) {
		r, err := Open(bytes.NewReader(b), 0)
		if err != nil {
			return
		}
		for range 1000 {
			if _, err := r.Next(); err != nil {
				return
			}
		}
	})
}
