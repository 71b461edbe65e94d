package links

import (
	"errors"
	"fmt"
	"time"

	"github.com/headgate/headgate/internal/bench/source"
)

// Config says what is measured. Start from DefaultConfig.
type Config struct {
	// Program is the gateway's binary, which also publishes and watches.
	Program string
	// Lines are measured at the same time, then Steps by itself.
	Lines []Line
	Steps Line
	// Bits is the highest layer's rate of video, Audio adds 64 kbit/s of sound.
	Bits  int
	Audio bool
	// Serve are more arguments for the gateway.
	Serve []string
}

// Line is the way to one viewer.
type Line struct {
	Name string `json:"name"`
	// Phases follow each other; the rate of the first one holds from the start.
	Phases []Phase `json:"phases"`
}

// Phase is a rate for a time.
type Phase struct {
	// Bits a second, headers of IP and Ethernet included, as tbf counts.
	Bits     int           `json:"bits_per_second"`
	Duration time.Duration `json:"-"`
}

// Steady is a line of one rate.
func Steady(name string, bits int, d time.Duration) Line {
	return Line{Name: name, Phases: []Phase{{bits, d}}}
}

func (c *Config) validate() error {
	if len(c.Lines)+len(c.Steps.Phases) == 0 {
		return errors.New("there is no line to measure")
	}
	for _, l := range append([]Line{c.Steps}, c.Lines...) {
		for _, p := range l.Phases {
			if p.Bits < 50_000 || p.Duration < 5*time.Second {
				return fmt.Errorf("line %s: at least 50 kbit/s for 5 s, not %d for %v", l.Name, p.Bits, p.Duration)
			}
		}
	}
	return nil
}

func (l *Line) duration() (sum time.Duration) {
	for _, p := range l.Phases {
		sum += p.Duration
	}
	return sum
}

const (
	framesPerSecond = 30
	payloadBytes    = 1200
	// headerBytes of a packet: Ethernet, IPv4, UDP, RTP with extensions, and the tag.
	headerBytes = 14 + 20 + 8 + 20 + 16
	soundBits   = (160 + headerBytes) * 8 * 50
)

// needs is what each layer takes of a line, sound and headers included, lowest layer
// first.
func (c *Config) needs() (bits []int) {
	for _, video := range source.LayerBits(c.Bits) {
		frame := video / 8 / framesPerSecond
		packets := framesPerSecond * ((frame + payloadBytes - 1) / payloadBytes)
		need := video + packets*headerBytes*8
		if c.Audio {
			need += soundBits
		}
		bits = append(bits, need)
	}
	return bits
}

// fitting is the highest layer that fits a line, 0 if none does.
func fitting(needs []int, bits int) (layer int) {
	for i, need := range needs {
		if need <= bits {
			layer = i
		}
	}
	return layer
}
