package router

import (
	"fmt"
	"slices"
	"strings"
)

// leastBitrateCap is the smallest cap that leaves room for sound.
const leastBitrateCap = 16_000

// BitrateCap is the cap of the publishers of some channels.
type BitrateCap struct {
	// Channels are names, prefix* or *.
	Channels []string `yaml:"channels"`
	// MaxBitrate is in bits per second; 0 is no cap.
	MaxBitrate int `yaml:"max_bitrate"`
}

// MaxBitrateOf is how many bits per second a publisher of the channel may send, all
// tracks and layers together; 0 is no cap. The first of MaxBitrates that names the
// channel counts, else MaxBitrate.
func (c *Config) MaxBitrateOf(channel string) int {
	for _, limit := range c.MaxBitrates {
		if slices.ContainsFunc(limit.Channels, func(pattern string) bool { return matches(pattern, channel) }) {
			return limit.MaxBitrate
		}
	}
	return c.MaxBitrate
}

// matches tells whether a pattern, a name, prefix* or *, names the channel.
func matches(pattern, channel string) bool {
	prefix, ok := strings.CutSuffix(pattern, "*")
	return pattern == channel || ok && strings.HasPrefix(channel, prefix)
}

// isPattern tells whether s can name channels.
func isPattern(s string) bool { return s != "" && !strings.Contains(strings.TrimSuffix(s, "*"), "*") }

// validateBitrates reports the faults of the caps.
func (c *Config) validateBitrates(bad func(field, format string, args ...any)) {
	check := func(field string, bits int) {
		if bits != 0 && bits < leastBitrateCap {
			bad(field, "must be 0 or at least %d (bits per second), got %d", leastBitrateCap, bits)
		}
	}
	check("max_bitrate", c.MaxBitrate)
	for i, limit := range c.MaxBitrates {
		at := fmt.Sprintf("max_bitrates[%d]", i)
		check(at+".max_bitrate", limit.MaxBitrate)
		if len(limit.Channels) == 0 {
			bad(at+".channels", "must name a channel, a prefix* or *")
		}
		for j, pattern := range limit.Channels {
			if !isPattern(pattern) {
				bad(fmt.Sprintf("%s.channels[%d]", at, j), "must be a channel, a prefix* or *, got %q", pattern)
			}
		}
	}
}
