package router

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// castLayer is one layer of a cast.
type castLayer struct {
	rid     string
	ssrc    uint32
	start   uint32        // timestamp of what was captured at intakeStart
	latency time.Duration // of its encoder
	late    time.Duration // before it begins
	reports bool
	seq     uint16
}

// cast is a publisher of simulcast that captures one picture every 40 ms.
type cast struct {
	*intake
	off     time.Duration // publisher's clock minus the gateway's
	sound   time.Duration // latency of audio; 0: no audio
	layers  []*castLayer
	at      time.Duration // of the next capture
	sounds  uint16
	capture map[time.Duration]map[string]time.Duration // by true capture and layer: what Capture says
	// report sends the reports of a second; nil: every layer its own, as they say.
	report func(c *cast)
}

func newCast(t testing.TB, layers ...*castLayer) *cast {
	c := &cast{intake: newIntake(t, simulcast), off: 3 * time.Hour, layers: layers, capture: map[time.Duration]map[string]time.Duration{}}
	for n, l := range layers {
		l.rid, l.ssrc = fmt.Sprint(n), uint32(10+n)
	}
	return c
}

// castEvent is something that arrives.
type castEvent struct {
	at time.Duration
	do func()
}

// run lets d of captures arrive.
func (c *cast) run(d time.Duration) {
	var events []castEvent
	for end := c.at + d; c.at < end; c.at += 40 * ms {
		captured := c.at
		for _, l := range c.layers {
			if captured >= l.late {
				events = append(events, castEvent{captured + l.latency, func() { c.frame(l, captured) }})
			}
		}
		if c.sound > 0 {
			events = append(events, castEvent{captured + c.sound, func() {
				c.sounds++
				c.send(opus(c.sounds, 77+uint32(ticksOf(captured, 48000))))
			}})
		}
		if captured > 0 && captured%time.Second == 0 {
			events = append(events, castEvent{captured + 40*ms - 1, c.reports})
		}
	}
	slices.SortStableFunc(events, func(a, b castEvent) int { return int(a.at - b.at) })
	for _, e := range events {
		if wait := intakeStart.Add(e.at).Sub(c.now); wait > 0 {
			c.pass(wait)
		}
		e.do()
	}
}

func (c *cast) frame(l *castLayer, captured time.Duration) {
	w := on(vp8(l.seq, l.start+uint32(ticksOf(captured, 90000)), l.seq%50 == 0), l.ssrc, midRID("v", l.rid))
	l.seq++
	c.takeBursts()
	c.send(w)
	for _, p := range c.packets(nil) {
		if c.capture[captured] == nil {
			c.capture[captured] = map[string]time.Duration{}
		}
		c.capture[captured][l.rid] = p.Capture.Sub(intakeStart)
	}
}

func (c *cast) reports() {
	if c.report != nil {
		c.report(c)
		return
	}
	for _, l := range c.layers {
		if l.reports {
			c.reportOf(l.ssrc, l.start, 90000, c.now.Sub(intakeStart))
		}
	}
	if c.sound > 0 {
		c.reportOf(intakeAudio, 77, 48000, c.now.Sub(intakeStart))
	}
}

// reportOf is a sender report that says what was captured at a time, and that it
// is that time now.
func (c *cast) reportOf(ssrc, start, rate uint32, at time.Duration) {
	c.in.RTCP(c.now, rtcpBytes(c, &rtcp.SenderReport{
		SSRC: ssrc, NTPTime: ntpOf(c.now.Add(c.off)), RTPTime: start + uint32(ticksOf(at, rate)),
	}))
}

// spread is how far Capture of one picture differs between layers at most, among
// pictures captured since a time.
func (c *cast) spread(since time.Duration) (worst time.Duration) {
	for at, of := range c.capture {
		if at < since || len(of) < 2 {
			continue
		}
		var all []time.Duration
		for _, capture := range of {
			all = append(all, capture)
		}
		worst = max(worst, slices.Max(all)-slices.Min(all))
	}
	return worst
}

