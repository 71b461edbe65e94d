package main

import (
	"errors"
	"fmt"
	"strings"
)

// sources says where each setting was set, by its path: "gateway.yaml:12" for
// "channels.idle", or "HEADGATE_HTTP_HTTPS" or "--http". Stronger sources write
// over weaker ones; settings with their default are missing.
type sources map[string]string

// faulty stands for a setting whose own text was refused.
const faulty = ""

// fault tells that a setting keeps its default only because of a fault that is
// reported already.
func (s sources) fault(path string) { s[path] = faulty }

// locate puts the source in front of every fault that names a setting, so that
// people find the line. Faults come as "path: what is wrong", one a line. Those
// that only follow from another one are left out.
func (s sources) locate(err error) error {
	if err == nil {
		return nil
	}
	var located []error
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, _, _ := strings.Cut(line, ":")
		if at, known := s[path]; known && at == faulty {
			continue
		}
		if at := s.nearest(path); at != "" {
			line = fmt.Sprintf("%s: %s", at, line)
		}
		located = append(located, errors.New(line))
	}
	return errors.Join(located...)
}

// nearest returns the source of a setting, or of the smallest part of the file
// around it.
func (s sources) nearest(path string) string {
	for path != "" {
		if at, ok := s[path]; ok {
			return at
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return ""
		}
		path = path[:i]
	}
	return ""
}
