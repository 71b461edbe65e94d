package router

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const perPublisher = 1_000_000 // pictures: their numbers tell whose they are

// succession is a viewer of a publication whose publishers follow one another.
type succession struct {
	w       *theatre
	l       *watcher
	cameras []*camera
}

func newSuccession(t testing.TB) *succession {
	return &succession{w: newTheatre(t, 1)}
}

// publish lets the next publisher begin, a second before its first key frame.
func (s *succession) publish(c camera) {
	c.firstPicture = int64(len(s.cameras)) * perPublisher
	if c.fps == 0 {
		c.fps, c.gop, c.bits, c.keySize = 30, 60, 1_000_000, 20_000
	}
	camera := s.w.film(c)
	s.cameras = append(s.cameras, camera)
	if s.l == nil {
		s.l = s.w.join(camera.video, camera.audio, seat{down: lane{delay: 20 * time.Millisecond}, firstReport: 200 * time.Millisecond})
		s.l.taping = true
		return
	}
	s.w.shard.SetSource(s.w.now, s.l.v, 0, camera.video, &s.w.out)
	s.w.shard.SetSource(s.w.now, s.l.v, 1, camera.audio, &s.w.out)
	s.w.flush()
}

// check looks at everything the viewer got.
func (s *succession) check(t testing.TB) {
	t.Helper()
	for i := 1; i < len(s.l.tape); i++ {
		a, b := s.l.tape[i-1], s.l.tape[i]
		if b.SSRC != watcherVideo || b.PayloadType != 102 || b.SequenceNumber != a.SequenceNumber+1 || int32(b.Timestamp-a.Timestamp) < 0 {
			t.Fatalf("packet %d of %d: number %d, timestamp %d, SSRC %d, payload type %d after %d, %d", i, len(s.l.tape),
				b.SequenceNumber, b.Timestamp, b.SSRC, b.PayloadType, a.SequenceNumber, a.Timestamp)
		}
	}
	s.checkPictures(t)
	s.checkParameters(t)
	s.checkLine(t)
}

// checkPictures checks that each publisher begins with its first key frame, at
// once, and that none of its pictures is missing from then on.
func (s *succession) checkPictures(t testing.TB) {
	t.Helper()
	last := int64(-1)
	for _, f := range s.l.frames {
		c := s.of(f.shot)
		if f.shot/perPublisher != last/perPublisher || last < 0 {
			if !f.key || f.shot != c.firstPicture+int64(c.gop) {
				t.Errorf("publisher %d begins with picture %d, key frame %v", f.shot/perPublisher, f.shot%perPublisher, f.key)
			}
		} else if f.shot != last+1 {
			t.Errorf("picture %d follows %d", f.shot, last)
		}
		if late := f.at.Sub(c.seen(f.shot)); late > 30*time.Millisecond {
			t.Errorf("picture %d came %v after it was taken", f.shot, late)
		}
		last = f.shot
	}
}

func (s *succession) of(shot int64) *camera { return s.cameras[shot/perPublisher] }

// checkParameters checks that a decoder has each publisher's parameter sets before
// its first key frame, and that the viewer's own id names the extension.
func (s *succession) checkParameters(t testing.TB) {
	t.Helper()
	has := map[byte]byte{} // kind of the set: its last byte
	seen := map[int64]bool{}
	for _, p := range s.l.tape {
		kind := p.Payload[0] & 0x1f
		if kind == h264SPS || kind == h264PPS {
			has[kind] = p.Payload[len(p.Payload)-1]
		}
		if kind != h264IDR && kind != h264NonIDR {
			continue
		}
		who := int64(binary.BigEndian.Uint32(p.Payload[2:])) / perPublisher
		if turned := p.GetExtension(watcherOrientation); (turned != nil) != (s.cameras[who].orientation != 0) {
			t.Fatalf("publisher %d has id %d for the orientation, the viewer gets %v", who, s.cameras[who].orientation, turned)
		}
		if kind == h264IDR && !seen[who] {
			seen[who] = true
			for kind, set := range map[byte]string{h264SPS: s.cameras[who].mySPS, h264PPS: s.cameras[who].myPPS} {
				if b := fromHex(t, set); has[kind] != b[len(b)-1] {
					t.Errorf("publisher %d begins without its parameter set %d", who, kind)
				}
			}
		}
	}
}

// checkLine checks that the timestamps of the whole time are on one line with the
// clock, and that pictures and sounds are placed by the sender reports where they
// belong, so that they stay together.
func (s *succession) checkLine(t testing.TB) {
	t.Helper()
	first := s.l.frames[0]
	stamp := int64(0)
	for i, f := range s.l.frames {
		if i > 0 {
			stamp += int64(int32(f.stamp - s.l.frames[i-1].stamp))
		}
		if off := f.at.Sub(first.at) - durationOf(stamp, 90000); off.Abs() > 100*time.Millisecond {
			t.Fatalf("picture %d is %v off the line", f.shot, off)
		}
		c := s.of(f.shot)
		if f.at.Sub(c.began) < 3*time.Second { // its clock is being learnt
			continue
		}
		if off := f.captured.Sub(c.seen(f.shot)); off.Abs() > 25*time.Millisecond {
			t.Errorf("picture %d is placed %v from where it was", f.shot, off)
		}
	}
	for _, h := range s.l.sounds {
		c := s.speaking(h.at)
		if c == nil || h.at.Sub(c.began) < 3*time.Second {
			continue
		}
		taken := c.begun.Add(time.Duration(h.shot) * 20 * time.Millisecond)
		if off := h.captured.Sub(taken); off.Abs() > 25*time.Millisecond {
			t.Errorf("sound %d is placed %v from where it was", h.shot, off)
		}
	}
}

