package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
)

// Adaptation is what became of the layers of simulcast in a window.
type Adaptation struct {
	// Layers are the names of the layers, lowest first, as in the lists below.
	Layers []string `json:"layers"`
	// Share is how much of the viewers' time each layer had, in percent of the frames
	// that were looked into; Viewers is how many were on each at the end.
	Share   []float64 `json:"layer_share_percent"`
	Viewers []int     `json:"viewers_on_layer_at_end"`
	// Switches counts changes of layer, for whatever reason.
	Switches uint64 `json:"layer_switches"`
	// Wishes were asked for by hand, of those Unmet overtaken by the next one and
	// Refused by the server. The time is from the POST to the first packet of the new
	// layer.
	Wishes    uint64  `json:"switch_wishes"`
	Unmet     uint64  `json:"switch_wishes_unmet"`
	Refused   int     `json:"switch_wishes_refused"`
	SwitchP50 float64 `json:"switch_ms_p50"`
	SwitchP95 float64 `json:"switch_ms_p95"`
	SwitchMax float64 `json:"switch_ms_max"`
	// FramesStoodPerSwitch are the pictures that pauses with a switch in them left out.
	FramesStoodPerSwitch float64 `json:"frames_stood_per_switch"`
	// Mixed are frames with packets of two layers, told by Witnesses viewers only.
	Mixed     uint64 `json:"frames_mixed"`
	Witnesses int    `json:"witnesses"`
}

// Comparison is what transport-wide feedback costs the server: the windows with it
// against those without, taken in turn.
type Comparison struct {
	Viewers int `json:"viewers"`
	// Off and On are the processor times per packet without and with, in µs.
	Off float64 `json:"cpu_us_per_packet_without_feedback"`
	On  float64 `json:"cpu_us_per_packet_with_feedback"`
	// Ratio is On by Off.
	Ratio float64 `json:"ratio"`
	// OffRate and OnRate are packets a second and viewer: where they differ, viewers
	// were on other layers, and the ratio is not that of feedback alone.
	OffRate float64 `json:"packets_per_second_without_feedback"`
	OnRate  float64 `json:"packets_per_second_with_feedback"`
}

const (
	// witnesses are enough to see a mixed frame, and cheap.
	witnesses = 5
	// compareRounds is how often both sides of a comparison are measured.
	compareRounds = 2
	// selectParallel is how many selections are under way at once.
	selectParallel = 8
)

// layered tells whether there are layers to look at.
func (s *Scenario) layered() bool { return s.Source.Simulcast || len(s.Source.Films) > 0 }

// adaptation describes the layers of a window.
func (w *window) adaptation(viewers int) *Adaptation {
	s := &w.stats
	a := &Adaptation{
		Layers: source.RIDs(), Switches: s.Switches, Wishes: s.Wishes, Unmet: s.WishesUnmet, Refused: w.refused,
		SwitchP50: milliseconds(s.SwitchDelay.Quantile(0.5)), SwitchP95: milliseconds(s.SwitchDelay.Quantile(0.95)),
		SwitchMax: milliseconds(s.SwitchDelay.Max()), Mixed: s.Mixed, Witnesses: min(witnesses, viewers),
	}
	frames := uint64(0)
	for _, n := range s.LayerFrames {
		frames += n
	}
	for i := range a.Layers {
		share := 0.0
		if frames > 0 {
			share = 100 * float64(s.LayerFrames[i]) / float64(frames)
		}
		a.Share, a.Viewers = append(a.Share, round(share)), append(a.Viewers, s.OnLayer[i])
	}
	if s.Switches > 0 {
		a.FramesStoodPerSwitch = round(float64(s.FramesStood) / float64(s.Switches))
	}
	return a
}

// compare measures every number of viewers without and with transport-wide feedback,
// in turn.
func (r *run) compare(ctx context.Context) error {
	for _, n := range r.s.Viewers {
		first := len(r.out.Points)
		for range compareRounds {
			for _, f := range []audience.Feedback{audience.FeedbackReports, audience.FeedbackLibwebrtc} {
				if err := r.gatherWith(ctx, f); err != nil {
					return err
				}
				p, err := r.point(ctx, n)
				if err != nil {
					return err
				}
				p.Feedback = f.String()
				r.out.Points = append(r.out.Points, p)
			}
		}
		if c := compared(r.out.Points[first:]); c != nil {
			r.out.Comparisons = append(r.out.Comparisons, *c)
			r.say("%s", c)
		}
	}
	return nil
}

// gatherWith sends everybody home and opens the hall to viewers with this feedback.
func (r *run) gatherWith(ctx context.Context, f audience.Feedback) (err error) {
	r.hall.leave(ctx, r.hall.size())
	old := r.crowd
	cfg := r.audienceConfig()
	cfg.Feedback = f
	if r.crowd, err = r.gather(cfg); err != nil {
		r.crowd = old
		return err
	}
	r.hall.crowd = r.crowd
	return old.Close()
}

