package leak

import (
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestWhatEndsLateIsNoLeak(t *testing.T) {
	stop := make(chan struct{})
	time.AfterFunc(time.Second, func() { close(stop) }) // longer than goleak waits
	go func() { <-stop }()
	if err := find(patience); err != nil {
		t.Error(err)
	}
}

func TestWhatStaysIsALeak(t *testing.T) {
	stop := make(chan struct{})
	defer close(stop)
	go func() { <-stop }()
	if err := find(0); err == nil || !strings.Contains(err.Error(), "TestWhatStaysIsALeak") {
		t.Errorf("found %v", err)
	}
}
