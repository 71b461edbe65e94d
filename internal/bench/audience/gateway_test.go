package audience_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// wait polls until ok, and fails the test after limit.
func wait(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("after %v still not: %s", limit, what)
		}
	}
}

func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, cfg audience.Config) *audience.Audience {
	t.Helper()
	a, err := audience.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return a
}

func join(t *testing.T, a *audience.Audience, endpoint string, n int) (viewers []*audience.Viewer) {
	t.Helper()
	for range n {
		v, err := a.Join(within(t, 20*time.Second), endpoint, "")
		if err != nil {
			t.Fatal(err)
		}
		viewers = append(viewers, v)
	}
	return viewers
}

func TestViewersReceiveEverything(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Picture: testkit.HD()})
	wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
	a := start(t, audience.Config{})
	viewers := join(t, a, g.WHEP("live"), 5)
	wait(t, 10*time.Second, "every viewer has its key frame", func() bool { return a.Snapshot().KeyFramesMissing == 0 })
	a.Reset()
	wait(t, 10*time.Second, "1000 packets", func() bool { return a.Snapshot().Packets > 1000 })
	s := a.Snapshot()
	t.Logf("%+v", s)
	for _, v := range viewers {
		t.Logf("%+v", v.Timings())
	}
	if s.Lost != 0 || s.Expected == 0 || s.Frames == 0 || s.FramesBroken != 0 || s.Undecipherable != 0 || s.Viewers != 5 {
		t.Errorf("%+v", s)
	}
}

func TestBothFamilies(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		t.Run(address, func(t *testing.T) {
			if l, err := net.Listen("tcp", net.JoinHostPort(address, "0")); err != nil {
				t.Skipf("this machine has no %s: %v", address, err)
			} else {
				l.Close()
			}
			g := testkit.StartGateway(t, func(c *gateway.Config) {
				c.HTTP.HTTP, c.Media.Listen = net.JoinHostPort(address, "0"), ":0"
			})
			p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
			wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
			a := start(t, audience.Config{})
			join(t, a, g.WHEP("live"), 1)
			wait(t, 10*time.Second, "packets", func() bool { return a.Snapshot().Packets > 100 })
			if s := a.Snapshot(); s.Lost != 0 || s.KeyFramesMissing != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestLossesAreAskedForAndRepaired(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Picture: testkit.HD()})
	wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
	a := start(t, audience.Config{Loss: 0.05})
	join(t, a, g.WHEP("live"), 3)
	wait(t, 20*time.Second, "2000 packets", func() bool { return a.Snapshot().Packets > 2000 })
	s := a.Snapshot()
	t.Logf("%+v", s)
	if s.Dropped < 20 || s.NACKs == 0 || s.Retransmitted == 0 || s.Undecipherable != 0 {
		t.Errorf("%+v", s)
	}
	// What was dropped last is still being asked for.
	if s.Lost > s.Dropped/4 {
		t.Errorf("%d of %d dropped packets stayed lost", s.Lost, s.Dropped)
	}
}

func TestNobodyIsLeftBehind(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
	a := start(t, audience.Config{})
	viewers := join(t, a, g.WHEP("live"), 3)
	wait(t, 10*time.Second, "packets", func() bool { return a.Snapshot().Packets > 100 })
	for _, v := range viewers {
		if err := v.Leave(within(t, 5*time.Second)); err != nil {
			t.Error(err)
		}
	}
	s := a.Snapshot()
	if s.Viewers != 0 || len(a.Viewers()) != 0 || s.Packets < 100 {
		t.Errorf("after all left: %+v", s)
	}
	if n := len(g.Sessions()); n != 1 { // the publisher's
		t.Errorf("the gateway has %d sessions", n)
	}
}