// compared weighs the points by their packets; nil if the server could not be looked
// at.
func compared(points []Point) *Comparison {
	cpu, packets, watched := map[string]float64{}, map[string]float64{}, map[string]float64{}
	for i := range points {
		p := &points[i]
		if p.Server == nil {
			return nil
		}
		n := float64(p.Packets + p.Dropped)
		cpu[p.Feedback] += p.CPUPerPacket * n
		packets[p.Feedback] += n
		watched[p.Feedback] += p.Seconds * float64(max(p.Viewers-p.JoinErrors, 1))
	}
	off, on := audience.FeedbackReports.String(), audience.FeedbackLibwebrtc.String()
	if packets[off] == 0 || packets[on] == 0 || cpu[off] == 0 {
		return nil
	}
	c := &Comparison{Viewers: points[0].Viewers, Off: round(cpu[off] / packets[off]), On: round(cpu[on] / packets[on])}
	c.Ratio = round(cpu[on] / packets[on] / (cpu[off] / packets[off]))
	c.OffRate, c.OnRate = round(packets[off]/watched[off]), round(packets[on]/watched[on])
	return c
}

// sameRate is by how much the packets of a fair comparison may differ.
const sameRate = 0.05

// String is a sentence.
func (c *Comparison) String() string {
	text := fmt.Sprintf("%d viewers: %s µs a packet without transport-wide feedback, %s with it: %s times", c.Viewers, number(c.Off), number(c.On), number(c.Ratio))
	if max(c.OffRate, c.OnRate) > (1+sameRate)*min(c.OffRate, c.OnRate) {
		text += fmt.Sprintf(", but not of the same layers: %s and %s packets a second for each", number(c.OffRate), number(c.OnRate))
	}
	return text
}

// choose lets the viewers select one layer after the other, each of them once in
// SwitchEvery, until ctx ends. It waits for selections under way; one too many is
// left out.
func (r *run) choose(ctx context.Context, w *window) {
	viewers := r.hall.all()
	if len(viewers) == 0 {
		return
	}
	ticker := time.NewTicker(max(r.s.SwitchEvery/time.Duration(len(viewers)), time.Millisecond))
	defer ticker.Stop()
	places := make(chan struct{}, selectParallel) // full: this turn is skipped
	var work sync.WaitGroup
	defer work.Wait()
	rids := source.RIDs()
	var mu sync.Mutex
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		v, layer := viewers[turn%len(viewers)], (turn/len(viewers)+turn%len(viewers)%2)%len(rids) // whoever is on the highest begins with another
		select {
		case places <- struct{}{}:
		default:
			continue
		}
		work.Go(func() {
			defer func() { <-places }()
			limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinLimit)
			defer cancel()
			err := v.Select(limited, rids[layer], layer)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				w.refused++
			}
			if w.refused == 1 && err != nil {
				r.say("a selection was refused: %v", err)
			}
		})
	}
}

// all are the viewers who are there.
func (h *hall) all() []viewer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]viewer(nil), h.present...)
}

// String sums the layers up in sentences.
func (a *Adaptation) String() string {
	var parts []string
	for i, name := range a.Layers {
		parts = append(parts, fmt.Sprintf("%s %s %%", name, number(a.Share[i])))
	}
	text := "time on layers: " + strings.Join(parts, ", ") + fmt.Sprintf("; %d changes of layer", a.Switches)
	if a.Switches > 0 {
		text += fmt.Sprintf(", %s pictures left out at each", number(a.FramesStoodPerSwitch))
	}
	if a.Wishes > 0 {
		text += fmt.Sprintf("; %d selections, there after %s ms (p50), %s ms (p95), %s ms (most), %d overtaken, %d refused",
			a.Wishes, number(a.SwitchP50), number(a.SwitchP95), number(a.SwitchMax), a.Unmet, a.Refused)
	}
	return text + fmt.Sprintf("; %d frames mixed of two layers, as %d viewers saw", a.Mixed, a.Witnesses)
}

// checkAdaptation reports what cannot be measured together.
func (s *Scenario) checkAdaptation() error {
	var errs []error
	if s.SwitchEvery != 0 && (s.SwitchEvery < 100*time.Millisecond || !s.layered()) {
		errs = append(errs, errors.New("--switch-every must be at least 100ms, and wants --simulcast"))
	}
	if s.CompareFeedback && (s.FindMax || s.Feedback != audience.FeedbackLibwebrtc) {
		errs = append(errs, errors.New("--compare-feedback goes neither with --find-max nor with another --feedback"))
	}
	return errors.Join(errs...)
}
