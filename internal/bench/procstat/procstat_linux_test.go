package procstat

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestMemoryFollowsThisProcess(t *testing.T) {
	before, err := MemoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if before.RSS < 1<<20 || before.PSS < 1<<18 || before.PSS > before.RSS {
		t.Errorf("%+v", before)
	}
	ballast := make([]byte, 64<<20)
	for i := range ballast {
		ballast[i] = byte(i) | 1
	}
	after, err := MemoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if grown := after.RSS - before.RSS; grown < 50<<20 {
		t.Errorf("64 MiB more, but RSS grew by %d", grown)
	}
	if ballast[len(ballast)-1] == 0 {
		t.Error("not touched")
	}
	both, err := MemoryOf(os.Getpid(), os.Getpid())
	if err != nil || both.RSS < 2*before.RSS {
		t.Errorf("twice itself: %+v, %v", both, err)
	}
}

func TestCPUFollowsThisProcess(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	x := uint32(1)
	for deadline := time.Now().Add(10 * time.Second); ; {
		for range 1_000_000 {
			x = x*1664525 + 1013904223
		}
		after, err := CPU(os.Getpid(), os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after-2*before >= 100*time.Millisecond {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("10 s of work used %v (%d)", after-2*before, x)
		}
	}
}

func TestNobodyIsRead(t *testing.T) {
	if _, err := CPU(os.Getpid(), 1<<30); !errors.Is(err, ErrNoProcess) {
		t.Errorf("error %v", err)
	}
	if _, err := MemoryOf(os.Getpid(), 1<<30); !errors.Is(err, ErrNoProcess) {
		t.Errorf("error %v", err)
	}
}

func TestParseStat(t *testing.T) {
	const line = "4242 (a) b (c) S 1 2 3 0 -1 4194304 10 0 0 0 250 50 9 9 20 0 7 0 1234 99999 300 18446744073709551615 1 1 0"
	ticks, pages, err := parseStat([]byte(line))
	if err != nil || ticks != 300 || pages != 300 {
		t.Errorf("%d, %d, %v", ticks, pages, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "1 (x) S 1 2 3 0 -1 4194304 10 0 0 0 a b 9 9 20 0 7 0 1234 99999 300 1"} {
		if _, _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestParseMachine(t *testing.T) {
	busy, err := parseMachine([]byte("cpu  100 1 50 9000 300 2 3 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"))
	if err != nil || busy != 160*tick {
		t.Errorf("%v, %v", busy, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x"} {
		if _, err := parseMachine([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if now, err := Machine(); err != nil || now < tick {
		t.Errorf("this machine: %v, %v", now, err)
	}
}

func TestParseKiB(t *testing.T) {
	const text = "00400000-7fff [rollup]\nRss:      1024 kB\nPss:   512 kB\nPss_Dirty: 4 kB\n"
	if rss, pss := parseKiB([]byte(text), "Rss:"), parseKiB([]byte(text), "Pss:"); rss != 1<<20 || pss != 512<<10 {
		t.Errorf("%d, %d", rss, pss)
	}
	if n := parseKiB([]byte("Rss:\n"), "Rss:"); n != 0 {
		t.Errorf("%d", n)
	}
}
