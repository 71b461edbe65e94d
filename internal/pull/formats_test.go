package pull

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/depacket"
)

var opus = webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48_000, Channels: 2}}

func video(mime, format string) webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90_000, SDPFmtpLine: format}}
}

const vp8Key = "\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01key"

func TestGapsOfSoundAreFilled(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.ogg")
	f, err := AudioFile(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.begin(opus)
	twenty := []byte{0x78, 1, 2, 3} // one frame of 20 ms
	for _, at := range []time.Duration{0, 20, 40, 140, 160, 1160} {
		if err := f.frame(at*time.Millisecond, depacket.Frame{Data: twenty}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, list := samples(t, name)
	sound := 0
	for i, s := range list {
		if len(s.Data) > 1 {
			if at := time.Duration(i) * 20 * time.Millisecond; bytes.Equal(s.Data, twenty) && at != []time.Duration{0, 20, 40, 140, 160, 1160}[sound]*time.Millisecond {
				t.Errorf("packet %d is at %v", sound, at)
			}
			sound++
		}
	}
	if len(list) != 59 || sound != 6 {
		t.Errorf("%d packets, %d with sound; want 59 and 6", len(list), sound)
	}
}

func TestPicturesKeepTheirTime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "v.ivf")
	f, err := VideoFile(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.begin(video(webrtc.MimeTypeVP8, ""))
	for _, at := range []time.Duration{0, time.Second / 30, 25 * time.Hour} {
		if err := f.frame(at, depacket.Frame{Data: []byte(vp8Key), Key: true}); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.Close()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if w, h, n := binary.LittleEndian.Uint16(b[12:]), binary.LittleEndian.Uint16(b[14:]), binary.LittleEndian.Uint32(b[24:]); w != 640 || h != 360 || n != 3 {
		t.Errorf("%d×%d, %d frames", w, h, n)
	}
	frame := 12 + len(vp8Key)
	for i, want := range []uint64{0, 3000, 25 * 3600 * 90_000} {
		if got := binary.LittleEndian.Uint64(b[32+i*frame+4:]); got != want {
			t.Errorf("frame %d is at %d, want %d", i, got, want)
		}
	}
}

func TestAnotherCodecBeginsAnotherFile(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "live")
	f, _ := Prefixed(prefix, nil)
	for _, mime := range []string{webrtc.MimeTypeVP8, webrtc.MimeTypeVP8, webrtc.MimeTypeH264} {
		if err := f.begin(video(mime, "")); err != nil {
			t.Fatal(err)
		}
		if err := f.frame(0, depacket.Frame{Data: []byte("\x00\x00\x00\x01\x65\x88"), Key: true}); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.Close()
	for _, name := range []string{prefix + ".ivf", prefix + "-2.h264"} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	var out bytes.Buffer
	o, _ := VideoFile("-", &out, nil)
	_ = o.begin(video(webrtc.MimeTypeVP8, ""))
	_ = o.frame(0, depacket.Frame{Data: []byte(vp8Key)})
	if err := o.begin(video(webrtc.MimeTypeVP9, "")); err == nil {
		t.Error("VP9 followed VP8 on standard output")
	}
}

func TestParameterSetsOfTheAnswerComeBeforeKeyFrames(t *testing.T) {
	var out bytes.Buffer
	w := newAnnexB(&out, video(webrtc.MimeTypeH264, "packetization-mode=1;sprop-parameter-sets=Z0LAHg==,aM4="))
	key, delta := []byte("\x00\x00\x00\x01\x65\x88"), []byte("\x00\x00\x00\x01\x41\x9a")
	newer := []byte("\x00\x00\x00\x01\x67\x64\x00\x1f\x00\x00\x00\x01\x68\x01" + string(key))
	for _, f := range []depacket.Frame{{Data: key, Key: true}, {Data: delta}, {Data: newer, Key: true}, {Data: key, Key: true}} {
		if err := w.write(0, f); err != nil {
			t.Fatal(err)
		}
	}
	want := "\x00\x00\x00\x01\x67\x42\xc0\x1e\x00\x00\x00\x01\x68\xce" + string(key) + string(delta) + string(newer) + string(newer)
	if out.String() != want {
		t.Errorf("%x\nwant %x", out.String(), want)
	}
}

func TestAV1GetsItsDelimitersBack(t *testing.T) {
	var out bytes.Buffer
	w, err := newIVF(&out, "video/AV1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.write(0, depacket.Frame{Data: []byte{0x32, 1, 0}}); err != nil || !bytes.HasSuffix(out.Bytes(), []byte{0x12, 0, 0x32, 1, 0}) {
		t.Errorf("%v: %x", err, out.Bytes())
	}
}

// FuzzWriters writes whatever comes as every format.
func FuzzWriters(f *testing.F) {
	f.Add([]byte(vp8Key), int64(time.Second))
	f.Add([]byte{0x78}, int64(0))
	f.Add([]byte{0xff, 0xff}, int64(-1))
	f.Fuzz(func(t *testing.T, data []byte, at int64) {
		if len(data) == 0 {
			return // assemblers hand out none
		}
		for _, codec := range []webrtc.RTPCodecParameters{opus, video("video/H264", string(data)), video("video/VP8", ""), video("video/AV1", "")} {
			o := &file{name: "-", stdout: &bytes.Buffer{}}
			_ = o.begin(codec)
			for range 2 {
				if err := o.frame(time.Duration(at)%time.Minute, depacket.Frame{Data: data, Key: true}); err != nil {
					t.Fatal(err)
				}
			}
			_ = o.Close()
		}
	})
}
