package bench

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// quick is a small run against a gateway in this process.
func quick(t *testing.T, change func(*Scenario)) (Run, error) {
	t.Helper()
	g := testkit.StartGateway(t, nil)
	s := DefaultScenario()
	s.Name, s.Viewers, s.Warmup, s.Duration, s.SampleEvery = "quick", []int{5}, 300*time.Millisecond, time.Second, 1
	s.Endpoints(g.URL())
	change(&s)
	return Measure(t.Context(), s, func(line string) { t.Log(line) })
}

func TestAGatewayIsMeasured(t *testing.T) {
	out, err := quick(t, func(s *Scenario) {
		if runtime.GOOS == "linux" {
			s.PIDs, s.Floor = []int{os.Getpid()}, true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p := out.Points[0]
	for name, ok := range map[string]bool{
		"everybody joined":    p.Joined == 5 && p.JoinErrors == 0 && p.JoinsPerSecond > 0,
		"packets":             p.Packets > 5*150 && p.Packets < 5*700,
		"nothing lost":        p.LossPercent == 0 && p.FramesBrokenPercent == 0,
		"frames":              p.Frames > 5*15 && p.Frames < 5*45,
		"delay":               p.DelayP50 > 0 && p.DelayP50 < 1000 && p.DelayP99 >= p.DelayP50 && p.DelayMax >= p.DelayP99,
		"first packets":       p.AnsweredP50 > 0 && p.ConnectedP50 >= p.AnsweredP50 && p.FirstPacketP50 >= p.AnsweredP50,
		"first key frames":    p.NoKeyFrame == 0 && p.FirstKeyFrameP50 >= p.FirstPacketP50 && p.FirstKeyFrameP95 < 5000,
		"publisher":           p.PublisherLate < 1000 && p.ViewersLost == 0,
		"what it used, Linux": runtime.GOOS != "linux" || p.CPUPerPacket > 0 && p.Cores > 0 && p.OfFloor > 1 && out.FloorNs > 50,
	} {
		if !ok {
			t.Errorf("%s: %+v, server %+v", name, p, p.Server)
		}
	}
}

func TestManyChannelsAndLateViewers(t *testing.T) {
	out, err := quick(t, func(s *Scenario) {
		s.Channels, s.Viewers, s.LateJoin, s.Feedback, s.Duration = 3, []int{6}, true, audience.FeedbackNone, 500*time.Millisecond
		s.Source.BitsPerSecond, s.Source.Deaf, s.Source.GOP = 500_000, true, time.Second
	})
	if err != nil {
		t.Fatal(err)
	}
	p := out.Points[0]
	if p.Joined != 6 || p.LossPercent != 0 || len(p.Late) != lateJoiners || p.Server != nil {
		t.Errorf("%+v", p)
	}
	for _, l := range p.Late {
		if l.Error != "" || l.LiveEdge <= 0 || l.DelayP50 <= 0 || l.FirstDelayP50 <= 0 {
			t.Errorf("late: %+v", l)
		}
	}
}

func TestViewersSurviveRestarts(t *testing.T) {
	out, err := quick(t, func(s *Scenario) {
		s.RestartEvery, s.Duration, s.Churn = 700*time.Millisecond, 2*time.Second, 5 // who comes in between is told to wait
		s.Source.BitsPerSecond = 500_000
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := out.Points[0]; p.Restarts != 2 || p.ViewersLost != 0 || p.Packets < 500 || p.Joined < 8 {
		t.Errorf("%+v", p)
	}
}

// TestACallIsMeasured: everybody sends once and gets everybody else, and never themselves.
func TestACallIsMeasured(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	s := DefaultScenario()
	s.Viewers, s.Warmup, s.Duration = []int{4}, 2*time.Second, time.Second
	s.Source.BitsPerSecond = 300_000
	s.Endpoints(g.URL())
	s.Call = &Call{Slots: 3, SpeakEvery: 500 * time.Millisecond, Events: g.URL() + "/api/v1/channels/{channel}/events"}
	runs, err := MeasureCall(t.Context(), s, 1, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	broadcast, call := runs[0].Points[0], runs[1].Points[0]
	if broadcast.Joined != 12 || call.Joined != 4 || call.LossPercent != 0 || call.DelaySamples == 0 || call.StepsBack != 0 {
		t.Errorf("broadcast %+v\ncall %+v", broadcast, call)
	}
	if slots := call.Slots; slots.Shown != 24 || slots.Own != 0 || slots.Changes != 0 || slots.Events < 4*3 {
		t.Errorf("%+v", slots)
	}
}

func TestRefusalsAreSaid(t *testing.T) {
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Auth.Own = []byte(strings.Repeat("k", 32)) })
	s := DefaultScenario()
	s.Endpoints(g.URL())
	if _, err := Measure(t.Context(), s, nil); err == nil || !strings.Contains(err.Error(), "401") || !strings.Contains(err.Error(), "no-token") {
		t.Errorf("error %v", err)
	}
}
