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

// Read returns what the process uses. The error is ErrNoProcess, or says what
// could not be read.
func Read(pid int) (Usage, error) {
	stat, err := read(pid, "stat")
	if err != nil {
		return Usage{}, err
	}
	u, err := parseStat(stat)
	if err != nil {
		return Usage{}, fmt.Errorf("read process %d: %w", pid, err)
	}
	if smaps, err := read(pid, "smaps_rollup"); err == nil { // of other users' processes it may not be read
		u.PSS = parseKiB(smaps, "Pss:")
	}
	return u, nil
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
	fieldThreads    = 20 - 3
	fieldRSS        = 24 - 3
)

// parseStat reads /proc/PID/stat. The name of the process stands in brackets and
// may contain anything.
func parseStat(b []byte) (u Usage, err error) {
	end := bytes.LastIndexByte(b, ')')
	fields := bytes.Fields(b[end+1:])
	if end < 0 || len(fields) <= fieldRSS {
		return Usage{}, errFormat
	}
	number := func(field int) int64 {
		n, failed := strconv.ParseInt(string(fields[field]), 10, 64)
		err = errors.Join(err, failed)
		return n
	}
	u.CPU = time.Duration(number(fieldUserTime)+number(fieldSystemTime)) * tick
	u.Threads = int(number(fieldThreads))
	u.RSS = number(fieldRSS) * int64(os.Getpagesize())
	return u, err
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
