package bwe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
)

// world runs an Estimator, an Allocator and a stand-in for the router against a
// link, in steps of a millisecond.
type world struct {
	link     link
	receiver receiver
	reporter reporter
	est      *Estimator
	alloc    Allocator
	ladder   []int // bits per second of the layers
	gop      time.Duration
	key, fps float64 // size of a key frame in frames, frames per second
	rand     *rand.Rand

	now, lastFrame, nextKey, switchAt, askAt time.Duration
	grant, current                           int
	backlog                                  []waiting
	bucket                                   float64
	demands                                  []Demand
	grants                                   []int

	log     []sample
	changes int
	waits   []time.Duration // of packets sent after settled
	frames  []time.Duration // arrivals of pictures
	padding int
}

type sample struct {
	at              time.Duration
	current, grant  int
	estimate, wants int
	queue           time.Duration
}

const (
	audioBits = 64_000
	mtu       = 1200
	tick      = time.Millisecond
	// settled is when the way must be known. What is believed of it at first may be
	// three times of what it carries, and the queue that this fills drains slowly.
	settled = 8 * time.Second
)

func newWorld(seed uint64, r road, ladder ...int) *world {
	if r.trip == 0 {
		r.trip = 50 * time.Millisecond
	}
	if r.queue == 0 {
		r.queue = 800 * time.Millisecond
	}
	if r.report == 0 {
		r.report = 100 * time.Millisecond
	}
	source := rand.New(rand.NewPCG(seed, 31))
	w := &world{
		link: link{road: r, rand: source}, est: New(DefaultConfig()), ladder: ladder, rand: source,
		receiver: receiver{rand: source, recorder: twcc.NewRecorder(1)},
		current:  Paused, grant: Paused, gop: 4 * time.Second, key: 5, fps: 30, grants: make([]int, 2),
	}
	steps := make([]Step, len(ladder))
	w.demands = []Demand{{Audio: true, Steps: []Step{{audioBits + 50*8*Overhead}}}, {Steps: steps, Current: Paused}}
	return w
}

func (w *world) wall() time.Time { return time.Unix(1_800_000_000, 0).Add(w.now) }

// run goes on for d.
func (w *world) run(d time.Duration) *world {
	for end := w.now + d; w.now < end; w.now += tick {
		w.step()
	}
	return w
}

func (w *world) step() {
	w.link.tick(w.now)
	w.receiver.tick(w.now, &w.link.road)
	w.reporter.tick(w)
	for len(w.receiver.reports) > 0 && w.receiver.reports[0].at <= w.now {
		w.est.Feedback(w.wall(), w.receiver.reports[0].body)
		w.receiver.reports = w.receiver.reports[1:]
		w.allocate()
	}
	if w.now%(100*time.Millisecond) == 0 {
		w.allocate()
	}
	if w.now%(20*time.Millisecond) == 0 {
		w.send(audioBits/8/50, false)
	}
	w.video()
	if w.now >= w.askAt {
		w.pad()
	}
}

func (w *world) pad() {
	bytes, next := w.est.Padding(w.wall())
	for ; bytes > 0; bytes -= 255 + 20 {
		w.send(min(bytes, 255+20), false)
		w.padding += min(bytes, 255+20)
	}
	w.askAt = w.now + 100*time.Millisecond
	if !next.IsZero() {
		w.askAt = max(w.now+tick, next.Sub(time.Unix(1_800_000_000, 0)))
	}
}

func (w *world) allocate() {
	bits, known := w.est.Estimate()
	for i, b := range w.ladder {
		// What is measured of a layer varies with its key frames.
		w.demands[1].Steps[i].Bits = b * (95 + w.rand.IntN(11)) / 100
	}
	w.demands[1].Current = w.current
	next, _ := w.alloc.Allocate(w.wall(), bits, known, w.demands, w.grants)
	wants := next
	if wants > 0 {
		wants = max(wants, (w.ladder[len(w.ladder)-1]+w.demands[0].Steps[0].Bits)*115/100)
	}
	w.est.Want(next, wants, w.grants[1] == Paused)
	w.askAt = min(w.askAt, w.now)
	if w.reporter.kind != feedbackOnly && w.grants[1] == Paused && w.current != Paused && bits*100 >= (w.ladder[0]+w.demands[0].Steps[0].Bits)*80 {
		w.grants[1] = 0 // the router pauses no earlier
	}
	if g := w.grants[1]; g != w.grant {
		w.grant = g
		w.changes++
		w.switchAt = w.now + 200*time.Millisecond // until a key frame comes
		if g == Paused {
			w.current = Paused
		}
	}
	w.log = append(w.log, sample{w.now, w.current, w.grant, bits, wants, max(0, w.link.free-w.now)})
}

