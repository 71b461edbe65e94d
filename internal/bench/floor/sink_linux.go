package floor

import (
	"context"
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func loopback() [4]byte { return [4]byte{127, 0, 0, 1} }

// openSink opens a socket on a free port of loopback.
func openSink() (fd, port int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return -1, 0, fmt.Errorf("open a sink: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: loopback()}); err == nil {
		var name unix.Sockaddr
		if name, err = unix.Getsockname(fd); err == nil {
			if v4, ok := name.(*unix.SockaddrInet4); ok {
				return fd, v4.Port, nil
			}
		}
	}
	_ = unix.Close(fd) // it was never used
	return -1, 0, fmt.Errorf("bind a sink: %w", err)
}

func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			_ = unix.Close(fd) // nothing was written that could be lost
		}
	}
}

// moveAway gives this thread all processors that it may not use so far.
func moveAway() {
	var here, elsewhere unix.CPUSet
	if unix.SchedGetaffinity(0, &here) != nil {
		return
	}
	for i := range int(unsafe.Sizeof(here)) * 8 {
		if !here.IsSet(i) {
			elsewhere.Set(i)
		}
	}
	_ = unix.SchedSetaffinity(0, &elsewhere) // refused if there are no others
}

// drainPause passes between two rounds over the sinks, as the bench's viewers
// have it.
const drainPause = 2 * time.Millisecond

// Drain opens sinks, tells their ports, and reads them in rounds until ctx ends.
// It is for a process of its own, so that reading is not on the sender's account;
// it leaves the processors it was started on to the sender, if there are others.
func Drain(ctx context.Context, tell func(ports []int) error) error {
	var fds, ports []int
	defer func() { closeAll(fds) }()
	for range sinkCount {
		fd, port, err := openSink()
		if err != nil {
			return err
		}
		fds, ports = append(fds, fd), append(ports, port)
	}
	if err := tell(ports); err != nil {
		return err
	}
	runtime.LockOSThread() // for good: nobody else is to have its processors
	moveAway()
	ticker := time.NewTicker(drainPause)
	defer ticker.Stop()
	for b := make([]byte, 2048); ; {
		for _, fd := range fds {
			for err := error(nil); err == nil; {
				_, _, err = unix.Recvfrom(fd, b, 0)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
