package router

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// studio is a publisher with a clock of its own: hours off, and media that is
// captured some time before it is sent.
type studio struct {
	*intake
	off          time.Duration // publisher's clock minus the gateway's
	transit      time.Duration
	videoLatency time.Duration // encoding
	audioLatency time.Duration
	videoStart   uint32
	audioStart   uint32
	frames       uint16
	sounds       uint16
}

func newStudio(t testing.TB) *studio {
	return &studio{
		intake: newIntake(t, nil), off: 5 * time.Hour, transit: 20 * ms, videoLatency: 120 * ms, audioLatency: 20 * ms,
		videoStart: 0xfffff000, audioStart: 77,
	}
}

// stamp is the RTP time of media captured at t, on the gateway's clock.
func stamp(t time.Time, start, rate uint32) uint32 {
	return start + uint32(ticksOf(t.Sub(intakeStart), rate))
}

// run sends audio and video for d; every second it sends reports, if wanted.
func (s *studio) run(d time.Duration, reports bool) {
	for end := s.now.Add(d); s.now.Before(end); {
		s.pass(20 * ms)
		s.sound()
		if s.sounds%2 == 0 {
			s.frame()
		}
		if reports && s.sounds%50 == 0 {
			s.report(intakeVideo, s.videoStart, 90000)
			s.report(intakeAudio, s.audioStart, 48000)
		}
	}
}

func (s *studio) sound() {
	s.sounds++
	s.send(opus(s.sounds, stamp(s.now.Add(-s.transit-s.audioLatency), s.audioStart, 48000)))
}

func (s *studio) frame() {
	s.frames++
	s.send(vp8(s.frames, stamp(s.now.Add(-s.transit-s.videoLatency), s.videoStart, 90000), s.frames%50 == 1))
}

// report is a sender report that was sent one transit ago.
func (s *studio) report(ssrc, start, rate uint32) {
	at := s.now.Add(-s.transit)
	s.in.RTCP(s.now, rtcpBytes(s, &rtcp.SenderReport{
		SSRC: ssrc, NTPTime: ntpOf(at.Add(s.off)), RTPTime: stamp(at, start, rate), PacketCount: 1, OctetCount: 1,
	}))
}

// last returns the newest packets of both tracks.
func (s *studio) last() (video, audio *Packet) {
	for _, p := range s.packets(nil) {
		if p.Frame.Width != 0 || len(p.Payload) == 5 {
			video = p
		} else {
			audio = p
		}
	}
	return video, audio
}

// skew is how much later the gateway believes the newest sound to be than the
// newest picture, beyond what is true.
func (s *studio) skew() time.Duration {
	video, audio := s.last()
	truth := s.videoLatency - s.audioLatency + audio.Arrival.Sub(video.Arrival)
	return audio.Capture.Sub(video.Capture) - truth
}

func near(t testing.TB, what string, got, want, bound time.Duration) {
	t.Helper()
	if !within(got, want, bound) {
		t.Errorf("%s is %v, want %v within %v", what, got, want, bound)
	}
}

// Without reports everything is timed by its arrival.
func TestCaptureByArrival(t *testing.T) {
	s := newStudio(t)
	s.run(2*time.Second, false)
	video, audio := s.last()
	near(t, "video's age", video.Arrival.Sub(video.Capture), 0, ms)
	near(t, "audio's age", audio.Arrival.Sub(audio.Capture), 0, ms)
}

// T-131, M-072, M-073: with reports, lip sync is exact within some seconds and
// the publisher's clock does not matter.
func TestCaptureByReports(t *testing.T) {
	for _, off := range []time.Duration{0, 5 * time.Hour, -40 * 365 * 24 * time.Hour, 60 * 365 * 24 * time.Hour} {
		s := newStudio(t)
		s.off = off
		s.run(10*time.Second, true)
		near(t, "skew", s.skew(), 0, ms)
		video, audio := s.last()
		near(t, "video's age", video.Arrival.Sub(video.Capture), s.videoLatency, 25*ms)
		near(t, "audio's age", audio.Arrival.Sub(audio.Capture), s.audioLatency, 25*ms)
	}
}

// The change from arrival to reports, and every later one, is slow.
func TestCaptureIsSlewed(t *testing.T) {
	s := newStudio(t)
	s.run(3*time.Second, false)
	s.takeBursts()
	s.run(5*time.Second, true)
	s.checkPace(t, 60*ms)
	near(t, "skew", s.skew(), 0, ms)
	s.takeBursts()
	s.run(10*time.Second, true)
	s.transit += 30 * ms // another route
	s.run(20*time.Second, true)
	s.checkPace(t, 30*ms+6*ms)
	near(t, "skew", s.skew(), 0, ms)
}

// checkPace checks that Capture never runs against time by more than a rate, in
// each second.
func (s *studio) checkPace(t *testing.T, perSecond time.Duration) {
	t.Helper()
	before := map[*Layer]*Packet{}
	for _, b := range s.bursts {
		p := b.Packets[0]
		q := before[b.Layer]
		if q == nil {
			before[b.Layer] = p
			continue
		}
		media := durationOf(int64(int32(p.Timestamp-q.Timestamp)), b.Layer.codec.ClockRate)
		if media < time.Second {
			continue
		}
		if d := p.Capture.Sub(q.Capture) - media; !within(d, 0, perSecond+perSecond/50) {
			t.Errorf("%v in %v of media", d, media)
		}
		before[b.Layer] = p
	}
}

