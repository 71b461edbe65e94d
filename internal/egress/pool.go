package egress

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headgate/headgate/router"
)

// Config bounds what a Pool queues. Start from DefaultConfig.
type Config struct {
	// Workers is the number of workers; 0 means one per core.
	Workers int `yaml:"workers"`
	// MaxBursts is how many bursts (frames of video, packets of audio) may wait
	// for one worker before the oldest video is dropped.
	MaxBursts int `yaml:"max_bursts"`
	// MaxRTCP is how many feedback packets may wait for one worker before new
	// ones are dropped.
	MaxRTCP int `yaml:"max_rtcp"`
	// MaxDelay is how late a worker may be with video before it drops it. Sound may
	// be four times as late.
	MaxDelay time.Duration `yaml:"max_delay"`
	// LastStep is the fastest way to try of giving datagrams to the system. The
	// sockets are told; see NewSocket.
	LastStep LastStep `yaml:"last_step"`

	now func() time.Time
}

// DefaultConfig returns the settings of a gateway nobody configured.
func DefaultConfig() Config {
	return Config{MaxBursts: 4096, MaxRTCP: 16384, MaxDelay: 500 * time.Millisecond, LastStep: Segmented}
}

// Validate reports every bad field at once.
func (c Config) Validate() error {
	var errs []error
	if c.Workers < 0 {
		errs = append(errs, fmt.Errorf("egress.workers: must not be negative, got %d", c.Workers))
	}
	if c.MaxBursts < 1 {
		errs = append(errs, fmt.Errorf("egress.max_bursts: must be at least 1, got %d", c.MaxBursts))
	}
	if c.MaxRTCP < 1 {
		errs = append(errs, fmt.Errorf("egress.max_rtcp: must be at least 1, got %d", c.MaxRTCP))
	}
	if c.MaxDelay < 50*time.Millisecond {
		errs = append(errs, fmt.Errorf("egress.max_delay: must be at least 50ms, got %v", c.MaxDelay))
	}
	if !slices.Contains(LastSteps(), c.LastStep) {
		errs = append(errs, fmt.Errorf("egress.last_step: must be one of %v, got %q", LastSteps(), c.LastStep))
	}
	return errors.Join(errs...)
}

// Pool is the workers. It is safe for concurrent use.
type Pool struct {
	workers []*Worker
	stop    context.CancelFunc
	running sync.WaitGroup
	next    atomic.Uint32
}

// Start starts the workers; Close ends them.
func Start(cfg Config) *Pool {
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.now == nil {
		cfg.now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Pool{stop: stop}
	for range cfg.Workers {
		w := newWorker(cfg)
		p.workers = append(p.workers, w)
		p.running.Go(func() { w.run(ctx) })
	}
	return p
}

// Close ends the workers and waits for them. Viewers get nothing more.
func (p *Pool) Close() {
	p.stop()
	p.running.Wait()
}

// Shed returns how many bursts and feedback packets were dropped because
// workers were behind.
func (p *Pool) Shed() (n uint64) {
	for _, w := range p.workers {
		w.inbox.mu.Lock()
		n += w.inbox.shed
		w.inbox.mu.Unlock()
	}
	return n
}

// Saturated tells that workers do not keep up, so that more viewers would only
// take from those there are: one has been late for two seconds, or dropped media
// again and again.
func (p *Pool) Saturated(now time.Time) bool {
	return slices.ContainsFunc(p.workers, func(w *Worker) bool { return w.load.saturated(now) })
}

// Client is a viewer with its line and its worker.
type Client struct {
	worker *Worker
	line   *Line
	viewer *router.Viewer
	// waiting counts the feedback packets in the inbox.
	waiting atomic.Int32
}

// Add gives a viewer to the next worker. line is how it is sent to; the viewer is
// fed once the router has attached it.
func (p *Pool) Add(cfg router.ViewerConfig, line *Line) *Client {
	w := p.workers[p.next.Add(1)%uint32(len(p.workers))]
	c := &Client{worker: w, line: line}
	cfg.Handle = c
	c.viewer = router.NewViewer(cfg)
	w.Do(func(now time.Time, s *router.Shard, out *router.Out) { s.Add(now, c.viewer, out) })
	return c
}

// Viewer returns the router's half.
func (c *Client) Viewer() *router.Viewer { return c.viewer }

// Worker returns the executor of the shard that owns the viewer.
func (c *Client) Worker() router.Executor { return c.worker }

// RTCP hands in an RTCP packet or compound the viewer sent; b is copied. It is dropped
// if too many of this viewer's wait already. What asks for a retransmission or a key
// frame is handled at once, anything else within 5 ms.
func (c *Client) RTCP(b []byte) { c.worker.inbox.feedback(c, b) }

// Remove takes the viewer out of its shard. Nothing is sent to it any more once
// the worker has come to it, which it does within its current round.
func (c *Client) Remove() {
	c.worker.Do(func(_ time.Time, s *router.Shard, _ *router.Out) { s.Remove(c.viewer) })
}

// Line returns the viewer's last part, with its counters.
func (c *Client) Line() *Line { return c.line }
