package router

import "testing"

func TestCloseAndTakeover(t *testing.T) {
	old := newIntake(t, nil)
	old.send(vp8(100, 0, true))
	first := old.theLayer(old.video)
	next := &intake{TB: t, now: old.now, video: old.video, audio: old.audio}
	cfg := intakeConfig()
	cfg.Sections[0].Track, cfg.Sections[1].Track = old.video, old.audio
	next.in = NewIngest(cfg)
	failed := NewIngest(cfg)

	failed.Close() // never sent anything: changes nothing
	old.takeBursts()
	old.send(vp8(101, intakeFrame, false))
	if old.theLayer(old.video) != first || len(old.bursts) != 1 {
		t.Fatal("a publisher that never sent anything took over")
	}

	next.send(vp8(9000, 77, true))
	second := next.theLayer(next.video)
	if second == first {
		t.Fatal("the newer publisher did not take over")
	}
	old.takeBursts()
	old.send(vp8(102, 2*intakeFrame, false))
	old.in.Close()
	if len(old.bursts) != 0 || next.theLayer(next.video) != second {
		t.Error("the old publisher still shows")
	}
	next.in.Close()
	next.in.Close()
	if len(next.video.Layers()) != 0 || next.video.Active(next.now) || next.video.Codec().Name != "" {
		t.Error("layers of a closed publisher")
	}
	next.send(vp8(9001, 77+intakeFrame, true))
	if len(next.video.Layers()) != 0 || next.in.Tick(next.now.Add(1000*ms)) != nil {
		t.Error("a closed Ingest works")
	}
	next.in.RTCP(next.now, []byte{0x80, 200, 0, 0})
}

func TestSubscriptionEnds(t *testing.T) {
	i := newIntake(t, nil)
	other := &intake{TB: t}
	cancel := i.video.Subscribe(other)
	i.send(vp8(100, 0, true))
	cancel()
	cancel()
	i.send(vp8(101, intakeFrame, false))
	if len(other.bursts) != 1 || len(i.bursts) != 2 {
		t.Errorf("%d bursts after cancelling, %d for the other", len(other.bursts), len(i.bursts))
	}
}

// cancel waits for a delivery that is under way.
func TestCancelWaits(t *testing.T) {
	track := NewTrack(Video, nil)
	s := &slowSubscriber{entered: make(chan struct{}), leave: make(chan struct{})}
	cancel := track.Subscribe(s)
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		track.deliver(Burst{})
	}()
	<-s.entered
	underWay := (*track.subscriptions.Load())[0]
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		cancel()
		s.cancelled = true // a race unless cancel waits
	}()
	close(s.leave)
	<-delivered
	<-cancelled
	track.deliver(Burst{})
	underWay.deliver(Burst{}) // somebody who still has the old list
	if s.count != 1 || !s.cancelled {
		t.Errorf("%d bursts", s.count)
	}
}

type slowSubscriber struct {
	entered, leave chan struct{}
	count          int
	cancelled      bool
}

func (s *slowSubscriber) Deliver(Burst) {
	close(s.entered)
	<-s.leave
	s.count++
	if s.cancelled {
		s.count += 100
	}
}
