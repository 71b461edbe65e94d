//go:build unix

package doctor

import "syscall"

// openFileLimit is the soft limit, which Go raises to the hard one at its start.
func openFileLimit() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	return uint64(limit.Cur), nil //nolint:unconvert // signed on some systems
}
