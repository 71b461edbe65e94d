package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
)

// Call says how a call goes. All participants publish from the beginning to the end
// and are members too; each watches all others in slots.
type Call struct {
	// Slots is how many others each can see and hear.
	Slots int
	// SpeakEvery is how long one speaks before it is the next one's turn; 0 lets nobody
	// speak.
	SpeakEvery time.Duration
	// Events is the address of a member stream, in which ChannelMark stands for the
	// channel; empty leaves streams out.
	Events string
}

// callChannel is where participants meet.
const callChannel = "bench-call"

// The levels of somebody who speaks, and of a quiet room (RFC 6464).
const speaking, quiet = 25, 100

// checkCall reports what does not go with a call.
func (s *Scenario) checkCall() error {
	if s.Call == nil {
		return nil
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Call.Slots < 2 || s.Call.Slots > audience.MaxSlots {
		bad("--slots must be 2 to %d, got %d", audience.MaxSlots, s.Call.Slots)
	}
	if len(s.Viewers) != 1 || s.Viewers[0] < 2 || s.Viewers[0] > source.MaxIdentity {
		bad("--participants must be 2 to %d", source.MaxIdentity)
	}
	if s.Channels != 1 || s.FindMax || s.Churn > 0 || s.LateJoin {
		bad("a call has one channel, and nobody comes or goes")
	}
	if s.Call.SpeakEvery < 0 {
		bad("--speak-every must not be negative")
	}
	return errors.Join(errs...)
}

// publishers is how many there are.
func (s *Scenario) publishers() int {
	if s.Call != nil {
		return s.Viewers[0]
	}
	return s.Channels
}

// publishing is what publisher i sends and where to.
func (s *Scenario) publishing(i int) (endpoint, token string, cfg source.Config) {
	if s.Call == nil {
		channel := s.channel(i)
		return fill(s.WHIP, channel), fill(s.PublishToken, channel), s.Source
	}
	cfg = s.Source
	cfg.Identity = i + 1
	cfg.Level = s.level(i)
	return fill(s.WHIP, callChannel) + "/" + participant(i), fill(s.PublishToken, callChannel), cfg
}

// playing is where viewer i watches.
func (s *Scenario) playing(i int) (endpoint, token string) {
	if s.Call == nil {
		channel := s.channel(i)
		return fill(s.WHEP, channel), fill(s.PlayToken, channel)
	}
	return fill(s.WHEP, callChannel) + "?participant=" + participant(i%s.Viewers[0]), fill(s.PlayToken, callChannel)
}

func participant(i int) string { return fmt.Sprintf("p%d", i+1) }

// self is the number of the viewer's own source, in the address that playing made.
func (s *Scenario) self(endpoint string) (n int) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return 0
	}
	_, _ = fmt.Sscanf(u.Query().Get("participant"), "p%d", &n) // 0 where there is none
	return n
}

// level tells when participant i speaks: in turn with all others.
func (s *Scenario) level(i int) func(time.Time) uint8 {
	every, n := s.Call.SpeakEvery, int64(s.Viewers[0])
	return func(now time.Time) uint8 {
		if every > 0 && now.UnixNano()/int64(every)%n == int64(i) {
			return speaking
		}
		return quiet
	}
}

// join makes everybody a member of the call.
func (r *run) join(ctx context.Context) error {
	if r.s.Call == nil || r.s.Call.Events == "" {
		return nil
	}
	for i := range r.s.publishers() {
		m, err := r.member(ctx, &r.s, callChannel, participant(i))
		if err != nil {
			return fmt.Errorf("join the call: %w", err)
		}
		r.members = append(r.members, m)
	}
	return nil
}

// leave ends the member streams.
func (r *run) leave(ctx context.Context) error {
	errs := make([]error, len(r.members))
	parallel(leaveParallel, len(r.members), func(i int) { errs[i] = r.members[i].Leave(ctx) })
	r.members = nil
	return errors.Join(errs...)
}

// Slots is what became of the slots of a call in a window.
type Slots struct {
	// Each is how many slots a viewer has, Shown how many of all viewers' sections, two
	// for a slot, had media of somebody at the end.
	Each  int `json:"slots_each"`
	Shown int `json:"sections_shown_at_end"`
	// Changes counts changes of who is in a section. CaughtUp is the time from the first
	// packet of the newcomer until one that was less than 50 ms old; what is replayed
	// until then is not in the delays.
	Changes     uint64  `json:"slot_changes"`
	CaughtUpP50 float64 `json:"caught_up_ms_p50"`
	CaughtUpMax float64 `json:"caught_up_ms_max"`
	// The gaps are between the last packet of who was there and the first of who came.
	PictureGapP50 float64 `json:"change_picture_gap_ms_p50"`
	PictureGapMax float64 `json:"change_picture_gap_ms_max"`
	SoundGapP50   float64 `json:"change_sound_gap_ms_p50"`
	SoundGapMax   float64 `json:"change_sound_gap_ms_max"`
	// Own are frames sent to whoever made them; there must be none.
	Own uint64 `json:"own_frames"`
	// Events is how many events all member streams were sent.
	Events int64 `json:"member_events"`
}

