package peer

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func hostLine(i int) string {
	return fmt.Sprintf("1 1 udp 2130706431 10.0.%d.%d 5000 typ host", i/256, i%256)
}

func freshRemote() *remoteCandidates {
	r := &remoteCandidates{}
	r.restart("abcd")
	return r
}

func TestRemoteCandidatesAreCounted(t *testing.T) {
	tests := []struct {
		name           string
		lines          []string
		end            bool
		taken, dropped int
	}{
		{name: "two", lines: []string{hostLine(1), hostLine(2)}, taken: 2},
		{name: "N-109 repeated", lines: []string{hostLine(1), hostLine(2)}, taken: 2},
		{name: "N-107 mixed", lines: []string{"x.local", "1 1 udp 1 a.local 9 typ host", hostLine(3)}, taken: 1, dropped: 2},
		{name: "N-115 once per section", lines: []string{hostLine(4), hostLine(4)}, taken: 2},
		{name: "stale generation", lines: []string{hostLine(5) + " ufrag zzzz"}, dropped: 1},
		{name: "this generation", lines: []string{hostLine(6) + " generation 0 ufrag abcd"}, taken: 1},
		{name: "N-113 the end alone", end: true},
		{name: "N-114 after the end", lines: []string{hostLine(7)}, dropped: 1},
		{name: "N-109 repeated after the end", lines: []string{hostLine(1)}, taken: 1},
	}
	r := freshRemote()
	for _, tc := range tests {
		taken, reasons := r.add(tc.lines, tc.end)
		dropped := 0
		for _, n := range reasons {
			dropped += n
		}
		if taken != tc.taken || dropped != tc.dropped {
			t.Errorf("%s: %d taken, %d dropped (%v)", tc.name, taken, dropped, reasons)
		}
	}
	if batch, _ := r.next(time.Now()); len(batch) != 5 {
		t.Errorf("%d go to the agent", len(batch))
	}
	r.restart("efgh")
	if taken, _ := r.add([]string{hostLine(7)}, false); taken != 1 {
		t.Error("a new generation does not take candidates")
	}
}

func TestRemoteCandidatesAreBounded(t *testing.T) {
	r := freshRemote()
	var lines []string
	for i := range 100 {
		lines = append(lines, hostLine(i))
	}
	taken, dropped := r.add(lines, false)
	if taken != maxRemoteCandidates || dropped[dropTooMany] != 100-maxRemoteCandidates {
		t.Errorf("%d taken, %v", taken, dropped)
	}
}

// A session makes at most 50 checks a second: ten candidates in a window, each
// checked eight times.
func TestRemoteCandidatesArePaced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := freshRemote()
		now := time.Unix(1e9, 0)
		var handed []time.Time
		added, total := 0, 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if n := rapid.IntRange(0, 9).Draw(t, "new"); n > 0 {
				var lines []string
				for range n {
					lines = append(lines, hostLine(added))
					added++
				}
				taken, _ := r.add(lines, false)
				total += taken
			}
			batch, wait := r.next(now)
			for range batch {
				handed = append(handed, now)
			}
			if len(batch) > 0 && wait < 0 || wait > checkWindow {
				t.Fatalf("wait %v", wait)
			}
			now = now.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "ms")) * time.Millisecond)
		}
		for i := range handed {
			if j := i + 2*checkedAtOnce; j < len(handed) && handed[j].Sub(handed[i]) < checkWindow {
				t.Fatalf("%d candidates within one window", 2*checkedAtOnce)
			}
		}
		for range 10 { // all come in the end
			batch, wait := r.next(now)
			for range batch {
				handed = append(handed, now)
			}
			now = now.Add(wait)
		}
		if len(handed) != total {
			t.Fatalf("%d of %d were handed on", len(handed), total)
		}
	})
}

func TestRemoteCandidatesStopWithAPair(t *testing.T) {
	r := freshRemote()
	for i := range 25 {
		r.add([]string{hostLine(i)}, false)
	}
	now := time.Now()
	if batch, wait := r.next(now); len(batch) != checkedAtOnce || wait <= 0 {
		t.Fatalf("%d, %v", len(batch), wait)
	}
	r.connected()
	if batch, wait := r.next(now.Add(checkWindow)); len(batch) != 0 || wait != 0 {
		t.Errorf("%d more are checked, next in %v", len(batch), wait)
	}
}
