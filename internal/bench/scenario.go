package bench

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/source"
)

// ChannelMark stands for the name of a channel in addresses and tokens.
const ChannelMark = "{channel}"

// Scenario says what is measured. Start from DefaultScenario.
type Scenario struct {
	// Name stands in reports.
	Name string
	// WHIP and WHEP are addresses in which ChannelMark stands for the channel.
	WHIP, WHEP string
	// PublishToken and PlayToken are bearer tokens, empty for none. ChannelMark may
	// stand in them too: some servers take the token for the channel.
	PublishToken, PlayToken string

	// Viewers is how many there are, one measurement after the other.
	Viewers []int
	// Channels is how many streams are published; viewers are spread over them.
	Channels int
	// Source is what is published.
	Source source.Config

	// Warmup passes before the first viewer comes and again before each window,
	// Duration is the length of the window that is measured.
	Warmup, Duration time.Duration
	// JoinParallel is how many viewers join at once, JoinRate how many a second at
	// most; 0 is no limit.
	JoinParallel int
	JoinRate     float64
	// Churn is how many viewers a second leave and are replaced in the window.
	Churn float64
	// RestartEvery is how often a publisher is stopped and started again in the
	// window, in turn; 0 is never.
	RestartEvery time.Duration
	// SwitchEvery is how often each viewer selects another layer in the window, in turn;
	// 0 is never.
	SwitchEvery time.Duration
	// CompareFeedback measures each number of viewers twice without and twice with
	// transport-wide feedback, in turn.
	CompareFeedback bool
	// LateJoin measures a viewer that comes half a group of pictures after a key
	// frame, after each window.
	LateJoin bool

	// Call makes the viewers the participants of one call, each publishing and watching
	// slots; nil is a broadcast. Channels and FindMax do not go with it.
	Call *Call

	// FindMax raises the number of viewers from the first of Viewers until a limit
	// breaks.
	FindMax bool
	// Limits say what is good enough. Without FindMax they are only reported.
	Limits Limits

	// Loss is the share of packets, 0 to below 1, that the viewers lose on purpose.
	Loss float64
	// Feedback is the RTCP of viewers.
	Feedback audience.Feedback
	// SampleEvery is as in audience.Config.
	SampleEvery int

	// PIDs are the server's processes on this machine, none if it cannot be looked
	// at.
	PIDs []int
	// Floor measures the least this machine needs per packet, before and after.
	Floor bool

	// HTTP does the publishers' requests; nil means http.DefaultClient.
	HTTP *http.Client
	// UserAgent is told to the server.
	UserAgent string
}

// DefaultScenario is one stream with sound and ten viewers for twenty seconds.
func DefaultScenario() Scenario {
	return Scenario{
		Viewers: []int{10}, Channels: 1, Source: source.DefaultConfig(), Warmup: 3 * time.Second, Duration: 20 * time.Second, JoinParallel: 4,
	}
}

// maxViewers is beyond what the ports of one address allow.
const maxViewers = 60_000

// Validate reports every bad field, named as the flag is.
func (s Scenario) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	errs = append(errs, checkTemplate("--whip", s.WHIP), checkTemplate("--whep", s.WHEP), s.Source.Validate())
	if s.Channels < 1 || s.Channels > 1000 {
		bad("--channels must be 1 to 1000, got %d", s.Channels)
	}
	if s.Channels > 1 && !strings.Contains(s.WHIP+s.PublishToken, ChannelMark) {
		bad("--channels %d wants %s in the address or in the token", s.Channels, ChannelMark)
	}
	if len(s.Viewers) == 0 {
		bad("--viewers must name at least one number")
	}
	for _, n := range s.Viewers {
		if n < 1 || n > maxViewers {
			bad("--viewers must be 1 to %d, got %d", maxViewers, n)
		}
	}
	if s.Duration < 100*time.Millisecond {
		bad("--duration must be at least 100ms, got %v", s.Duration)
	}
	if s.Warmup < 0 || s.RestartEvery < 0 {
		bad("--warmup and --restart-publisher-every must not be negative")
	}
	if s.JoinParallel < 1 || s.JoinRate < 0 || s.Churn < 0 {
		bad("--join-parallel must be at least 1, --join-rate and --churn not negative")
	}
	if s.Loss < 0 || s.Loss >= 1 {
		bad("--loss must be 0%% to below 100%%")
	}
	errs = append(errs, s.checkAdaptation(), s.checkCall())
	if s.FindMax && s.Limits.none() {
		bad("--find-max wants a --limit, such as p99=100ms,loss=0.1%%")
	}
	return errors.Join(errs...)
}

func checkTemplate(flag, address string) error {
	u, err := url.Parse(strings.ReplaceAll(address, ChannelMark, "x"))
	if err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%s must be an address such as http://localhost:8080, got %q", flag, address)
	}
	return nil
}

// Endpoints fills WHIP and WHEP where they are empty, from the address of a
// server with Headgate's paths.
func (s *Scenario) Endpoints(server string) {
	server = strings.TrimSuffix(server, "/")
	s.WHIP = cmp.Or(s.WHIP, server+"/whip/"+ChannelMark)
	s.WHEP = cmp.Or(s.WHEP, server+"/whep/"+ChannelMark)
}

// channel is the name of the stream that number i publishes or plays.
func (s *Scenario) channel(i int) string {
	return "bench-" + strconv.Itoa(i%s.Channels)
}

// fill puts a channel's name into an address or token.
func fill(template, channel string) string { return strings.ReplaceAll(template, ChannelMark, channel) }
