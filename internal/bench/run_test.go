package bench

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/procstat"
	"github.com/headgate/headgate/internal/bench/source"
)

func near(got, want float64) bool { return math.Abs(got-want) <= 0.05*math.Abs(want) }

func TestARunMeasuresWhatTheServerDoes(t *testing.T) {
	out, said, err := pretend(t, &fakeServer{selfCPU: 0.25}, func(s *Scenario) { s.Viewers = []int{10, 50} })
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Points) != 2 {
		t.Fatalf("%d points", len(out.Points))
	}
	p := out.Points[1]
	for name, ok := range map[string]bool{
		"viewers":      p.Viewers == 50 && p.Joined == 50 && p.JoinErrors == 0 && p.NoKeyFrame == 0,
		"window":       p.Seconds == 20 && near(float64(p.Packets), 0.9*20*50*perSecond) && near(float64(p.Dropped), 0.1*20*50*perSecond) && near(p.PacketsPerSecond, 0.9*50*perSecond),
		"bit rate":     near(p.MegabitPerSecond, 50*perSecond*8/1e3),
		"delay":        p.DelaySamples > 5000 && near(p.DelayP50, 5) && near(p.DelayP99, 5),
		"joins":        p.AnsweredP50 == 5 && p.ConnectedP50 == 10 && p.FirstPacketP95 == 12 && p.FirstKeyFrameP50 == 20 && p.LiveEdgeP95 == 40,
		"speed":        near(p.JoinsPerSecond, 4/joinTime.Seconds()),
		"price":        near(p.CPUPerPacket, 20) && near(p.Cores, 50*perSecond*packetCPU.Seconds()),
		"memory":       near(p.MemoryPerViewer, 300) && near(p.PSSPerViewer, 150),
		"set-up":       near(p.SetupPerSession, 4),
		"client":       near(p.ClientCores, 0.25) && p.PublisherLate == 1 && p.OtherCores == 0,
		"series":       len(p.Series) == 20 && near(p.Series[5].DelayP50, 5) && near(p.Series[5].CPUPerPacket, 20),
		"no remarks":   len(p.Notes) == 0 && len(p.Broken) == 0,
		"first point":  near(out.Points[0].DelayP50, 1) && near(out.Points[0].MemoryPerViewer, 300),
		"description":  out.Setup.Duration == 20 && out.Stream.GOP == 2 && out.Stream.BitsPerSecond == 2_500_000 && out.Setup.Feedback == "libwebrtc",
		"said so much": strings.Contains(said, "50 viewers: loss 0 %"),
	} {
		if !ok {
			t.Errorf("%s: %+v\n%s", name, p, said)
		}
	}
}

func TestTheServerMayBeFarAway(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.PIDs = nil })
	if err != nil || out.Points[0].Server != nil || out.Points[0].Packets == 0 {
		t.Errorf("%+v, %v", out.Points, err)
	}
}

func TestTokensAndChannels(t *testing.T) {
	s := &fakeServer{}
	_, _, err := pretend(t, s, func(sc *Scenario) {
		sc.Channels, sc.Viewers, sc.PublishToken, sc.PlayToken = 2, []int{3}, "p", "v-{channel}"
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(s.endpoints, "\n")
	for _, want := range []string{
		"http://127.0.0.1:1/whip/bench-0 p", "http://127.0.0.1:1/whip/bench-1 p",
		"http://127.0.0.1:1/whep/bench-0 v-bench-0", "http://127.0.0.1:1/whep/bench-1 v-bench-1",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
}

func TestJoinRateIsKept(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.JoinRate, s.Viewers = 20, []int{40} })
	if err != nil || !near(out.Points[0].JoinsPerSecond, 20) {
		t.Errorf("%v a second, %v", out.Points[0].JoinsPerSecond, err)
	}
}

func TestChurnReplacesViewers(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.Churn = 5 })
	if err != nil {
		t.Fatal(err)
	}
	if p := out.Points[0]; p.Joined < 100 || p.Joined > 115 {
		t.Errorf("%d came, want 10 and about 100 more", p.Joined)
	}
}

func TestPublishersRestartInTurn(t *testing.T) {
	s := &fakeServer{}
	out, _, err := pretend(t, s, func(sc *Scenario) { sc.RestartEvery, sc.Channels = 3*time.Second, 2 })
	if err != nil {
		t.Fatal(err)
	}
	if p := out.Points[0]; p.Restarts != 6 || s.publishers[0].restarts != 3 || s.publishers[1].restarts != 3 {
		t.Errorf("%d restarts, %d and %d", p.Restarts, s.publishers[0].restarts, s.publishers[1].restarts)
	}
}

func TestLateJoinersAreCompared(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.LateJoin, s.Source.GOP = true, 10*time.Second })
	if err != nil {
		t.Fatal(err)
	}
	late := out.Points[0].Late
	if len(late) != lateJoiners {
		t.Fatalf("%+v", late)
	}
	for _, l := range late {
		if l.FirstKeyFrame != 20 || l.LiveEdge != 40 || !near(l.FirstDelayP50, 1) || !near(l.DelayP50, 0.1) || l.Error != "" {
			t.Errorf("%+v", l)
		}
	}
}

