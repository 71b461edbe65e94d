// Package notify tells a supervisor how the process is: sd_notify(3) and
// sd_watchdog_enabled(3) of systemd, which are datagrams on a Unix socket.
package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// The states that are told.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	alive    = "WATCHDOG=1"
)

// Supervisor is who started the process and wants to know. The zero value is
// nobody, who is told nothing. It is safe for concurrent use.
type Supervisor struct {
	address string
	// every is how often it wants to hear that all is well; 0 for never.
	every time.Duration
}

// FromEnvironment reads NOTIFY_SOCKET and WATCHDOG_USEC. WATCHDOG_PID must be pid
// if it is set: variables may come from a parent that they were meant for.
func FromEnvironment(env func(string) string, pid int) (Supervisor, error) {
	s := Supervisor{address: env("NOTIFY_SOCKET")}
	if s.address == "" {
		return Supervisor{}, nil
	}
	if s.address[0] != '/' && s.address[0] != '@' {
		return Supervisor{}, fmt.Errorf("NOTIFY_SOCKET: %q is neither a path nor an abstract socket", s.address)
	}
	watchdog, whose := env("WATCHDOG_USEC"), env("WATCHDOG_PID")
	if watchdog == "" || whose != "" && whose != strconv.Itoa(pid) {
		return s, nil
	}
	usec, err := strconv.ParseInt(watchdog, 10, 64)
	if err != nil || usec <= 0 {
		return Supervisor{}, fmt.Errorf("WATCHDOG_USEC: %q is not a number of microseconds", watchdog)
	}
	s.every = time.Duration(usec) * time.Microsecond
	return s, nil
}

// Tell sends one state. It does not wait for anybody.
func (s Supervisor) Tell(state string) error {
	if s.address == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.address, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	_, err = conn.Write([]byte(state))
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	return nil
}

// Watch tells that all is well, twice as often as is wanted, as long as check says
// so, until ctx ends. check has half the wanted time. failed is told what went
// wrong, each time.
func (s Supervisor) Watch(ctx context.Context, check func(context.Context) error, failed func(error)) {
	if s.every == 0 {
		return
	}
	tick := time.NewTicker(s.every / 2)
	defer tick.Stop()
	for {
		if err := s.look(ctx, check); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s Supervisor) look(ctx context.Context, check func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.every/2)
	defer cancel()
	if err := check(limited); err != nil {
		return err
	}
	return s.Tell(alive)
}
