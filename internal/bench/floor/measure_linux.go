package floor

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// sinkCount is how many sockets the packets go to, as those of viewers.
const sinkCount = 200

// Measure runs a case for the given time, after a tenth of it to warm up, on one
// thread. The packets go to these ports of 127.0.0.1 (see Drain), or to sinks of
// its own that nobody reads. The error says what the system refused.
func Measure(c Case, d time.Duration, ports ...int) (Result, error) {
	s, err := newSender(c, ports)
	if err != nil {
		return Result{}, err
	}
	defer s.close()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, err := s.repeat(d / 10); err != nil {
		return Result{}, err
	}
	user, system, err := threadTimes()
	if err != nil {
		return Result{}, err
	}
	packets, err := s.repeat(d)
	if err != nil {
		return Result{}, err
	}
	userEnd, systemEnd, err := threadTimes()
	if err != nil {
		return Result{}, err
	}
	r := Result{Case: c.String(), Packets: packets}
	r.UserNs = float64(userEnd-user) / float64(packets)
	r.SystemNs = float64(systemEnd-system) / float64(packets)
	r.NsPerPacket = r.UserNs + r.SystemNs
	return r, nil
}

// threadTimes are user and system time of the calling thread.
func threadTimes() (user, system time.Duration, err error) {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
		return 0, 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(usage.Utime.Nano()), time.Duration(usage.Stime.Nano()), nil
}

// sender is a socket, the sinks, and the packets of one round.
type sender struct {
	Case
	arena *arena
	batch *batch
	fd    int
	sinks []unix.SockaddrInet4
	fds   []int
	next  int // sink
}

func newSender(c Case, ports []int) (_ *sender, err error) {
	s := &sender{Case: c, fd: -1}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.arena, err = newArena(s.round()); err != nil {
		return nil, err
	}
	if s.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open a socket: %w", err)
	}
	for _, port := range ports {
		s.sinks = append(s.sinks, unix.SockaddrInet4{Port: port, Addr: loopback()})
	}
	for len(s.sinks) < sinkCount && len(ports) == 0 {
		if err = s.addSink(); err != nil {
			return nil, err
		}
	}
	s.batch = newBatch(s)
	return s, nil
}

// addSink opens a socket that nobody reads.
func (s *sender) addSink() error {
	fd, port, err := openSink()
	if err != nil {
		return err
	}
	s.fds = append(s.fds, fd)
	s.sinks = append(s.sinks, unix.SockaddrInet4{Port: port, Addr: loopback()})
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1) // the least there is; more only fills later
	return nil
}

func (s *sender) close() {
	closeAll(append(s.fds, s.fd))
}

// repeat sends rounds for about d and returns how many packets that were.
func (s *sender) repeat(d time.Duration) (packets int, err error) {
	for start := time.Now(); time.Since(start) < d; {
		for range 16 { // the clock is looked at seldom
			if err := s.once(); err != nil {
				return packets, err
			}
			packets += s.round()
		}
	}
	return packets, nil
}

// once seals and sends one round.
func (s *sender) once() error {
	if s.Seal {
		for i := range s.round() {
			s.arena.seal(i)
		}
	}
	switch s.Sending {
	case Kept:
		return nil
	case One:
		s.next = (s.next + 1) % len(s.sinks)
		if err := unix.Sendto(s.fd, s.arena.packet(0), 0, &s.sinks[s.next]); err != nil {
			return fmt.Errorf("sendto: %w", err)
		}
		return nil
	default:
		return s.batch.send()
	}
}