// Q-OBS-10: reports about other layers' time are not believed.
func TestForeignReportsAreIgnored(t *testing.T) {
	s := newStudio(t)
	s.run(2*time.Second, true)
	for range 20 {
		s.run(500*ms, true)
		s.report(intakeVideo, s.videoStart+0x30000000, 90000)
		s.report(intakeVideo, s.videoStart-20*90000, 90000)
		s.report(intakeAudio, s.videoStart, 90000)
	}
	near(t, "skew", s.skew(), 0, ms)
}

// A first report that stood in a queue is made up for: the smallest delay counts.
func TestLateFirstReport(t *testing.T) {
	s := newStudio(t)
	s.run(time.Second, false)
	s.transit += 200 * ms
	s.report(intakeVideo, s.videoStart, 90000)
	s.transit -= 200 * ms
	s.run(15*time.Second, true)
	near(t, "skew", s.skew(), 0, ms)
	video, _ := s.last()
	near(t, "video's age", video.Arrival.Sub(video.Capture), s.videoLatency, 25*ms)
}

// Not even the first one.
func TestForeignFirstReport(t *testing.T) {
	s := newStudio(t)
	s.run(time.Second, false)
	s.report(intakeVideo, s.videoStart+0x30000000, 90000)
	s.run(time.Second, false)
	video, _ := s.last()
	near(t, "video's age", video.Arrival.Sub(video.Capture), 0, ms)
}

// The smallest of at least the last 5 s, of at most the last 15 s.
func TestSmallestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type sample struct{ at, d time.Duration }
		var m smallest
		var all []sample
		least := func(from time.Duration) time.Duration {
			v := all[len(all)-1].d
			for _, s := range all {
				if s.at >= from {
					v = min(v, s.d)
				}
			}
			return v
		}
		var now time.Duration
		for range rapid.IntRange(1, 60).Draw(t, "samples") {
			now += time.Duration(rapid.IntRange(0, 3000).Draw(t, "ms")) * ms
			all = append(all, sample{now, time.Duration(rapid.IntRange(-500, 500).Draw(t, "d"))})
			m.add(now, all[len(all)-1].d)
			if got := m.value(); got > least(now-minimumWindow+1) || got < least(now-3*minimumWindow) {
				t.Fatalf("%v, at least the last 5 s have %v, at most the last 15 s %v",
					got, least(now-minimumWindow+1), least(now-3*minimumWindow))
			}
		}
	})
}

// One report that is a little wrong is not believed, two are.
func TestContradictingReports(t *testing.T) {
	s := newStudio(t)
	s.run(15*time.Second, true)
	wrong := func() { s.report(intakeVideo, s.videoStart+90000*15/100, 90000) } // 150 ms
	wrong()
	wrong() // the same one, handed over twice
	s.run(990*ms, false)
	near(t, "skew after one", s.skew(), 0, ms)
	for range 50 {
		s.run(980*ms, false)
		wrong()
	}
	near(t, "skew after many", s.skew(), 150*ms, 25*ms)
}

// A publisher whose clock is set in the middle does not disturb anybody.
func TestPublisherClockIsSet(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour, 3 * time.Second} {
		s := newStudio(t)
		s.run(12*time.Second, true)
		s.takeBursts()
		s.off += jump
		s.run(20*time.Second, true)
		near(t, "skew", s.skew(), 0, 2*ms)
		s.checkPace(t, 20*ms)
	}
}

// A publisher that is stopped for a minute, its RTP clock with it, comes back.
func TestCaptureAfterAPause(t *testing.T) {
	for name, reports := range map[string]bool{"with reports": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			s.run(12*time.Second, reports)
			s.pass(time.Minute)
			s.videoStart -= 60 * 90000
			s.audioStart -= 60 * 48000
			s.run(15*time.Second, reports)
			video, audio := s.last()
			want := time.Duration(0)
			if reports {
				want = s.videoLatency
				near(t, "skew", s.skew(), 0, ms)
			}
			near(t, "video's age", video.Arrival.Sub(video.Capture), want, 30*ms)
			near(t, "audio's age", audio.Arrival.Sub(audio.Capture), 0, 30*ms)
		})
	}
}