func TestTheSearchFindsTheMost(t *testing.T) {
	limit := func(s *Scenario) {
		s.FindMax, s.Viewers, s.Duration = true, []int{50}, 2*time.Second
		if err := s.Limits.UnmarshalText([]byte("p99=30ms")); err != nil { // 300 viewers
			t.Fatal(err)
		}
	}
	out, _, err := pretend(t, &fakeServer{}, limit)
	if err != nil {
		t.Fatal(err)
	}
	if m := out.Max; m.Viewers < 280 || m.Viewers > 300 || m.Broken <= m.Viewers || m.Broken > 316 || len(m.Why) != 1 || m.ClientFull {
		t.Errorf("%+v", m)
	}
	for i, p := range out.Points[1:] {
		if p.Viewers <= out.Points[i].Viewers {
			t.Errorf("not in order: %d, %d", out.Points[i].Viewers, p.Viewers)
		}
	}
	out, _, err = pretend(t, &fakeServer{disturbed: 8 * time.Second}, limit) // all of the first window
	if err != nil || out.Max.Viewers < 280 || !near(out.Points[0].SetupPerSession, 4) {
		t.Errorf("disturbed once: %+v, %+v, %v", out.Max, out.Points[0].Server, err)
	}
	out, _, err = pretend(t, &fakeServer{room: 120}, limit)
	if err != nil || out.Max.Viewers > 120 || out.Max.Viewers < 110 || !strings.Contains(strings.Join(out.Max.Why, ""), "503") {
		t.Errorf("a server with room for 120: %+v, %v", out.Max, err)
	}
	out, _, err = pretend(t, &fakeServer{selfCPU: 1000}, limit)
	if err != nil || !out.Max.ClientFull || out.Max.Viewers != 0 {
		t.Errorf("a client without time: %+v, %v", out.Max, err)
	}
}

func TestWhatIsWrongIsNoted(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{room: 5, selfCPU: 1000, others: 0.5}, func(*Scenario) {})
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(out.Points[0].Notes, "\n")
	for _, want := range []string{"5 viewers could not join: 503 full", "delays and loss may be its own", "other programs used 0.50 cores"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing in %q", want, notes)
		}
	}
}

// noCrowd is a server that nobody can join.
func noCrowd(w world) world {
	gather := w.gather
	w.gather = func(cfg audience.Config) (crowd, error) {
		c, err := gather(cfg)
		return refusing{c}, err
	}
	return w
}

type refusing struct{ crowd }

func (refusing) Join(context.Context, string, string) (viewer, error) { return nil, errFull }

func TestErrorsEndARun(t *testing.T) {
	refused := errors.New("401 no-token")
	for name, tc := range map[string]struct {
		change func(*Scenario)
		world  func(world) world
		want   error
	}{
		"a bad scenario":     {func(s *Scenario) { s.Channels = 0 }, nil, nil},
		"no such process":    {func(s *Scenario) { s.PIDs = []int{404} }, nil, procstat.ErrNoProcess},
		"nobody may join":    {func(*Scenario) {}, noCrowd, errFull},
		"nobody may publish": {func(*Scenario) {}, func(w world) world { w.publish = refuse(refused); return w }, refused},
		"a publisher ends":   {func(*Scenario) {}, func(w world) world { w.publish = ending(refused); return w }, refused},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := local()
				s.PIDs = []int{42}
				tc.change(&s)
				w := (&fakeServer{}).world()
				if tc.world != nil {
					w = tc.world(w)
				}
				if _, err := measure(t.Context(), w, s, nil); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
			})
		})
	}
}

func refuse(err error) func(context.Context, source.Config, string, string) (publisher, error) {
	return func(context.Context, source.Config, string, string) (publisher, error) { return nil, err }
}

func ending(err error) func(context.Context, source.Config, string, string) (publisher, error) {
	return func(context.Context, source.Config, string, string) (publisher, error) {
		return &fakePublisher{err: err, gop: time.Second}, nil
	}
}

func TestACancelledRunReturnsWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second) // within the second window
		defer cancel()
		s := local()
		s.Viewers = []int{1, 2, 3}
		out, err := measure(ctx, (&fakeServer{}).world(), s, nil)
		if !errors.Is(err, context.DeadlineExceeded) || len(out.Points) != 1 {
			t.Errorf("%d points, %v", len(out.Points), err)
		}
	})
}

func TestSetUpLeavesOutWhatPacketsCost(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.Viewers, s.JoinRate = []int{50}, 5 })
	if err != nil {
		t.Fatal(err)
	}
	p := out.Points[0]
	meanwhile := 25 * perSecond * 10 * packetCPU.Seconds() * 1000 / 50 // ten seconds, 25 viewers on average
	if !near(p.SetupPerSession, 4) || !near(p.SetupPerSessionGross, 4+meanwhile) {
		t.Errorf("%v ms, %v ms gross, want 4 and %v", p.SetupPerSession, p.SetupPerSessionGross, 4+meanwhile)
	}
}

func TestMemoryCountsFromBeforeTheFirstViewer(t *testing.T) {
	out, _, err := pretend(t, &fakeServer{}, func(s *Scenario) { s.Viewers = []int{100, 10} })
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range out.Points {
		if !near(p.MemoryPerViewer, viewerSize/1024) {
			t.Errorf("%d viewers: %v KiB each", p.Viewers, p.MemoryPerViewer)
		}
	}
}
