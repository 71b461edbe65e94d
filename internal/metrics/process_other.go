//go:build !linux

package metrics

import "errors"

func descriptors() (open int, most uint64, err error) { return 0, 0, errors.ErrUnsupported }
