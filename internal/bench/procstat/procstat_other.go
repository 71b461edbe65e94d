//go:build !linux

package procstat

import "time"

func cpu(int) (time.Duration, error) { return 0, ErrUnavailable }

func machine() (time.Duration, error) { return 0, ErrUnavailable }

func memory(int) (Memory, error) { return Memory{}, ErrUnavailable }