// video sends a picture when it is time for one.
func (w *world) video() {
	w.pace()
	if (w.now - w.lastFrame).Seconds() < 1/w.fps {
		return
	}
	w.lastFrame = w.now
	key := w.now >= w.nextKey
	if w.grant != w.current && w.grant != Paused && w.now >= w.switchAt {
		w.current, key = w.grant, true
	}
	if w.current == Paused {
		return
	}
	size := float64(w.ladder[w.current]) / w.fps / 8 * (0.8 + 0.4*w.rand.Float64()) * 0.93
	frames := w.fps * w.gop.Seconds()
	size *= frames / (frames + w.key - 1) // key frames are within the bit rate
	if key {
		w.nextKey = w.now + w.gop
		size *= w.key
	}
	for left := int(size); left > 0; left -= mtu {
		w.backlog = append(w.backlog, waiting{min(left, mtu) + 20, left <= mtu})
	}
	w.pace()
}

// waiting is a packet that the pacer holds back.
type waiting struct {
	size    int
	picture bool
}

// pace spreads large frames at half as much again as the estimate.
func (w *world) pace() {
	bits, _ := w.est.Estimate()
	rate := float64(bits) * 1.5 / 8
	w.bucket = max(0, w.bucket-rate*tick.Seconds())
	for len(w.backlog) > 0 && w.bucket < max(14<<10, rate*0.04) {
		p := w.backlog[0]
		w.backlog = w.backlog[1:]
		w.bucket += float64(p.size)
		w.send(p.size, p.picture)
	}
}

// send puts an RTP packet on the link.
func (w *world) send(size int, picture bool) {
	number := w.est.Number()
	if w.reporter.kind == feedbackOnly {
		w.est.Sent(w.wall(), size)
	} else {
		w.est.Untracked(w.wall(), size)
	}
	if w.now >= settled {
		w.waits = append(w.waits, max(0, w.link.free-w.now))
	}
	at, ok := w.link.send(size + Overhead)
	w.reporter.sent(w, size, at, ok)
	if w.reporter.kind != feedbackOnly || !ok {
		if ok && picture {
			w.frames = append(w.frames, at)
		}
		return
	}
	w.receiver.coming = append(w.receiver.coming, arrival{number, at})
	if picture {
		w.frames = append(w.frames, at)
	}
}

// wait is what that share of the packets waited in the queue at most.
func (w *world) wait(share float64) time.Duration {
	s := slices.Clone(w.waits)
	slices.Sort(s)
	return s[int(float64(len(s)-1)*share)]
}

// freeze is the longest time without a picture.
func (w *world) freeze() (most time.Duration) {
	for i := 1; i < len(w.frames); i++ {
		most = max(most, w.frames[i]-w.frames[i-1])
	}
	return most
}

// since returns from when on the layer was what it is, before the present.
func (w *world) since() time.Duration {
	i := len(w.log) - 1
	for i > 0 && w.log[i-1].current == w.current {
		i--
	}
	return w.log[i].at
}

// dump writes the log, one line for half a second.
func (w *world) dump(t *testing.T) {
	last := -time.Second
	for _, s := range w.log {
		if s.at-last >= 500*time.Millisecond || s.at%(15*time.Second) < 1500*time.Millisecond {
			last = s.at
			t.Logf("%6.2fs layer %d/%d estimate %5d k wants %5d k queue %4d ms", s.at.Seconds(), s.current, s.grant, s.estimate/1000, s.wants/1000, s.queue.Milliseconds())
		}
	}
	t.Logf("changes %d, p95 %v, freeze %v, padding %d", w.changes, w.wait(0.95), w.freeze(), w.padding)
}
