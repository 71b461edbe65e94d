package push

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/internal/dial"
)

// Options say what is published where.
type Options struct {
	dial.Options
	// Feeds are what is sent.
	Feeds []Feed
	// Reconnect tries again when the server or the network goes away.
	Reconnect bool
	// Connected, when set, is called whenever media can flow, with the time it took
	// since the POST.
	Connected func(after time.Duration)
	// Notify, when set, is told what a person should know, one sentence a time.
	Notify func(text string)
	// Progress, when set, is called every second.
	Progress func(Summary)
}

// Summary is what a push did so far.
type Summary struct {
	ConnectedAfter time.Duration
	// Lasted is the time since the first connection.
	Lasted time.Duration
	// Connections counts them: more than one means that it reconnected.
	Connections  int
	VideoFrames  int
	AudioPackets int
	// Packets and Bytes are those of RTP payloads.
	Packets, Bytes int64
	// KeyFrameRequests counts PLI and FIR, which nothing here can obey.
	KeyFrameRequests int64
	// RTT and Loss are from the server's last reports; 0 if there were none. Loss is
	// a share of 1.
	RTT  time.Duration
	Loss float64
}

var errNothing = errors.New("nothing to publish: give a video or an audio file")

// signalGrace is how long a lost connection waits for the signal that ended the
// other side too: Ctrl-C reaches every program of a terminal at about once.
const signalGrace = 200 * time.Millisecond

// Run publishes until ctx ends, the media ends, or the connection fails for good.
// The session is deleted in every case. A cancelled ctx is no error.
func Run(ctx context.Context, opt Options) (Summary, error) {
	if len(opt.Feeds) == 0 {
		return Summary{}, errNothing
	}
	r := &runner{opt: opt, ended: make(chan struct{})}
	defer r.stop()
	defer dial.Progress(opt.Progress, r.summary)()
	retry := dial.Retry{Enabled: opt.Reconnect, Sleep: r.sleep, Notify: r.notify}
	err := retry.Do(ctx, r.attempt)
	if ctx.Err() != nil {
		err = nil
	}
	r.stop()
	return r.summary(), err
}

// runner is the state of one Run.
//
// Ownership: the goroutines of the feeds begin with the first connection and end
// with stop, which waits for them; that of Progress with Run.
type runner struct {
	opt   Options
	began atomic.Pointer[time.Time] // the first connection

	feeding sync.WaitGroup
	cancel  context.CancelFunc
	ended   chan struct{} // closed when no more media comes
	result  error         // why; set before ended is closed

	connections    atomic.Int64
	connectedAfter atomic.Int64
	reports        reports
	warned         sync.Once
}

func (r *runner) notify(text string) {
	if r.opt.Notify != nil {
		r.opt.Notify(text)
	}
}

// attempt is one connection, until it or the media ends.
func (r *runner) attempt(ctx context.Context) (connected bool, err error) {
	if over, result := r.over(); over {
		return true, dial.Final(result)
	}
	conn, readers, err := r.open(ctx)
	if conn == nil {
		return false, dial.Final(err)
	}
	defer func() {
		r.disconnect()
		closed := conn.Close(ctx)
		readers.Wait()
		if err == nil && ctx.Err() == nil {
			err = dial.Final(closed) // the media has been sent: nothing is better the next time
		}
	}()
	if err != nil {
		return false, err
	}
	r.connections.Add(1)
	r.connectedAfter.Store(int64(conn.ConnectedAfter))
	if r.opt.Connected != nil {
		r.opt.Connected(conn.ConnectedAfter)
	}
	r.feed(ctx)
	return true, r.wait(ctx, conn)
}

// wait returns when the media ends, which may be nil, the connection does, or ctx.
func (r *runner) wait(ctx context.Context, conn *dial.Connection) error {
	watch, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-r.ended:
			cancel()
		case <-watch.Done():
		}
	})
	err := conn.Wait(watch)
	cancel()
	watching.Wait()
	if over, result := r.over(); over {
		return dial.Final(result)
	}
	if ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(signalGrace):
		}
	}
	return err
}

// over tells whether the media has ended, and how.
func (r *runner) over() (bool, error) {
	select {
	case <-r.ended:
		return true, r.result
	default:
		return false, nil
	}
}

// sleep waits for the next attempt, unless there is nothing to send any more.
func (r *runner) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ended:
	case <-ctx.Done():
	}
}

// open makes a connection with a section for each track.
func (r *runner) open(ctx context.Context) (*dial.Connection, *sync.WaitGroup, error) {
	var codecs []dial.Codec
	for _, t := range r.tracks() {
		codecs = append(codecs, t.codec)
	}
	conn, err := dial.New(r.opt.Options, codecs)
	if err != nil {
		return nil, nil, err
	}
	readers := &sync.WaitGroup{}
	for _, f := range r.opt.Feeds {
		for _, t := range f.outgoing() {
			local, sender, err := t.connect(conn.PC)
			if err != nil {
				return conn, readers, dial.Final(err)
			}
			defer t.local.Store(local) // packets written before it is connected are dropped by the stack
			readers.Go(func() { r.readRTCP(sender, t, f.live()) })
		}
	}
	return conn, readers, conn.Open(ctx)
}

func (r *runner) disconnect() {
	for _, t := range r.tracks() {
		t.local.Store(nil)
	}
}

func (r *runner) tracks() (all []*track) {
	for _, f := range r.opt.Feeds {
		all = append(all, f.outgoing()...)
	}
	return all
}

// feed starts the feeds with the first connection.
func (r *runner) feed(ctx context.Context) {
	if r.cancel != nil {
		return
	}
	now := time.Now()
	r.began.Store(&now)
	ctx, r.cancel = context.WithCancel(ctx)
	ends := make(chan error, len(r.opt.Feeds))
	waitFor := 0
	for _, f := range r.opt.Feeds {
		if !f.endless() {
			waitFor++
		}
	}
	for _, f := range r.opt.Feeds {
		r.feeding.Go(func() {
			if err := f.run(ctx, now); err != nil || !f.endless() {
				ends <- err
			}
		})
	}
	r.feeding.Go(func() { r.awaitEnds(ctx, ends, waitFor) })
}

// awaitEnds closes ended when the feeds that end have ended, or one has failed.
func (r *runner) awaitEnds(ctx context.Context, ends <-chan error, waitFor int) {
	defer close(r.ended)
	for {
		select {
		case err := <-ends:
			if err != nil {
				r.result = err
				return
			}
			if waitFor--; waitFor == 0 {
				return
			}
		case <-ctx.Done():
			r.result = ctx.Err()
			return
		}
	}
}

// stop ends the feeds and waits for them. It may be called more than once.
func (r *runner) stop() {
	if r.cancel != nil {
		r.cancel()
	}
	r.feeding.Wait()
}

func (r *runner) summary() (s Summary) {
	s.Connections = int(r.connections.Load())
	s.ConnectedAfter = time.Duration(r.connectedAfter.Load())
	if began := r.began.Load(); began != nil {
		s.Lasted = time.Since(*began)
	}
	for _, t := range r.tracks() {
		if t.codec.IsVideo() {
			s.VideoFrames += int(t.frames.Load())
		} else {
			s.AudioPackets += int(t.frames.Load())
		}
		s.Packets += t.packets.Load()
		s.Bytes += t.bytes.Load()
		s.KeyFrameRequests += t.asked.Load()
	}
	s.RTT, s.Loss = r.reports.last()
	return s
}
