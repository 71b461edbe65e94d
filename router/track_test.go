package router

import "testing"

func TestClose(t *testing.T) {
	i := newIntake(t, nil)
	i.send(vp8(100, 0, true))
	i.in.Close()
	i.in.Close()
	if len(i.video.Layers()) != 0 || i.video.Active(i.now) || i.video.Codec().Name != "" {
		t.Error("layers of a closed publisher")
	}
	i.takeBursts()
	i.send(vp8(101, intakeFrame, true))
	if len(i.bursts) != 0 || len(i.video.Layers()) != 0 || i.in.Tick(i.now.Add(1000*ms)) != nil {
		t.Error("a closed Ingest works")
	}
	i.in.RTCP(i.now, []byte{0x80, 200, 0, 0})
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