// Whatever comes: Capture grows with the timestamps, is never after the arrival
// and at most 10 s before it.
func TestCaptureInvariants(t *testing.T) {
	type moment struct {
		ticks   int64
		capture time.Duration
	}
	rapid.Check(t, func(t *rapid.T) {
		shared := &publisherClock{}
		c := streamClock{bases: &timebases{shared: shared}, rate: 90000}
		other := streamClock{bases: &timebases{shared: shared}, rate: 48000}
		var now, newest time.Duration
		ticks := int64(rapid.Uint32().Draw(t, "start"))
		var seen []moment
		for range 150 {
			now += time.Duration(rapid.IntRange(0, 80).Draw(t, "ms")) * ms
			step := rapid.SampledFrom([]int64{3000, 3000, 3000, 3000, -3000, -9000, 0, 900000, 90000}).Draw(t, "step")
			switch rapid.IntRange(0, 9).Draw(t, "event") {
			case 0:
				c.report(now, rapid.Uint64().Draw(t, "ntp"), rapid.Uint32().Draw(t, "rtp"))
			case 1:
				ntp := uint64(1)<<60 + ntpUnits(now+time.Duration(rapid.IntRange(-3000, 3000).Draw(t, "off"))*ms)
				c.report(now, ntp, uint32(ticks+rapid.Int64Range(-400000, 400000).Draw(t, "skew")))
			case 2:
				other.capture(now, uint32(ticksOf(now, 48000)))
				other.report(now, uint64(1)<<60+ntpUnits(now), uint32(ticksOf(now, 48000)))
			}
			at := ticks + step
			ticks = max(ticks, at)
			got := c.capture(now, uint32(at))
			fresh := len(seen) == 0 || ticks == at && step > 0
			if fresh && (got > now || now-got > maxCaptureAge && got > newest) {
				t.Fatalf("captured %v before it came", now-got)
			}
			newest = max(newest, got)
			for _, m := range seen[max(0, len(seen)-knots/2):] {
				if m.ticks <= at && m.capture > got || m.ticks >= at && m.capture < got {
					t.Fatalf("timestamps %d and %d were captured at %v and %v", m.ticks, at, m.capture, got)
				}
			}
			seen = append(seen, moment{at, got})
		}
	})
}

// abs-capture-time is translated to the gateway's clock.
func TestAbsCaptureTime(t *testing.T) {
	s := newStudio(t)
	s.run(10*time.Second, true)
	captured := s.now.Add(-60 * ms)
	value := func(b []byte) time.Duration {
		w := opus(s.sounds+1, stamp(s.now.Add(-40*ms), s.audioStart, 48000))
		s.sounds++
		w.ext = map[uint8][]byte{intakeCapture: b}
		s.takeBursts()
		s.send(w)
		x := s.packets(nil)[0].Extensions
		if len(x) != 1 || x[0].URI != ExtAbsCaptureTime || len(x[0].Value) != 8 {
			t.Fatalf("%+v", x)
		}
		return ntpDuration(ntpOf(captured), binary.BigEndian.Uint64(x[0].Value))
	}
	onHisClock := binary.BigEndian.AppendUint64(nil, ntpOf(captured.Add(s.off)))
	near(t, "value", value(onHisClock), 20*ms, 3*ms) // the transit counts as clock difference
	camera := binary.BigEndian.AppendUint64(nil, ntpOf(captured.Add(s.off-time.Hour)))
	camera = binary.BigEndian.AppendUint64(camera, ntpUnits(time.Hour))
	near(t, "value with the camera's offset", value(camera), 20*ms, 3*ms)
	near(t, "nonsense", value(make([]byte, 8)), 40*ms, 5*ms)
	near(t, "cut off", value(make([]byte, 3)), 40*ms, 5*ms)
	without := newStudio(t)
	without.run(time.Second, false)
	s = without
	captured = s.now
	near(t, "without reports", value(onHisClock), 0, 2*ms)
}

func TestNTP(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 500_000_000, time.UTC)
	if got := gatewayNTP(at); got != 3976311845<<32|1<<31 {
		t.Errorf("%x", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Uint64().Draw(t, "a")
		d := time.Duration(rapid.Int64Range(-1<<60, 1<<60).Draw(t, "d"))
		if got := ntpDuration(a, a+ntpUnits(d)); !within(got, d, 1) {
			t.Errorf("%v becomes %v", d, got)
		}
	})
}

// Each publisher of a publication starts the clock anew; its tracks share it.
func TestSourceClockIsShared(t *testing.T) {
	clock := new(SourceClock)
	a, b := &Ingest{}, &Ingest{}
	first := clock.begin(a)
	if clock.begin(a) != first {
		t.Error("two clocks in one publisher")
	}
	if clock.begin(b) == first {
		t.Error("one clock in two publishers")
	}
}

// A clock that was set is believed at the second time it is said, and is one
// clock from then on.
func TestClockSteps(t *testing.T) {
	var c publisherClock
	at := func(now time.Duration, off time.Duration) time.Duration {
		return c.time(now, uint64(9)<<40+ntpUnits(now+off))
	}
	if got := at(time.Second, 0); got != 0 {
		t.Fatalf("starts at %v", got)
	}
	if _, ok := c.step(2*time.Second, at(2*time.Second, time.Hour)); ok {
		t.Error("believed at once")
	}
	if _, ok := c.step(3*time.Second, at(3*time.Second, 2*time.Hour)); ok {
		t.Error("believed although it said something else")
	}
	got, ok := c.step(4*time.Second, at(4*time.Second, 2*time.Hour))
	if !ok {
		t.Error("not believed the second time")
	}
	near(t, "time", got, 3*time.Second, ms)
	near(t, "time of the next report", at(5*time.Second, 2*time.Hour), 4*time.Second, ms)
}
