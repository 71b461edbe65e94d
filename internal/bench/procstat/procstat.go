package procstat

import (
	"errors"
	"time"
)

// Memory is what processes have in use, in bytes.
type Memory struct {
	// RSS counts what is shared with other processes in full.
	RSS int64
	// PSS divides what is shared among those who share it. 0 where it may not be
	// read.
	PSS int64
}

// The errors of CPU and MemoryOf.
var (
	// ErrUnavailable is returned elsewhere than on Linux.
	ErrUnavailable = errors.New("what another process uses can be read on Linux only")
	// ErrNoProcess is returned for ids that no process has.
	ErrNoProcess = errors.New("there is no such process")
)

// CPU returns user and system time of all threads of the processes since their
// start, in steps of 10 ms. The error is ErrNoProcess, ErrUnavailable, or says
// what could not be read.
func CPU(pids ...int) (sum time.Duration, err error) {
	for _, pid := range pids {
		used, err := cpu(pid)
		if err != nil {
			return 0, err
		}
		sum += used
	}
	return sum, nil
}

// Machine returns what all processors of this machine have spent on anything but
// idleness, since it started. The error is ErrUnavailable or says what could not
// be read.
func Machine() (time.Duration, error) { return machine() }

// MemoryOf returns what the processes have in use together. Errors are those of
// CPU. It takes a millisecond or more for a large process.
func MemoryOf(pids ...int) (sum Memory, err error) {
	for _, pid := range pids {
		m, err := memory(pid)
		if err != nil {
			return Memory{}, err
		}
		sum.RSS += m.RSS
		sum.PSS += m.PSS
	}
	return sum, nil
}
