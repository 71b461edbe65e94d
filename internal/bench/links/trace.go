package links

import (
	"context"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
)

// Trace is what one viewer saw. Times at are Unix nanoseconds of the machine's clock.
type Trace struct {
	// Began is when the POST was sent.
	Began int64 `json:"began_unix_ns"`
	// Ended is when watching was over.
	Ended int64 `json:"ended_unix_ns"`
	// Changes are the layers as they came, the first one included.
	Changes []Change `json:"changes"`
	// The delays are of all packets, from the publisher's stamp.
	DelayMin float64 `json:"delay_ms_min"`
	DelayP50 float64 `json:"delay_ms_p50"`
	DelayP95 float64 `json:"delay_ms_p95"`
	DelayP99 float64 `json:"delay_ms_p99"`
	DelayMax float64 `json:"delay_ms_max"`

	Packets       uint64  `json:"packets"`
	Bytes         uint64  `json:"bytes"`
	Expected      uint64  `json:"expected"`
	Lost          uint64  `json:"lost"`
	Retransmitted uint64  `json:"retransmitted"`
	NACKs         uint64  `json:"nacks"`
	PLIs          uint64  `json:"plis"`
	Freezes       uint64  `json:"freezes"`
	LongestFreeze float64 `json:"longest_freeze_ms"`
	// Blind is a viewer that never had a whole key frame.
	Blind       bool   `json:"blind"`
	FramesStood uint64 `json:"frames_stood"`
	StepsBack   uint64 `json:"timestamp_steps_back"`
	Mixed       uint64 `json:"frames_mixed"`
	// Wishes were layers asked for by hand, of those WishesUnmet overtaken by the next,
	// WishesRefused by the server. The times are until their first packets.
	Wishes        uint64  `json:"switch_wishes"`
	WishesUnmet   uint64  `json:"switch_wishes_unmet"`
	WishesRefused int     `json:"switch_wishes_refused"`
	Switches      uint64  `json:"layer_switches"`
	SwitchP50     float64 `json:"switch_ms_p50"`
	SwitchP95     float64 `json:"switch_ms_p95"`
	// VideoStreams is how many SSRCs of video there were; more than one is wrong.
	VideoStreams int `json:"video_streams"`

	Series []Second `json:"series"`
}

// Change is a layer that begins.
type Change struct {
	At    int64 `json:"at_unix_ns"`
	Layer int   `json:"layer"`
}

// Second is one second of a Trace.
type Second struct {
	At       float64 `json:"at_s"`
	Layer    int     `json:"layer"`
	Kilobits float64 `json:"kbit_per_second"`
	DelayMax float64 `json:"delay_ms_max"`
	DelayMin float64 `json:"delay_ms_min"`
	Lost     uint64  `json:"lost"`
	Pictures int     `json:"pictures"`
}

// recorder takes what a viewer observes.
type recorder struct {
	mu      sync.Mutex
	changes []Change
	least   time.Duration
	second  struct {
		least, most time.Duration
		pictures    int
	}
	some  bool
	layer int
	frame uint32 // the newest
}

func (r *recorder) observe(o audience.Observation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.some || o.Delay < r.least {
		r.least = o.Delay
	}
	r.some = true
	s := &r.second
	if s.most = max(s.most, o.Delay); s.least == 0 || o.Delay < s.least {
		s.least = o.Delay
	}
	if !o.Video || o.Layer < 0 {
		return
	}
	if o.Frame > r.frame {
		s.pictures++
		r.frame = o.Frame
	}
	if len(r.changes) == 0 || o.Layer != r.layer {
		r.changes = append(r.changes, Change{o.At.UnixNano(), o.Layer})
		r.layer = o.Layer
	}
}

// tick ends a second.
func (r *recorder) tick(at time.Duration, before, now *audience.Stats) Second {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Second{
		At: round(at.Seconds()), Layer: r.layer, Kilobits: round(float64(now.Bytes-before.Bytes) * 8 / 1000), Pictures: r.second.pictures,
		DelayMin: milliseconds(r.second.least), DelayMax: milliseconds(r.second.most), Lost: now.Lost - min(before.Lost, now.Lost),
	}
	r.second.least, r.second.most, r.second.pictures = 0, 0, 0
	return s
}

