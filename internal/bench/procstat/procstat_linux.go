package procstat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"
)

// tick is the unit of times in /proc: USER_HZ is 100 wherever Go runs on Linux.
const tick = 10 * time.Millisecond

func cpu(pid int) (time.Duration, error) {
	b, err := read(pid, "stat")
	if err != nil {
		return 0, err
	}
	ticks, _, err := parseStat(b)
	return time.Duration(ticks) * tick, err
}

// memory prefers smaps_rollup, which of other users' processes may not be read,
// to the estimate in stat.
func memory(pid int) (Memory, error) {
	if b, err := read(pid, "smaps_rollup"); err == nil {
		if m := (Memory{RSS: parseKiB(b, "Rss:"), PSS: parseKiB(b, "Pss:")}); m.RSS > 0 {
			return m, nil
		}
	}
	b, err := read(pid, "stat")
	if err != nil {
		return Memory{}, err
	}
	_, pages, err := parseStat(b)
	return Memory{RSS: pages * int64(os.Getpagesize())}, err
}

func read(pid int, name string) ([]byte, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %d", ErrNoProcess, pid)
	}
	return b, err
}

var errFormat = errors.New("/proc is not written as expected")

// Fields of /proc/PID/stat behind the name, see proc_pid_stat(5).
const (
	fieldUserTime   = 14 - 3
	fieldSystemTime = 15 - 3
	fieldRSS        = 24 - 3
)

// parseStat reads /proc/PID/stat. The name of the process stands in brackets and
// may contain anything.
func parseStat(b []byte) (ticks, pages int64, err error) {
	end := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[end+1:])
	if end < 0 || len(fields) <= fieldRSS {
		return 0, 0, errFormat
	}
	number := func(field int) int64 {
		n, failed := strconv.ParseInt(string(fields[field]), 10, 64)
		err = errors.Join(err, failed)
		return n
	}
	ticks, pages = number(fieldUserTime)+number(fieldSystemTime), number(fieldRSS)
	return ticks, pages, err
}

func machine() (time.Duration, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	return parseMachine(b)
}

// parseMachine reads the first line of /proc/stat (proc_stat(5)): user, nice,
// system, idle, waiting for input and output, interrupts, soft interrupts, and
// what the host of a virtual machine took. Time of guests is in user already.
func parseMachine(b []byte) (busy time.Duration, err error) {
	const idle, wait, stolen = 4, 5, 8
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) <= stolen || string(fields[0]) != "cpu" {
		return 0, errFormat
	}
	for i := 1; i <= stolen; i++ {
		n, failed := strconv.ParseInt(string(fields[i]), 10, 64)
		if err = errors.Join(err, failed); i != idle && i != wait {
			busy += time.Duration(n) * tick
		}
	}
	return busy, err
}

// parseKiB finds a line of smaps_rollup and returns bytes, 0 if it is not there.
func parseKiB(b []byte, name string) int64 {
	for line := range bytes.Lines(b) {
		fields := bytes.Fields(line)
		if len(fields) >= 2 && string(fields[0]) == name {
			n, _ := strconv.ParseInt(string(fields[1]), 10, 64)
			return n << 10
		}
	}
	return 0
}
