package procstat

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestReadFollowsThisProcess(t *testing.T) {
	before, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.RSS < 1<<20 || before.PSS < 1<<18 || before.PSS > before.RSS || before.Threads < 1 {
		t.Errorf("%+v", before)
	}
	ballast := make([]byte, 64<<20)
	x := byte(1)
	for start := time.Now(); time.Since(start) < 60*time.Millisecond; {
		for i := range ballast {
			x = x*31 + 7
			ballast[i] = x
		}
	}
	after, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after.RSS-before.RSS < 50<<20 {
		t.Errorf("64 MiB more, but RSS grew by %d", after.RSS-before.RSS)
	}
	if used := after.CPU - before.CPU; used < 20*time.Millisecond {
		t.Errorf("60 ms of work used %v", used)
	}
	_ = ballast[len(ballast)-1]
	both, err := Sum(os.Getpid(), os.Getpid())
	if err != nil || both.RSS < after.RSS || both.CPU < 2*before.CPU {
		t.Errorf("twice itself: %+v, %v", both, err)
	}
}

func TestReadOfNobody(t *testing.T) {
	if _, err := Read(1 << 30); !errors.Is(err, ErrNoProcess) {
		t.Errorf("error %v", err)
	}
	if _, err := Sum(os.Getpid(), 1<<30); !errors.Is(err, ErrNoProcess) {
		t.Errorf("error %v", err)
	}
}

func TestParseStat(t *testing.T) {
	const line = "4242 (a) b (c) S 1 2 3 0 -1 4194304 10 0 0 0 250 50 9 9 20 0 7 0 1234 99999 300 18446744073709551615 1 1 0"
	u, err := parseStat([]byte(line))
	if err != nil || u.CPU != 3*time.Second || u.Threads != 7 || u.RSS != int64(300*os.Getpagesize()) {
		t.Errorf("%+v, %v", u, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "1 (x) S 1 2 3 0 -1 4194304 10 0 0 0 a b 9 9 20 0 7 0 1234 99999 300 1"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
