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
	return Config{Start: 1_000_000, Least: 50_000, Most: 100_000_000}
}

// Overhead is what a packet has on the wire besides the RTP packet, in bytes: IP,
// UDP and the tag of SRTP.
const Overhead = 44

// Estimator estimates what the way to one receiver carries. Not safe for
// concurrent use.
type Estimator struct {
	cfg    Config
	number uint16
}

// New makes an Estimator that knows nothing.
func New(cfg Config) *Estimator { return &Estimator{cfg: cfg} }

// Number is the transport-wide number that the next packet carries.
func (e *Estimator) Number() uint16 { return e.number }

// Sent notes that the packet with Number was sent: an RTP packet of so many bytes.
// Every packet that carries a number is to be noted, once.
func (e *Estimator) Sent(_ time.Time, _ int) { e.number++ }

// Untracked notes a sent RTP packet that carries no transport-wide number.
func (e *Estimator) Untracked(_ time.Time, _ int) {}

// Feedback takes a transport-wide feedback packet
// (draft-holmer-rmcat-transport-wide-cc-extensions-01): what follows the media
// SSRC. What cannot be read is ignored.
func (e *Estimator) Feedback(_ time.Time, _ []byte) {}

// REMB takes what the receiver estimates, in bits per second.
func (e *Estimator) REMB(_ time.Time, _ int) {}

// Report takes a receiver report: the share of packets lost, in 256ths, and the
// round trip, 0 if it is not known.
func (e *Estimator) Report(_ time.Time, _ uint8, _ time.Duration) {}

// Estimate is what the path is believed to carry in bits per second on the wire.
// known is false while nothing was heard that tells.
func (e *Estimator) Estimate() (bits int, known bool) { return e.cfg.Start, false }

// Queue is how long packets are believed to wait on the way, 0 if unknown.
func (e *Estimator) Queue() time.Duration { return 0 }

// Want says how many bits per second would be sent if the path carried them; 0, or
// no more than the estimate, wants no probing.
func (e *Estimator) Want(_ time.Time, _ int) {}

// Padding says how many bytes of padding are due now as part of a probe, and when
// to ask again; zero: not before something else happens. Padding that was sent is
// to be noted by Sent like anything else.
func (e *Estimator) Padding(_ time.Time) (bytes int, next time.Time) { return 0, time.Time{} }
