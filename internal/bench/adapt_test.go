package bench

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
)

func TestFeedbackIsComparedInTurn(t *testing.T) {
	s := &fakeServer{feedback: 0.25}
	out, said, err := pretend(t, s, func(sc *Scenario) { sc.CompareFeedback, sc.Viewers = true, []int{20, 50} })
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Points) != 8 || len(out.Comparisons) != 2 || len(s.crowds) != 9 { // one crowd is made before
		t.Fatalf("%d points, %d comparisons, %d crowds", len(out.Points), len(out.Comparisons), len(s.crowds))
	}
	for i, p := range out.Points {
		if want := []string{"reports", "libwebrtc"}[i%2]; p.Feedback != want || s.crowds[i+1].cfg.Feedback.String() != want {
			t.Errorf("point %d is of %s", i, p.Feedback)
		}
	}
	c := out.Comparisons[1]
	if !near(c.OffRate, perSecond) || !near(c.OnRate, perSecond) || strings.Contains(c.String(), "layers") {
		t.Errorf("%+v", c)
	}
	if unfair := (Comparison{OffRate: 100, OnRate: 106}); !strings.Contains((&unfair).String(), "not of the same layers: 100 and 106") {
		t.Error(&unfair)
	}
	if c.Viewers != 50 || !near(c.Ratio, 1.25) || !near(c.Off, 20) || !near(c.On, 25) {
		t.Errorf("%+v", c)
	}
	var table bytes.Buffer
	if err := NewReport("test", out).WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{said, table.String()} {
		if !strings.Contains(text, "50 viewers: 20.0 µs a packet without transport-wide feedback, 25.0 with it: 1.25 times") {
			t.Errorf("not said:\n%s", text)
		}
	}
	if out, _, err = pretend(t, s, func(sc *Scenario) { sc.CompareFeedback, sc.PIDs = true, nil }); err != nil || len(out.Comparisons) != 0 {
		t.Errorf("without the server's process: %+v, %v", out.Comparisons, err)
	}
}

func TestViewersSelectLayersInTurn(t *testing.T) {
	s := &fakeServer{}
	out, _, err := pretend(t, s, func(sc *Scenario) {
		sc.Source.Simulcast, sc.SwitchEvery, sc.Viewers, sc.Duration = true, 2*time.Second, []int{10}, 20*time.Second
	})
	if err != nil {
		t.Fatal(err)
	}
	a := out.Points[0].Adaptation
	if a == nil || a.Wishes < 95 || a.Wishes > 100 || a.SwitchP50 < 148 || a.SwitchP50 > 152 || a.FramesStoodPerSwitch != 2 || a.Refused != 0 || a.Witnesses != 5 {
		t.Fatalf("%+v", a)
	}
	for i := range s.selected[10:] {
		if s.selected[i] == s.selected[i+10] {
			t.Fatalf("viewer %d asks for %s twice", i%10, s.selected[i])
		}
	}
	if s.crowds[0].cfg.SampleEvery != 1 || s.crowds[0].cfg.Witnesses != witnesses {
		t.Errorf("%+v", s.crowds[0].cfg)
	}
	if text := a.String(); !strings.Contains(text, "150 ms (p50)") || !strings.Contains(text, "q 3") || !strings.Contains(text, "0 frames mixed") {
		t.Error(text)
	}
}

func TestRefusedSelectionsAreCounted(t *testing.T) {
	out, said, err := pretend(t, &fakeServer{refuse: audience.ErrNoSelection}, func(sc *Scenario) {
		sc.Source.Simulcast, sc.SwitchEvery, sc.Viewers = true, time.Second, []int{2}
	})
	if err != nil || out.Points[0].Adaptation.Refused < 38 || strings.Count(said, audience.ErrNoSelection.Error()) != 1 {
		t.Errorf("%+v, %v\n%s", out.Points, err, said)
	}
}

func TestWhatCannotBeMeasuredTogether(t *testing.T) {
	for want, change := range map[string]func(*Scenario){
		"--switch-every":     func(s *Scenario) { s.SwitchEvery = time.Second },
		"--compare-feedback": func(s *Scenario) { s.CompareFeedback, s.Feedback = true, audience.FeedbackREMB },
	} {
		s := local()
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