func (w *window) slots(r *run) *Slots {
	s := &Slots{
		Each: r.s.Call.Slots, Shown: w.stats.Shown, Changes: w.stats.Casts, Own: w.stats.Own,
		CaughtUpP50: milliseconds(w.stats.CaughtUp.Quantile(0.5)), CaughtUpMax: milliseconds(w.stats.CaughtUp.Max()),
		PictureGapP50: milliseconds(w.stats.PictureGap.Quantile(0.5)), PictureGapMax: milliseconds(w.stats.PictureGap.Max()),
		SoundGapP50: milliseconds(w.stats.SoundGap.Quantile(0.5)), SoundGapMax: milliseconds(w.stats.SoundGap.Max()),
	}
	for _, m := range r.members {
		s.Events += m.Heard()
	}
	return s
}

// String is a sentence.
func (s *Slots) String() string {
	text := fmt.Sprintf("%d slots each, %d sections show somebody; %d changes", s.Each, s.Shown, s.Changes)
	if s.Changes > 0 {
		text += fmt.Sprintf(", with gaps of %s ms (p50) and %s ms (most) in the picture, %s and %s ms in the sound; up to date %s ms (p50), %s ms (most) later",
			number(s.PictureGapP50), number(s.PictureGapMax), number(s.SoundGapP50), number(s.SoundGapMax), number(s.CaughtUpP50), number(s.CaughtUpMax))
	}
	return text + fmt.Sprintf("; %d frames sent to who made them, %d events told", s.Own, s.Events)
}

// CallCost is what a packet costs in a call, against a broadcast of as many
// deliveries measured in turn.
type CallCost struct {
	Participants int `json:"participants"`
	Slots        int `json:"slots_each"`
	// Broadcast and Call are processor times per packet in µs.
	Broadcast float64 `json:"broadcast_cpu_us_per_packet"`
	Call      float64 `json:"call_cpu_us_per_packet"`
	// Ratio is Call by Broadcast.
	Ratio float64 `json:"ratio"`
	// BroadcastRate and CallRate are packets a second, to all viewers.
	BroadcastRate float64 `json:"broadcast_packets_per_second"`
	CallRate      float64 `json:"call_packets_per_second"`
}

// String is a sentence.
func (c *CallCost) String() string {
	return fmt.Sprintf("%d participants with %d slots: %s µs a packet at %s packets a second; a broadcast in turn %s µs at %s: %s times",
		c.Participants, c.Slots, number(c.Call), number(c.CallRate), number(c.Broadcast), number(c.BroadcastRate), number(c.Ratio))
}

// MeasureCall measures a call and a broadcast of the same stream to as many viewers as
// the call has filled slots, in turn, rounds times each. s.Call must be set. The runs
// are the broadcast's and the call's; the latter has the comparison, if the server's
// processes are known.
func MeasureCall(ctx context.Context, s Scenario, rounds int, progress func(string)) ([]Run, error) {
	return measureCall(ctx, realWorld(), s, rounds, progress)
}

func measureCall(ctx context.Context, w world, s Scenario, rounds int, progress func(string)) ([]Run, error) {
	if s.Call == nil || rounds < 1 {
		return nil, errors.New("a call wants slots, and at least one round")
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	broadcast := s
	broadcast.Call, broadcast.Name = nil, strings.TrimSpace(s.Name+" broadcast")
	broadcast.Viewers = []int{s.Viewers[0] * min(s.Call.Slots, s.Viewers[0]-1)}
	runs := []Run{describe(broadcast), describe(s)}
	for range rounds {
		for i, phase := range []Scenario{broadcast, s} {
			out, err := measure(ctx, w, phase, progress)
			runs[i].Points = append(runs[i].Points, out.Points...)
			runs[i].FloorNs = out.FloorNs
			if err != nil {
				return runs, err
			}
		}
	}
	runs[1].CallCost = callCost(s, runs[0].Points, runs[1].Points)
	return runs, nil
}

// callCost weighs the points by their packets; nil if the server could not be looked
// at.
func callCost(s Scenario, broadcast, call []Point) *CallCost {
	priced := func(points []Point) (price, rate float64) {
		var cpu, packets, seconds float64
		for i := range points {
			p := &points[i]
			if p.Server == nil {
				return 0, 0
			}
			n := float64(p.Packets + p.Dropped)
			cpu, packets, seconds = cpu+p.CPUPerPacket*n, packets+n, seconds+p.Seconds
		}
		if packets == 0 {
			return 0, 0
		}
		return cpu / packets, packets / seconds
	}
	c := &CallCost{Participants: s.Viewers[0], Slots: s.Call.Slots}
	one, oneRate := priced(broadcast)
	many, manyRate := priced(call)
	if one == 0 || many == 0 {
		return nil
	}
	c.Broadcast, c.Call, c.Ratio = round(one), round(many), round(many/one)
	c.BroadcastRate, c.CallRate = round(oneRate), round(manyRate)
	return c
}
