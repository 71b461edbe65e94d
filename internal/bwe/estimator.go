package bwe

import "time"

// Config bounds an estimate. Start from DefaultConfig.
type Config struct {
	// Start is what an unknown path is believed to carry, Least and Most bound every
	// estimate, in bits per second.
	Start, Least, Most int
}

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	return Config{Start: 500_000, Least: 50_000, Most: 100_000_000}
}

// Overhead is what a packet has on the wire besides the RTP packet, in bytes: IP,
// UDP and the tag of SRTP.
const Overhead = 44

// knownBins is how much feedback makes an estimate a known one: 200 ms. Whoever sent
// more than Config.Start until then is not slowed down before it shows.
const knownBins = 4

// Estimator estimates what the way to one receiver carries. Not safe for
// concurrent use.
type Estimator struct {
	cfg   Config
	epoch time.Time
	sent  history
	bits  int // the estimate, without what REMB says
	known bool
	// next is what one more step takes, want what is probed for.
	next, want int
	paused     bool // a picture waits for next
	// proven tells that more than Config.Start speaks for the estimate.
	proven bool

	untracked int   // bytes sent since the last tracked packet
	total     int   // bytes sent since the last look
	packets   int   // packets of the last looks, older ones count less
	missing   int   // of them, those that were asked for again
	rate      int   // bits per second sent lately, in a second or so
	average   int   // in four seconds or so: key frames do not show
	looked    int64 // when the rate was taken
	nextLook  int64

	heard     int64 // the last feedback
	waiting   int64 // since when sent packets wait for feedback, 0 if none does
	reference int64 // of the last feedback, unwrapped, in microseconds
	delay     delayTrack
	loss      lossTrack
	probe     probe
	grown     int64 // when the estimate was last allowed to grow
	ceiling   int   // what arrived when the path was last full, 0 if it never was

	remb remb
	// reports are all that is heard of some receivers.
	reports reports
}

// New makes an Estimator that knows nothing.
func New(cfg Config) *Estimator { return &Estimator{cfg: cfg, bits: cfg.Start} }

// Number is the transport-wide number that the next packet carries.
func (e *Estimator) Number() uint16 { return e.sent.next }

// Sent notes that the packet with Number was sent: an RTP packet of so many bytes.
// Every packet that carries a number is to be noted, once.
func (e *Estimator) Sent(now time.Time, size int) {
	t := e.at(now)
	size += Overhead
	e.total += size
	e.packets++
	if e.probe.state == sending {
		e.probe.noteSent(t, e.sent.next, size)
	}
	e.sent.add(t, size+e.untracked)
	e.untracked = 0
	if e.waiting == 0 {
		e.waiting = t
	}
	if t >= e.nextLook {
		e.look(t)
	}
}

// Untracked notes a sent RTP packet that carries no transport-wide number.
func (e *Estimator) Untracked(now time.Time, size int) {
	e.total += size + Overhead
	e.packets++
	e.untracked += size + Overhead
	if t := e.at(now); t >= e.nextLook {
		e.look(t)
	}
}

// Feedback takes a transport-wide feedback packet
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): what follows the media
// SSRC. What cannot be read is ignored.
func (e *Estimator) Feedback(now time.Time, b []byte) {
	f, ok := parseFeedback(b)
	if !ok || e.sent.held == 0 || !before(f.base, e.sent.next) {
		return
	}
	t := e.at(now)
	if !e.take(t, f) {
		return
	}
	e.heard, e.waiting = t, 0
	e.known = e.known || e.delay.n >= knownBins
	if e.sent.told != e.sent.next {
		e.waiting = t
	}
	e.control(t)
	e.judgeProbe(t)
}

// Estimate is what the path is believed to carry in bits per second on the wire.
// known is false while nothing was heard that tells.
func (e *Estimator) Estimate() (bits int, known bool) {
	return max(min(e.bits, e.bound()), e.cfg.Least), e.known
}

// Queue is how long packets are believed to wait on the way, 0 if unknown. Where
// reports are all there is it was so when the last one came, and a queue is taken to
// have drained since.
func (e *Estimator) Queue(now time.Time) time.Duration {
	if t := e.at(now); e.deaf(t) {
		return time.Duration(max(0, e.reports.excess-(t-e.reports.at))) * time.Microsecond
	}
	return time.Duration(e.delay.queue()) * time.Microsecond
}

// at is now in microseconds since a second before the first call: never 0.
func (e *Estimator) at(now time.Time) int64 {
	if e.epoch.IsZero() {
		e.epoch = now.Add(-time.Second)
	}
	return now.Sub(e.epoch).Microseconds()
}

// bound is the most that may be estimated.
func (e *Estimator) bound() int {
	if e.remb.bound > 0 {
		return min(e.remb.bound, e.cfg.Most)
	}
	return e.cfg.Most
}