// sweep is finer than many viewers could have it, because delays go into feedback.
const sweep = 500 * time.Microsecond

// Watching says how to watch.
type Watching struct {
	Endpoint string // of WHEP
	Duration time.Duration
	// SelectEvery is how often another layer is selected, in turn; 0 is never.
	SelectEvery time.Duration
}

// Watch plays a channel with one viewer for a time and returns what it saw. ctx cuts
// it short.
func Watch(ctx context.Context, w Watching) (Trace, error) {
	r := &recorder{}
	a, err := audience.New(audience.Config{Sweep: sweep, SampleEvery: 1, Witnesses: 1, Observe: r.observe})
	if err != nil {
		return Trace{}, err
	}
	defer a.Close() //nolint:errcheck // the server may be gone first
	began := time.Now()
	v, err := a.Join(ctx, w.Endpoint, "")
	if err != nil {
		return Trace{}, err
	}
	ctx, stop := context.WithDeadline(ctx, began.Add(w.Duration))
	defer stop()
	trace := Trace{Began: began.UnixNano()}
	var choosing sync.WaitGroup
	if w.SelectEvery > 0 {
		choosing.Go(func() { trace.WishesRefused = choose(ctx, v, w.SelectEvery) })
	}
	trace.Series = r.seconds(ctx, a, began)
	choosing.Wait()
	trace.Ended = time.Now().UnixNano()
	r.finish(&trace, v)
	return trace, nil
}

// seconds writes them down until ctx ends.
func (r *recorder) seconds(ctx context.Context, a *audience.Audience, began time.Time) (series []Second) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for before := (audience.Stats{}); ; {
		select {
		case <-ctx.Done():
			return series
		case <-ticker.C:
		}
		now := a.Snapshot()
		series = append(series, r.tick(time.Since(began), &before, &now))
		before = now
	}
}

// choose selects one layer after the other until ctx ends, and counts refusals.
func choose(ctx context.Context, v *audience.Viewer, every time.Duration) (refused int) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	rids := source.RIDs()
	for layer := 0; ; layer = (layer + 1) % len(rids) {
		select {
		case <-ctx.Done():
			return refused
		case <-ticker.C:
		}
		if err := v.Select(ctx, rids[layer], layer); err != nil && ctx.Err() == nil {
			refused++
		}
	}
}

// finish writes the sums.
func (r *recorder) finish(trace *Trace, v *audience.Viewer) {
	stats := v.Stats()
	r.mu.Lock()
	defer r.mu.Unlock()
	trace.Changes = r.changes
	trace.DelayMin, trace.DelayMax = milliseconds(r.least), milliseconds(stats.Delay.Max())
	trace.DelayP50, trace.DelayP95, trace.DelayP99 = quantile(&stats.Delay, 0.5), quantile(&stats.Delay, 0.95), quantile(&stats.Delay, 0.99)
	trace.Packets, trace.Bytes, trace.Expected, trace.Lost = stats.Packets, stats.Bytes, stats.Expected, stats.Lost
	trace.Retransmitted, trace.NACKs, trace.PLIs = stats.Retransmitted, stats.NACKs, stats.PLIs
	trace.Freezes, trace.LongestFreeze, trace.FramesStood = stats.Freezes, milliseconds(stats.LongestFreeze), stats.FramesStood
	trace.StepsBack, trace.Mixed, trace.Blind = stats.StepsBack, stats.Mixed, stats.KeyFramesMissing > 0
	trace.Wishes, trace.WishesUnmet, trace.Switches = stats.Wishes, stats.WishesUnmet, stats.Switches
	trace.SwitchP50, trace.SwitchP95 = quantile(&stats.SwitchDelay, 0.5), quantile(&stats.SwitchDelay, 0.95)
	for _, s := range stats.Streams {
		if s.Video {
			trace.VideoStreams++
		}
	}
}

func quantile(h *audience.Histogram, q float64) float64 { return milliseconds(h.Quantile(q)) }

func milliseconds(d time.Duration) float64 { return round(float64(d) / float64(time.Millisecond)) }
