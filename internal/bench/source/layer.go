package source

import (
	"sync/atomic"
	"time"
)

// track is what sends in time: a layer of video, or sound.
type track interface {
	// due is when the next packet is to be sent, since the start.
	due() time.Duration
	// send sends it. now is the time, for the stamp and the spacing of key frames.
	send(now time.Time)
}

// layer is one encoding of a synthetic picture.
//
// Requests for key frames may come from any goroutine, all else is done by the
// publisher's own.
type layer struct {
	*stream
	cfg    Config
	budget *budget
	*picture
	parameters []byte // STAP-A of SPS and PPS

	frame  int           // the frame being sent, since the start
	next   int           // its next packet, -1 for the parameter sets
	wait   time.Duration // from the start to the first frame
	until  int           // frames until the next key frame that nobody asked for
	number atomic.Uint32 // of the frame sent last; survives restarts

	wanted  atomic.Bool  // a key frame was asked for
	lastKey atomic.Int64 // when one was sent, Unix ns
	asked   atomic.Int64
	keys    atomic.Int64
}

// shape is the size of a layer and its share of the bit rate.
type shape struct {
	rid           string
	width, height int
	share         float64
}

// shapes are the layers of simulcast, lowest first, in about the proportions
// browsers send them: with the highest at 1.7 Mbit/s, 150, 500 and 1700 kbit/s.
func shapes(simulcast bool) []shape {
	if !simulcast {
		return []shape{{"", 1280, 720, 1}}
	}
	return []shape{{"q", 320, 180, 150. / 1700}, {"h", 640, 360, 500. / 1700}, {"f", 1280, 720, 1}}
}

// RIDs are the names of simulcast's layers, lowest first; their stamps call them 0,
// 1 and 2.
func RIDs() (rids []string) {
	for _, s := range shapes(true) {
		rids = append(rids, s.rid)
	}
	return rids
}

// LayerBits are the mean bit rates a second of the layers' video when the highest
// has this many, lowest first.
func LayerBits(highest int) (bits []int) {
	for _, s := range shapes(true) {
		bits = append(bits, int(float64(highest)*s.share))
	}
	return bits
}

func newLayer(cfg Config, s shape, out *stream, wait time.Duration) *layer {
	return &layer{
		stream: out, cfg: cfg, wait: wait, picture: newPicture(),
		budget:     newBudget(int(float64(cfg.BitsPerSecond)*s.share), cfg.FramesPerSecond, cfg.period()),
		parameters: aggregate(sequenceParameters(s.width, s.height), pictureParameters()),
	}
}

func (l *layer) due() time.Duration {
	interval := time.Second / time.Duration(l.cfg.FramesPerSecond)
	at := l.wait + time.Duration(l.frame)*time.Second/time.Duration(l.cfg.FramesPerSecond)
	if l.next > 0 {
		at += time.Duration(float64(l.cfg.Pacing) * float64(interval) * float64(l.next) / float64(len(l.sizes)))
	}
	return at
}

func (l *layer) send(now time.Time) {
	if l.next == 0 {
		l.begin(now)
	}
	last := l.next == len(l.sizes)-1
	l.write(l.make(l.next, now), last)
	l.next++
	if last {
		l.frame, l.next = l.frame+1, 0
	}
}

// begin decides on the next frame and sends the parameter sets of a key frame.
func (l *layer) begin(now time.Time) {
	key := l.until == 0 || l.obey(now)
	if key {
		l.until = l.cfg.period()
		l.wanted.Store(false)
		l.lastKey.Store(now.UnixNano())
		l.keys.Add(1)
	}
	l.until--
	l.timestamp += uint32(90000 / l.cfg.FramesPerSecond) //nolint:gosec // at most 90000
	l.picture.begin(l.mark(l.number.Add(1)), key, l.budget.next(key), l.cfg.Split)
	if key {
		l.write(l.parameters, false)
	}
}

// obey tells whether a key frame was asked for and may be sent already.
func (l *layer) obey(now time.Time) bool {
	return l.wanted.Load() && now.Sub(time.Unix(0, l.lastKey.Load())) >= l.cfg.MinKeyInterval
}

// ask is told of every PLI and FIR.
func (l *layer) ask() {
	l.asked.Add(1)
	if !l.cfg.Deaf {
		l.wanted.Store(true)
	}
}
