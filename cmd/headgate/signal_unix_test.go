//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
)

func TestUntilSignalled(t *testing.T) {
	exits := make(chan int, 1)
	ctx, stop := untilSignalled(func(status int) { exits <- status })
	kill := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	kill()
	eventually(t, "the first signal", func() bool { return ctx.Err() != nil })
	kill()
	eventually(t, "the second signal", func() bool { return len(exits) == 1 })
	if status := <-exits; status != exitSignalled {
		t.Errorf("status %d", status)
	}
	stop()
	stop() // may be called twice
	ctx, stop = untilSignalled(func(int) { t.Error("no signal, but exit") })
	stop()
	if ctx.Err() == nil {
		t.Error("stop does not end the context")
	}
}
