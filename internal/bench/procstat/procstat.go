package procstat

import (
	"errors"
	"time"
)

// Usage is what processes have used, at one time.
type Usage struct {
	// CPU is user and system time of all threads since the start, in steps of
	// 10 ms.
	CPU time.Duration
	// RSS is the memory in use in bytes, with what is shared with other processes.
	RSS int64
	// PSS is the same with what is shared divided among those who share it; 0 where
	// it may not be read.
	PSS int64
	// Threads is how many there are.
	Threads int
}

// The errors of Read.
var (
	// ErrUnavailable is returned elsewhere than on Linux.
	ErrUnavailable = errors.New("what another process uses can be read on Linux only")
	// ErrNoProcess is returned for ids that no process has.
	ErrNoProcess = errors.New("there is no such process")
)

// Sum reads several processes and adds them up.
func Sum(pids ...int) (Usage, error) {
	var sum Usage
	for _, pid := range pids {
		u, err := Read(pid)
		if err != nil {
			return Usage{}, err
		}
		sum.CPU += u.CPU
		sum.RSS += u.RSS
		sum.PSS += u.PSS
		sum.Threads += u.Threads
	}
	return sum, nil
}
