package session

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// feed lets a publisher send and looks once a second; phases are sent one after
// another.
type feed struct {
	seconds int
	// media and rest are bits per second: what is shown, and what else comes
	// (retransmissions, padding, headers).
	media, rest int
}

// run returns the verdicts that say something, with the second they came in, and
// ends with the first capBroken.
func (w *capWatch) run(every time.Duration, phases ...feed) (told []string) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	begin, media, traffic := now, uint64(0), uint64(0)
	w.see(now, 0, 0)
	for _, phase := range phases {
		for left := time.Duration(phase.seconds) * time.Second; left > 0; left -= every {
			now = now.Add(every)
			media += uint64(float64(phase.media) / 8 * every.Seconds())
			traffic += uint64(float64(phase.media+phase.rest) / 8 * every.Seconds())
			v, over := w.see(now, media, traffic)
			if v != capKept {
				told = append(told, fmt.Sprintf("%s after %v", map[capVerdict]string{capWarned: "warned", capKeptAgain: "kept again", capBroken: "broken"}[v], now.Sub(begin)))
			}
			if (over != excess{}) != (v == capWarned || v == capBroken) {
				told = append(told, fmt.Sprintf("excess %v with %v", over, v))
			}
			if v == capBroken {
				return told
			}
		}
	}
	return told
}

func TestWhoIgnoresTheCapIsWarnedAndEnded(t *testing.T) {
	const most = 1_000_000
	cases := map[string]struct {
		phases []feed
		want   []string
	}{
		"keeps it":                      {[]feed{{600, most, 100_000}}, nil},
		"a little above":                {[]feed{{600, 1_290_000, 100_000}}, nil},
		"three times":                   {[]feed{{60, 3_000_000, 0}}, []string{"warned after 4s", "broken after 8s"}},
		"twice":                         {[]feed{{60, 2_000_000, 0}}, []string{"warned after 10s", "broken after 19s"}},
		"a hundred times":               {[]feed{{60, 100_000_000, 0}}, []string{"broken after 1s"}},
		"above for long":                {[]feed{{60, 1_500_000, 0}}, []string{"warned after 33s"}},
		"and longer":                    {[]feed{{90, 1_500_000, 0}}, []string{"warned after 33s", "broken after 1m6s"}},
		"a start that is too rich":      {[]feed{{3, 4_000_000, 0}, {600, most, 0}}, []string{"warned after 3s", "kept again after 30s"}},
		"a key frame of five seconds":   {[]feed{{10, 900_000, 0}, {1, 5_000_000, 0}, {600, 900_000, 0}}, nil},
		"key frames every ten seconds":  {[]feed{{10, 700_000, 0}, {1, 4_000_000, 0}, {9, 700_000, 0}, {1, 4_000_000, 0}, {9, 700_000, 0}, {1, 4_000_000, 0}}, nil},
		"what a stall of 10 s held up":  {[]feed{{60, most, 0}, {10, 0, 0}, {1, 11 * most, 0}, {600, most, 0}}, []string{"warned after 1m11s", "kept again after 1m44s"}},
		"repairs of half of everything": {[]feed{{600, most, 900_000}}, nil},
		"padding without end":           {[]feed{{600, 500_000, 4_000_000}}, []string{"warned after 5s", "broken after 9s"}},
		"nothing that can be used":      {[]feed{{600, 0, 3_000_000}}, []string{"warned after 11s", "broken after 21s"}},
		"warned twice":                  {[]feed{{5, 3_000_000, 0}, {60, 500_000, 0}, {5, 3_000_000, 0}, {60, 500_000, 0}}, []string{"warned after 4s", "kept again after 16s", "warned after 1m9s", "kept again after 1m21s"}},
		"silence":                       {[]feed{{600, 0, 0}}, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			got := newCapWatch(most).run(time.Second, tc.phases...)
			if fmt.Sprint(got) != fmt.Sprint(tc.want) {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestTheExcessIsWhatWasSent(t *testing.T) {
	w := newCapWatch(1_000_000)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	bytes := uint64(0)
	for i := range 60 {
		bits := 1_000_000
		if i > 30 {
			bits = 3_000_000
		}
		v, over := w.see(now.Add(time.Duration(i)*time.Second), bytes, bytes)
		if v == capBroken {
			if over.bits < 2_900_000 || over.bits > 3_100_000 || over.span < 7*time.Second || over.span > 9*time.Second {
				t.Errorf("%+v", over)
			}
			return
		}
		bytes += uint64(bits / 8)
	}
	t.Error("never broken")
}

// However the second is cut up, and however the sweeper is late: nobody is ended who
// keeps the cap on average of any ten seconds, and nobody stays for long who sends
// twice as much.
func TestTheCapIsFairWhateverTheSweeper(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		most := rapid.IntRange(100_000, 50_000_000).Draw(r, "cap")
		every := time.Duration(rapid.SampledFrom([]int{100, 200, 500, 1000, 3000, 10_000, 20_000}).Draw(r, "sweep in ms")) * time.Millisecond
		var good []feed
		for range rapid.IntRange(1, 20).Draw(r, "phases") {
			burst := rapid.IntRange(0, 9).Draw(r, "silent for")
			good = append(good, feed{seconds: burst}, feed{10 - burst, most * 10 / (10 - burst), most / 2 * 10 / (10 - burst)})
		}
		if every <= time.Second {
			if got := newCapWatch(most).run(every, good...); len(got) > 0 && got[len(got)-1][:6] == "broken" {
				r.Fatalf("%q", got)
			}
		}
		if got := newCapWatch(most).run(every, feed{120, 2 * most, 0}); len(got) == 0 || got[len(got)-1][:6] != "broken" {
			r.Fatalf("twice the cap, every %v: %q", every, got)
		}
		if got := newCapWatch(most).run(every, feed{3600, most, most / 2}); got != nil {
			r.Fatalf("the cap, every %v: %q", every, got)
		}
	})
}
