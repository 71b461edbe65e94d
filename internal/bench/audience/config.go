package audience

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Feedback says which RTCP viewers send.
type Feedback int

const (
	// FeedbackLibwebrtc sends what libwebrtc sends by default: receiver reports,
	// NACK, PLI, and transport-wide feedback or REMB as negotiated.
	FeedbackLibwebrtc Feedback = iota
	// FeedbackNone sends no RTCP at all.
	FeedbackNone
	// FeedbackReports sends what says nothing about the line's rate: receiver reports,
	// NACK and PLI. Neither transport-cc nor goog-remb is offered.
	FeedbackReports
	// FeedbackREMB offers goog-remb but not transport-cc, as old players.
	FeedbackREMB
)

// feedbackNames are the texts of Feedback.
var feedbackNames = []string{FeedbackLibwebrtc: "libwebrtc", FeedbackNone: "none", FeedbackReports: "reports", FeedbackREMB: "remb"}

// String names it as UnmarshalText reads it.
func (f Feedback) String() string { return feedbackNames[f] }

// UnmarshalText reads libwebrtc, none, reports or remb.
func (f *Feedback) UnmarshalText(text []byte) error {
	i := slices.Index(feedbackNames, string(text))
	if i < 0 {
		return fmt.Errorf("feedback is one of %s, not %q", strings.Join(feedbackNames, ", "), text)
	}
	*f = Feedback(i)
	return nil
}

// Config of an Audience. The zero value is one with all defaults.
type Config struct {
	// Sweep is how often all sockets are emptied; 0 means 2 ms. It bounds how
	// exact delays are.
	Sweep time.Duration
	// SampleEvery is how many of the packets that begin a frame are passed over for
	// one that is decrypted, per viewer and stream; 0 means 10, 1 all.
	SampleEvery int
	// Feedback is the RTCP that viewers send.
	Feedback Feedback
	// Loss is the share of media datagrams, 0 to below 1, that are dropped as if
	// the network had lost them.
	Loss float64
	// Witnesses is how many of the first viewers decrypt every packet: only they can
	// tell whether a frame is mixed of two layers.
	Witnesses int
	// Slots is how many audio and video sections viewers offer of each; 0 and 1 are a
	// plain viewer, MaxSlots is the most.
	Slots int
	// Self is the number of the source (package stamp) that a viewer of this endpoint
	// publishes itself, 0 for none: nobody is to be sent what is their own. nil means
	// that sources have no numbers.
	Self func(endpoint string) int
	// Observe is told of every stamped packet that is looked into, in order of its
	// arrival; nil is not told. It is called by one goroutine and must not block.
	Observe func(Observation)
	// GRO lets the kernel hand over runs of datagrams as one (UDP_GRO, Linux only).
	// On loopback it spares the sender the segmentation too, which a network card
	// would do, so it changes what is measured.
	GRO bool
	// DeafToMedia makes viewers that connect, keep their consent alive and never
	// read their socket.
	DeafToMedia bool
	// HTTP does the requests; nil means a client of its own that keeps
	// connections.
	HTTP *http.Client
	// Log tells what goes wrong after a viewer joined; nil means nothing is told.
	Log *slog.Logger
	// Now is the clock that stamps are compared with; nil means time.Now.
	Now func() time.Time
}

// MaxSlots is as many as one receiver report has room for.
const MaxSlots = 31

const (
	defaultSweep       = 2 * time.Millisecond
	defaultSampleEvery = 10
	// idleConnections is how many HTTP connections to one server are kept; net/http
	// keeps two, and many joins at once would dial anew each.
	idleConnections = 64
)

func (c Config) withDefaults() (Config, error) {
	if c.Slots < 0 || c.Slots > MaxSlots {
		return c, fmt.Errorf("audience: Slots must be 0 to %d", MaxSlots)
	}
	if c.Sweep < 0 || c.SampleEvery < 0 || c.Loss < 0 || c.Loss >= 1 || c.Witnesses < 0 {
		return c, errors.New("audience: Sweep, SampleEvery and Witnesses must not be negative, Loss must be in [0, 1)")
	}
	if c.Sweep == 0 {
		c.Sweep = defaultSweep
	}
	if c.SampleEvery == 0 {
		c.SampleEvery = defaultSampleEvery
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}
