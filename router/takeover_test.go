package router

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestAFailedNegotiationDoesNotCountAsATakeover(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "obs")
	failed, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	failed.Abort()
	if s.publish("live", "main", "obs"); first.ended == nil {
		t.Error("the next POST did not take over")
	}
}

func TestAFailedNegotiationAfterAGoodbyeLeavesNothing(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "obs")
	w := s.watch("live", Selector{}, "")
	second, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	first.End(s.now)
	if w.sees() != "" {
		t.Error("a viewer is fed by a publisher that said goodbye")
	}
	second.Abort()
	if want := []EventKind{Published, Unpublished}; !slices.Equal(s.events, want) {
		t.Errorf("events = %v, want %v", s.events, want)
	}
	s.pass(5 * time.Minute)
	if w.ended == nil || w.ended.Code != "idle" {
		t.Errorf("the viewer ended with %v, want idle", w.ended)
	}
	w.Detach()
	if got := s.router.Channels(); len(got) != 0 {
		t.Errorf("channels left: %v", got)
	}
}

func TestViewersSeeTheOldPublisherUntilTheNewOneHasItsAnswer(t *testing.T) {
	s := newStage(t, nil)
	first := s.publish("live", "main", "obs")
	w := s.watch("live", Selector{}, "")
	second, err := s.tryPublish("live", "main", "obs")
	if err != nil {
		t.Fatal(err)
	}
	if w.fedBy() != first.Publisher {
		t.Error("fed by a publisher that has no answer yet")
	}
	second.Commit(s.now, nil)
	if w.fedBy() != second.Publisher || w.ended != nil {
		t.Errorf("not fed by the publisher that took over; ended %v", w.ended)
	}
}

func TestAnotherLoginThatReplacesTheSameSourceIsADuplicate(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Duplicates = ReplaceDuplicates })
	older := s.publish("live", "main", "one")
	newer := s.publish("live", "main", "two")
	if older.ended == nil || older.ended.Code != "duplicate-id" {
		t.Errorf("the older login ended with %v, want duplicate-id", older.ended)
	}
	newer.seen = s.now
	if _, err := s.tryPublish("live", "main", "one"); !errors.Is(err, ErrBusy) {
		t.Errorf("two logins may take turns without a hold: %v", err)
	}
}