func (c *cast) spreadWithin(t *testing.T, since, bound time.Duration) {
	t.Helper()
	if got := c.spread(since); got > bound {
		t.Errorf("since %v one picture's capture times differ by %v, want %v at most", since, got, bound)
	}
}

// silence takes layers their reports.
func (c *cast) silence(layers ...int) {
	for _, n := range layers {
		c.layers[n].reports = false
	}
}

// slow makes all encoders slower.
func (c *cast) slow(by time.Duration) {
	for _, l := range c.layers {
		l.latency += by
	}
}

// M-042: what was captured at one instant says so in every layer.
func TestLayersAgreeOnCapture(t *testing.T) {
	browser := func() []*castLayer {
		return []*castLayer{
			{start: 0xfffff000, latency: 12 * ms, reports: true},
			{start: 0x12345678, latency: 20 * ms, reports: true},
			{start: 0x9abcdef0, latency: 36 * ms, reports: true},
		}
	}
	obs := func() []*castLayer {
		return []*castLayer{{latency: 36 * ms}, {latency: 20 * ms}, {latency: 12 * ms}}
	}
	newest := func(c *cast, n int) { // Q-OBS-10: of whoever sent last, and nobody knows who that is
		l := c.layers[n%3]
		c.reportOf(l.ssrc, 0, 90000, c.now.Sub(intakeStart).Truncate(40*ms)-40*ms)
	}
	for name, x := range map[string]struct {
		layers []*castLayer
		change func(*cast)
		early  time.Duration // from the start
		late   time.Duration // after three seconds
	}{
		"a browser":                        {browser(), nil, 30 * ms, 3 * ms},
		"a browser with sound":             {browser(), func(c *cast) { c.sound = 15 * ms }, 30 * ms, 3 * ms},
		"T-129 no reports of one layer":    {browser(), func(c *cast) { c.silence(0) }, 35 * ms, 10 * ms},
		"T-129 reports of one layer alone": {browser(), func(c *cast) { c.silence(0, 1); c.sound = 5 * ms }, 35 * ms, 26 * ms},
		"T-129 a slow encoder":             {browser(), func(c *cast) { c.silence(0); c.slow(50 * ms); c.sound = 5 * ms }, 60 * ms, 15 * ms},
		"T-129 a late layer of a slow encoder": {browser(), func(c *cast) {
			c.silence(1)
			c.slow(50 * ms)
			c.sound, c.layers[1].late = 5*ms, 5*time.Second
		}, 35 * ms, 20 * ms},
		"no reports":                         {browser(), func(c *cast) { c.silence(0, 1, 2) }, 25 * ms, 25 * ms},
		"a browser's late layer":             {browser(), func(c *cast) { c.layers[2].late = 2500 * ms }, 30 * ms, 26 * ms},
		"OBS without reports":                {obs(), nil, ms, ms},
		"Q-OBS-10 OBS":                       {obs(), func(c *cast) { n := 0; c.report = func(c *cast) { newest(c, n); n++ } }, ms, ms},
		"Q-OBS-10 OBS, reports of one layer": {obs(), func(c *cast) { c.report = func(c *cast) { newest(c, 1) } }, ms, ms},
		"Q-OBS-10 OBS, late reports": {obs(), func(c *cast) {
			n := 0
			c.report = func(c *cast) { c.pass(time.Duration(n%4) * 9 * ms); newest(c, n); n++ }
		}, 3 * ms, 3 * ms},
		"Q-OBS-10 one layer's reports tell another's time": {browser(), func(c *cast) {
			c.report = func(c *cast) {
				c.reportOf(c.layers[1].ssrc, c.layers[1].start, 90000, c.now.Sub(intakeStart))
				c.reportOf(c.layers[2].ssrc, c.layers[1].start, 90000, c.now.Sub(intakeStart))
				c.reportOf(c.layers[0].ssrc, c.layers[2].start, 90000, c.now.Sub(intakeStart))
			}
		}, 35 * ms, 26 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCast(t, x.layers...)
			if x.change != nil {
				x.change(c)
			}
			c.run(20 * time.Second)
			c.spreadWithin(t, 0, x.early)
			c.spreadWithin(t, 3*time.Second, x.late)
		})
	}
}
