package router

import (
	"testing"
	"time"
)

func TestPatienceFollowsTheUsualPause(t *testing.T) {
	const least, most = 450 * time.Millisecond, 6 * time.Second
	ms := func(gaps ...int) (d []time.Duration) {
		for _, g := range gaps {
			d = append(d, time.Duration(g)*time.Millisecond)
		}
		return d
	}
	for name, tc := range map[string]struct {
		pauses []time.Duration
		want   time.Duration
	}{
		"nothing yet":                  {nil, least},
		"speech":                       {ms(20, 20, 20, 20, 20), least},
		"picture and sound":            {ms(13, 7, 20, 6, 14, 20), least},
		"Opus in silence (DTX)":        {ms(20, 20, 400, 400), 900 * time.Millisecond},
		"speech again":                 {ms(400, 400, 400, 20, 20, 20), least},
		"one stall":                    {ms(20, 20, 350, 20), least},
		"a shared screen":              {ms(1000, 1000, 1000), 2250 * time.Millisecond},
		"slides, hardly ever":          {ms(20_000, 20_000, 20_000), most},
		"two packets at the same time": {ms(400, 0, 400, 0, 400), 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Unix(1_000_000, 0)
			p := &pulse{born: now}
			p.beat(now)
			for _, d := range tc.pauses {
				now = now.Add(d)
				p.beat(now)
			}
			if got := p.patience(least, most); got != tc.want {
				t.Errorf("patience = %v, want %v", got, tc.want)
			}
			if at, ok := p.lastBeat(); !ok || now.Sub(at).Abs() > 1 {
				t.Errorf("last beat %v before now (%v)", now.Sub(at), ok)
			}
		})
	}
}

func TestAPulseThatNeverBeat(t *testing.T) {
	if _, ok := (&pulse{born: time.Unix(1, 0)}).lastBeat(); ok {
		t.Error("beats")
	}
}
