package router

import (
	"testing"
	"time"
)

func TestAllowance(t *testing.T) {
	var a allowance
	now := time.Unix(1, 0)
	count := func() (n int) {
		for a.take(now, 1, 10, 5) {
			n++
		}
		return n
	}
	if n := count(); n != 5 {
		t.Errorf("%d at first", n)
	}
	now = now.Add(300 * time.Millisecond)
	if n := count(); n != 3 {
		t.Errorf("%d after 300ms", n)
	}
	now = now.Add(time.Hour)
	if n := count(); n != 5 {
		t.Errorf("%d after an hour", n)
	}
	now = now.Add(-time.Minute) // a clock that steps back gives nothing and takes nothing
	if n := count(); n != 0 {
		t.Errorf("%d in the past", n)
	}
}

func TestRateMeter(t *testing.T) {
	var m rateMeter
	now := time.Unix(1, 0)
	for range 300 {
		m.add(now, 1250)
		now = now.Add(10 * time.Millisecond)
	}
	if m.bitsPerSecond < 0.95e6 || m.bitsPerSecond > 1.05e6 {
		t.Errorf("%.0f bit/s, want 1e6", m.bitsPerSecond)
	}
	now = now.Add(time.Minute)
	m.add(now, 1250)
	if m.bitsPerSecond != 0 {
		t.Errorf("%.0f bit/s after a minute of nothing", m.bitsPerSecond)
	}
}
