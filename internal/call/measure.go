package call

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"github.com/pion/opus"

	"github.com/headgate/headgate/router"
)

const (
	// measureQueue bounds the packets that wait to be decoded.
	measureQueue = 256
	// measureAll is how many voices are decoded packet by packet; of more, each only
	// every second, third, ... one.
	measureAll = 10
	// measureShare is the most of one processor that decoding takes, measureBurst how
	// much of its time may be saved up.
	measureShare, measureBurst = 0.1, 20 * time.Millisecond
	// measureRate is that of decoded sound: speech needs no more, and 120 ms of it,
	// the longest packet, are so many samples.
	measureRate = 8000
	longestOpus = measureRate * 120 / 1000
	// emptyOpus is the size of a packet with nothing but its header in it, as encoders
	// send in silence (RFC 6716 section 3.1).
	emptyOpus = 2
)

// measurer finds out how loud tracks of Opus are whose publishers do not tell, by
// decoding them. One goroutine, run, decodes; nothing waits for it: what it has no time
// for is left out.
type measurer struct {
	now     func() time.Time
	work    chan measured
	gauges  map[*router.Track]*gauge // one goroutine's: that of keep and level
	stride  atomic.Int32
	budget  budget
	left    atomic.Uint64 // packets left out for want of time
	decoded atomic.Uint64
}

// measured is a packet on its way.
type measured struct {
	gauge  *gauge
	packet *router.Packet
}

func newMeasurer(now func() time.Time) *measurer {
	m := &measurer{now: now, work: make(chan measured, measureQueue), gauges: make(map[*router.Track]*gauge)}
	m.stride.Store(1)
	return m
}

// keep measures these tracks from now on and no others.
func (m *measurer) keep(tracks []*router.Track) {
	wanted := make(map[*router.Track]bool, len(tracks))
	for _, t := range tracks {
		wanted[t] = true
		if m.gauges[t] == nil {
			g := &gauge{to: m, born: m.now()}
			m.gauges[t] = g
			g.cancel = t.Subscribe(g)
		}
	}
	for t, g := range m.gauges {
		if !wanted[t] {
			g.cancel()
			delete(m.gauges, t)
		}
	}
	m.stride.Store(int32(max(1, (len(m.gauges)+measureAll-1)/measureAll)))
}

// level is as router.Track.Level.
func (m *measurer) level(now time.Time, t *router.Track) (level uint8, known bool) {
	if g := m.gauges[t]; g != nil {
		return g.meter.Level(now.Sub(g.born))
	}
	return silentLevel, false
}

// run decodes until ctx ends.
func (m *measurer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-m.work:
			m.take(w)
		}
	}
}

func (m *measurer) take(w measured) {
	begun := m.now()
	if !m.budget.open(begun) {
		m.left.Add(1)
		return
	}
	w.gauge.decode(w.packet)
	m.decoded.Add(1)
	m.budget.spend(m.now().Sub(begun))
}

// gauge measures one track.
type gauge struct {
	to      *measurer
	cancel  func()
	born    time.Time
	meter   router.LevelMeter
	came    int32         // packets, in the publisher's goroutine
	decoder *opus.Decoder // in the measurer's, with what follows
	samples []float32
}

// Deliver implements router.Subscriber.
func (g *gauge) Deliver(b router.Burst) {
	if b.Layer.Codec().Name != router.Opus {
		return
	}
	for _, p := range b.Packets {
		g.came++
		if len(p.Payload) == 0 || tellsLevel(p) || g.came%g.to.stride.Load() != 0 {
			continue
		}
		select {
		case g.to.work <- measured{g, p}:
		default:
			g.to.left.Add(1)
		}
	}
}

// tellsLevel tells that a packet says itself how loud it is.
func tellsLevel(p *router.Packet) bool {
	for _, x := range p.Extensions {
		if x.URI == router.ExtAudioLevel {
			return true
		}
	}
	return false
}

// decode notes how loud a packet is. What is no Opus is not noted.
func (g *gauge) decode(p *router.Packet) {
	at := p.Arrival.Sub(g.born)
	if len(p.Payload) <= emptyOpus {
		g.meter.Note(at, silentLevel)
		return
	}
	if g.decoder == nil {
		d, err := opus.NewDecoderWithOutput(measureRate, 1)
		if err != nil {
			return // it takes this rate
		}
		g.decoder, g.samples = &d, make([]float32, longestOpus)
	}
	if n, ok := g.samplesOf(p.Payload); ok {
		g.meter.Note(at, levelOf(g.samples[:n]))
	}
}

// samplesOf decodes. No input is known to make the decoder panic (FuzzOpus looks for
// one), but it is young, what it reads comes from strangers, and a panic here would end
// the gateway for everybody: the decoder alone is given up instead.
func (g *gauge) samplesOf(payload []byte) (n int, ok bool) {
	defer func() {
		if recover() != nil {
			g.decoder, n, ok = nil, 0, false
		}
	}()
	n, err := g.decoder.DecodeToFloat32(payload, g.samples)
	return n, err == nil && n > 0 && n <= len(g.samples)
}

// levelOf is how loud samples are, in -dBov: the mean power against that of a square
// wave of full scale, as RFC 6464 wants it.
func levelOf(samples []float32) uint8 {
	power := 0.0
	for _, v := range samples {
		power += float64(v) * float64(v)
	}
	level := -10 * math.Log10(power/float64(len(samples)))
	if !(level < silentLevel) { // not a number, too
		return silentLevel
	}
	return uint8(max(level, 0) + 0.5)
}

// budget bounds the share of the processor that something takes.
type budget struct {
	saved time.Duration
	at    time.Time
}

// open tells whether there is anything left at a time.
func (b *budget) open(now time.Time) bool {
	if b.at.IsZero() {
		b.saved = measureBurst
	} else if passed := now.Sub(b.at); passed > 0 {
		b.saved = min(b.saved+time.Duration(float64(passed)*measureShare), measureBurst)
	}
	b.at = now
	return b.saved > 0
}

func (b *budget) spend(took time.Duration) { b.saved -= took }