// speaking is whose sounds come at a time.
func (s *succession) speaking(at time.Time) (c *camera) {
	for _, k := range s.cameras {
		if !k.began.After(at.Add(-30 * time.Millisecond)) {
			c = k
		}
	}
	return c
}

// A viewer resumes at the first key frame of whoever comes next, whatever is
// different there.
func TestResumeWhateverIsDifferent(t *testing.T) {
	with := func(change func(*accent)) camera {
		a := plain()
		a.ssrc, a.reports = 77, true
		change(&a)
		return camera{accent: a}
	}
	for name, next := range map[string]camera{
		"nothing but the SSRC":     with(func(*accent) {}),
		"the same SSRC":            with(func(a *accent) { a.ssrc = 1 }),
		"payload types":            with(func(a *accent) { a.videoPT, a.audioPT = 96, 97 }),
		"payload types exchanged":  with(func(a *accent) { a.videoPT, a.audioPT = 111, 102 }),
		"extension ids":            with(func(a *accent) { a.orientation = 11 }),
		"no extension":             with(func(a *accent) { a.orientation = 0 }),
		"an hour ahead":            with(func(a *accent) { a.ahead = time.Hour }),
		"an hour behind":           with(func(a *accent) { a.ahead = -time.Hour }),
		"no sender reports":        with(func(a *accent) { a.reports = false }),
		"timestamps about to wrap": with(func(a *accent) { a.stampFrom = 1<<32 - 90000 }),
		"resolution":               with(func(a *accent) { a.sps, a.pps = baselineSPS, otherPPS }),
		"profile":                  with(func(a *accent) { a.profile = "packetization-mode=1;profile-level-id=640029" }),
		"parameter sets sent once": with(func(a *accent) { a.sps, a.pps, a.once = baselineSPS, otherPPS, true }),
		"parameter sets in its offer": with(func(a *accent) {
			a.profile = "packetization-mode=1;sprop-parameter-sets=" + base64Of(t, baselineSPS) + "," + base64Of(t, otherPPS)
			a.sps, a.pps, a.mySPS, a.myPPS = "", "", baselineSPS, otherPPS
		}),
		"frame rate": {fps: 15, gop: 60, bits: 400_000, keySize: 9000, accent: with(func(*accent) {}).accent},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSuccession(t)
			one := plain()
			one.reports, one.orientation = true, 4
			s.publish(camera{accent: one})
			s.w.run(5 * time.Second)
			s.cameras[0].stop()
			quiet := len(s.l.tape)
			s.w.run(3 * time.Second)
			if len(s.l.tape) != quiet {
				t.Error("something was sent while nobody published")
			}
			s.publish(next)
			s.w.run(6 * time.Second)
			s.check(t)
			if got := s.l.frames[len(s.l.frames)-1].shot / perPublisher; got != 1 {
				t.Errorf("ends with a picture of publisher %d", got)
			}
			if st := s.l.v.Stats(); st.Switches != 2 || st.KeyFrames < 4 { // picture and sound
				t.Errorf("%+v", st)
			}
		})
	}
}

// The line of timestamps goes on over any pause, up to an hour of it.
func TestResumeAfterALongPause(t *testing.T) {
	for _, pause := range []time.Duration{time.Second, time.Minute, 50 * time.Minute} {
		s := newSuccession(t)
		s.publish(camera{accent: plain()})
		s.w.run(3 * time.Second)
		s.cameras[0].stop()
		s.w.events = nil // nobody is there for so long
		s.w.run(pause)
		s.w.every(10*time.Millisecond, s.l.feedback)
		next := plain()
		next.ssrc = 9
		s.publish(camera{accent: next})
		s.w.run(4 * time.Second)
		s.check(t)
	}
}

// Whatever publishers follow one another, one stream comes out.
func TestResumeAgainAndAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newSuccession(t)
		for i := range rapid.IntRange(2, 4).Draw(rt, "publishers") {
			a := accent{
				ssrc: rapid.Uint32Range(1, 1<<31).Draw(rt, "ssrc"), videoPT: rapid.Uint8Range(96, 109).Draw(rt, "video"), audioPT: rapid.Uint8Range(110, 127).Draw(rt, "audio"),
				orientation: rapid.Uint8Range(0, 14).Draw(rt, "id"), stampFrom: rapid.Uint32().Draw(rt, "stamp"),
				ahead: time.Duration(rapid.IntRange(-7200, 7200).Draw(rt, "ahead")) * time.Second, reports: rapid.Bool().Draw(rt, "reports"),
				sps: h264SPS638x358, pps: firstPPS, once: rapid.Bool().Draw(rt, "once"),
			}
			if rapid.Bool().Draw(rt, "other sets") {
				a.sps, a.pps = baselineSPS, otherPPS
			}
			fps := rapid.SampledFrom([]int{10, 25, 30}).Draw(rt, "fps")
			s.publish(camera{fps: fps, gop: 2 * fps, bits: 500_000, keySize: 10_000, accent: a})
			s.w.run(time.Duration(rapid.IntRange(1500, 5000).Draw(rt, "publishes")) * time.Millisecond)
			s.cameras[i].stop()
			s.w.run(time.Duration(rapid.IntRange(0, 3000).Draw(rt, "pause")) * time.Millisecond)
		}
		s.check(rapidTB{t, rt})
	})
}

// rapidTB lets a check that wants a testing.TB fail a property.
type rapidTB struct {
	testing.TB
	rt *rapid.T
}

func (r rapidTB) Helper()                        {}
func (r rapidTB) Errorf(format string, a ...any) { r.rt.Fatal(fmt.Sprintf(format, a...)) }
func (r rapidTB) Fatalf(format string, a ...any) { r.rt.Fatal(fmt.Sprintf(format, a...)) }
