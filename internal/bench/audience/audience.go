package audience

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Audience holds viewers, of one channel or of many. It is safe for concurrent
// use.
//
// Ownership: the sweeper runs until Close, which waits for it and for joins that
// are under way.
type Audience struct {
	cfg      Config
	ownHTTP  bool
	identity *identity
	offers   offers
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	work     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	viewers []*Viewer
	changes uint64 // of viewers
	// witnesses is how many of them are some.
	witnesses int
	// departed are the counts of those who left since Reset.
	departed Stats
}

// New starts an audience without viewers.
func New(cfg Config) (*Audience, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	own, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	ownHTTP := cfg.HTTP == nil
	if ownHTTP {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = idleConnections
		cfg.HTTP = &http.Client{Transport: transport}
	}
	raiseFileLimit()
	a := &Audience{cfg: cfg, ownHTTP: ownHTTP, identity: own, offers: newOffers(own.fingerprint, cfg.Feedback, cfg.Slots)}
	a.ctx, a.stop = context.WithCancel(context.Background())
	a.work.Go(a.run)
	return a, nil
}

// add takes a viewer in.
func (a *Audience) add(v *Viewer) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return errClosed
	}
	if a.witnesses < a.cfg.Witnesses {
		a.witnesses++
		v.mu.Lock()
		v.witness = true
		v.mu.Unlock()
	}
	a.viewers = append(a.viewers, v)
	a.changes++
	return nil
}

var errClosed = errors.New("the audience is closed")

// retire takes a viewer out, but not its counts.
func (a *Audience) retire(v *Viewer, stats *Stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.viewers, v); i >= 0 {
		// Copied, because the sweeper goes through the old slice.
		a.viewers = slices.Concat(a.viewers[:i], a.viewers[i+1:])
		if v.witness {
			a.witnesses--
		}
		a.changes++
		a.departed.add(stats)
	}
}

// Reset forgets all counts: a measured window begins. What is missing at this
// moment is still expected in the new window.
func (a *Audience) Reset() {
	now := a.cfg.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.departed = Stats{}
	for _, v := range a.viewers {
		v.reset(now)
	}
}

// Snapshot adds up all counts since Reset.
func (a *Audience) Snapshot() Stats {
	now := a.cfg.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	total := a.departed
	for _, v := range a.viewers {
		v.mu.Lock()
		if v.socket != nil {
			stats := v.stats(now)
			total.add(&stats)
		}
		v.mu.Unlock()
	}
	return total
}

// Viewers returns those who are there.
func (a *Audience) Viewers() []*Viewer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.viewers)
}

// DelayOf is the delay of one viewer since Reset; see Stats.Delay.
func (a *Audience) DelayOf(v *Viewer) Histogram {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.delay
}

const (
	// leaveLimit bounds how long a viewer waits for the answer to its DELETE.
	leaveLimit = 5 * time.Second
	// leaveAtOnce is how many leave at the same time.
	leaveAtOnce = 32
)

// Close lets all viewers leave, ends joins that are under way, and waits for all
// goroutines. Its error names the first failure of a DELETE and how many there
// were.
func (a *Audience) Close() error {
	a.mu.Lock()
	a.closed = true
	leaving := slices.Clone(a.viewers)
	a.mu.Unlock()
	err := leaveAll(leaving)
	a.stop()
	a.work.Wait()
	if a.ownHTTP {
		a.cfg.HTTP.CloseIdleConnections()
	}
	return err
}

func leaveAll(viewers []*Viewer) error {
	var work sync.WaitGroup
	slots := make(chan struct{}, leaveAtOnce) // full means wait
	failed := make([]error, len(viewers))
	for i, v := range viewers {
		slots <- struct{}{}
		work.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
			defer cancel()
			failed[i] = v.Leave(ctx)
			<-slots
		})
	}
	work.Wait()
	failed = slices.DeleteFunc(failed, func(err error) bool { return err == nil })
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d viewers could not leave in order, the first: %w", len(failed), len(viewers), failed[0])
}
