package bench

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// aCall is three people with two slots each.
func aCall() Scenario {
	s := local()
	s.PIDs, s.Viewers, s.Duration = []int{42}, []int{3}, 2*time.Second
	s.Call = &Call{Slots: 2, SpeakEvery: time.Second, Events: "http://127.0.0.1:1/api/v1/channels/{channel}/events"}
	return s
}

func TestACallIsComparedWithABroadcastOfAsManyDeliveries(t *testing.T) {
	server := &fakeServer{}
	var runs []Run
	synctest.Test(t, func(t *testing.T) {
		var err error
		if runs, err = measureCall(t.Context(), server.world(), aCall(), 2, nil); err != nil {
			t.Fatal(err)
		}
	})
	broadcast, call := runs[0], runs[1]
	if len(broadcast.Points) != 2 || len(call.Points) != 2 || broadcast.Points[0].Viewers != 6 || call.Points[1].Viewers != 3 {
		t.Fatalf("%+v", runs)
	}
	if c := call.CallCost; c == nil || c.Ratio < 1.45 || c.Ratio > 1.55 || c.Participants != 3 || c.Slots != 2 {
		t.Errorf("%+v", c)
	}
	if s := call.Points[0].Slots; s == nil || s.Each != 2 || s.Shown != 6 || s.Events != 9 || broadcast.Points[0].Slots != nil {
		t.Errorf("%+v", s)
	}
	for _, want := range []string{
		"http://127.0.0.1:1/whip/bench-call/p3 ", "http://127.0.0.1:1/whep/bench-call?participant=p1 ", "http://127.0.0.1:1/whep/bench-0 ",
	} {
		if !slices.Contains(server.endpoints, want) {
			t.Errorf("nobody went to %q: %q", want, server.endpoints)
		}
	}
	if len(server.members) != 6 || server.members[0].name != "bench-call/p1" || !server.members[5].left {
		t.Errorf("members %+v", server.members)
	}
	var text strings.Builder
	if err := NewReport("test", runs...).WriteTable(&text); err != nil || !strings.Contains(text.String(), "1.50 times") || !strings.Contains(text.String(), "2 slots each") {
		t.Errorf("%v: %s", err, &text)
	}
}

func TestParticipantsSpeakInTurn(t *testing.T) {
	s := aCall()
	for second := range int64(6) {
		var loud []int
		for i := range 3 {
			if s.level(i)(time.Unix(second, 0)) == speaking {
				loud = append(loud, i)
			}
		}
		if len(loud) != 1 || loud[0] != int(second%3) {
			t.Errorf("in second %d %v speak", second, loud)
		}
	}
	if endpoint, _ := s.playing(1); s.self(endpoint) != 2 {
		t.Errorf("%s is of source %d", endpoint, s.self(endpoint))
	}
	if _, _, cfg := s.publishing(1); cfg.Identity != 2 {
		t.Errorf("%+v", cfg)
	}
}

func TestWhatDoesNotGoWithACall(t *testing.T) {
	for want, change := range map[string]func(*Scenario){
		"--slots":        func(s *Scenario) { s.Call.Slots = 1 },
		"--participants": func(s *Scenario) { s.Viewers = []int{1} },
		"one channel":    func(s *Scenario) { s.Channels = 2 },
		"--speak-every":  func(s *Scenario) { s.Call.SpeakEvery = -1 },
	} {
		s := aCall()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := MeasureCall(t.Context(), local(), 1, nil); err == nil {
		t.Error("a broadcast is measured as a call")
	}
}

// What switching disturbed is told once, also of a call with simulcast.
func TestFindingsOfACallWithSimulcast(t *testing.T) {
	p := Point{Adaptation: &Adaptation{}, Slots: &Slots{}}
	if list := p.findings(); len(list) != 3 || list[2] != p.continuity() {
		t.Errorf("told %q", list)
	}
}
