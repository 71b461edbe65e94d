package router

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// asH264 makes the video of an intake H.264.
func asH264(c *IngestConfig) { c.Sections[0].PayloadTypes[0].Codec.Name = H264 }

func (i *intake) picture(seq uint16, ts uint32, payload ...byte) {
	i.now = i.now.Add(40 * time.Millisecond)
	i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, ts: ts, marker: true, payload: payload})
}

// keyPicture sends parameters and an IDR picture, numbered 1 and 2.
func (i *intake) keyPicture(ts uint32) {
	i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 1, ts: ts, payload: []byte{0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4}})
	i.picture(2, ts, 0x65, 0x88, 0x84, 0x21)
}

func (i *intake) facts(kind Kind) StreamFacts {
	i.Helper()
	for _, l := range i.in.Stats().Layers {
		if l.Kind == kind {
			return l.Facts
		}
	}
	i.Fatal("no such layer")
	return StreamFacts{}
}

func TestSlicesOfTypeBAreNoticed(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		want    bool
	}{
		"P":              {[]byte{0x41, 0x9a, 0x22, 0x11}, false}, // 1 00110 = 0, 5
		"I":              {[]byte{0x41, 0x88, 0x84, 0x21}, false}, // 1 00010 00 = 0, 7
		"B":              {[]byte{0x01, 0x9e, 0x42, 0x11}, true},  // 1 00111 = 0, 6
		"B, not the 5+n": {[]byte{0x01, 0xa0, 0x42, 0x11}, true},  // 1 010 = 0, 1
		"B in FU-A":      {[]byte{0x1c, 0x81, 0x9e, 0x42}, true},
		"P in FU-A":      {[]byte{0x5c, 0x81, 0x9a, 0x42}, false},
		"B in STAP-A":    {[]byte{0x18, 0, 4, 0x01, 0x9e, 0x42, 0x11}, true},
	} {
		i := newIntake(t, asH264)
		i.keyPicture(0)
		i.picture(3, 3000, tc.payload...)
		if got := i.facts(Video).BFrames; got != tc.want {
			t.Errorf("%s: B-frames %v", name, got)
		}
	}
}

func TestTimestampsThatGoBackAreBFrames(t *testing.T) {
	i := newIntake(t, asH264)
	i.keyPicture(90000)
	for n := range uint32(4) {
		i.picture(uint16(3+3*n), 90000+9000*(n+1), 0x41, 0x9a, 0x22, 0x11)
		i.picture(uint16(4+3*n), 90000+9000*n+3000, 0x41, 0x9a, 0x22, 0x11)
		i.picture(uint16(5+3*n), 90000+9000*n+6000, 0x41, 0x9a, 0x22, 0x11)
	}
	if !i.facts(Video).BFrames {
		t.Error("not noticed")
	}
}

// Packets that the network turned round are no B-frames.
func TestReorderedPacketsAreNoBFrames(t *testing.T) {
	i := newIntake(t, asH264)
	i.keyPicture(90000)
	for n := uint32(1); n < 30; n += 2 {
		i.picture(uint16(3+n), 90000+3000*(n+1), 0x41, 0x9a, 0x22, 0x11)
		i.picture(uint16(2+n), 90000+3000*n, 0x41, 0x9a, 0x22, 0x11)
	}
	if i.facts(Video).BFrames {
		t.Error("taken for B-frames")
	}
}

func TestProfileLevelAndKeyFramesOfH264(t *testing.T) {
	i := newIntake(t, asH264)
	for n := range uint16(3) {
		i.now = i.now.Add(5 * time.Second)
		ts := uint32(n) * 450000
		i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 2*n + 1, ts: ts, payload: []byte{0x67, 0x64, 0x0c, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5}})
		i.send(wire{ssrc: intakeVideo, pt: intakeVideoPT, seq: 2*n + 2, ts: ts, marker: true, payload: []byte{0x65, 0x88, 0x84, 0x21}})
	}
	got := i.facts(Video)
	if got.Profile != 100 || got.Constraints != 0x0c || got.Level != 40 || got.KeyInterval != 5*time.Second || !got.LastKeyFrame.Equal(i.now) {
		t.Errorf("%+v", got)
	}
}

func TestStereoOfOpus(t *testing.T) {
	for toc, stereo := range map[byte]bool{0xfc: true, 0xf8: false} {
		i := newIntake(t, nil)
		for n := range uint16(200) {
			i.send(wire{ssrc: intakeAudio, pt: intakeAudioPT, seq: n, ts: uint32(n) * 960, payload: []byte{toc, 1, 2}})
		}
		if got := i.facts(Audio); got.Sounds < 5 || got.Sounds > 20 || (got.Stereo == got.Sounds) != stereo || !stereo && got.Stereo != 0 {
			t.Errorf("%#x: %+v", toc, got)
		}
	}
}

func TestAnyBytesMayBeASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h264StartsB(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "payload")) // must not panic
	})
}
