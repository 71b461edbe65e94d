package metrics

import (
	"os"
	"syscall"
)

// descriptors counts the open file descriptors, and tells how many there may be.
func descriptors() (open int, most uint64, err error) {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = dir.Close() }() // it was only read
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 0, 0, err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, 0, err
	}
	return len(names) - 1, limit.Cur, nil // without the folder itself
}
