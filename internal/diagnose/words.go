package diagnose

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// took writes a duration as people say it.
func took(d time.Duration) string {
	unit := func(n int64, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return fmt.Sprintf("%d %ss", n, word)
	}
	switch {
	case d < time.Second:
		return unit(d.Milliseconds(), "millisecond")
	case d < 2*time.Minute:
		return unit(int64(d.Round(time.Second)/time.Second), "second")
	case d < 2*time.Hour:
		return unit(int64(d.Round(time.Minute)/time.Minute), "minute")
	case d < 48*time.Hour:
		return unit(int64(d.Round(time.Hour)/time.Hour), "hour")
	}
	return unit(int64(d/(24*time.Hour)), "day")
}

// Rate writes bits per second.
func Rate(bits int) string {
	if bits < 1_000_000 {
		return fmt.Sprintf("%d kbit/s", bits/1000)
	}
	return fmt.Sprintf("%.1f Mbit/s", float64(bits)/1e6)
}

// clock writes a moment.
func clock(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }

// who names the client of a session.
func (s *Session) who() string {
	if s.Publish {
		return "publisher"
	}
	return "player"
}

// addresses lists the distinct addresses, without ports.
func addresses(list []netip.AddrPort) string {
	var words []string
	seen := map[netip.Addr]bool{}
	for _, a := range list {
		if !seen[a.Addr()] {
			seen[a.Addr()] = true
			words = append(words, a.Addr().String())
		}
	}
	return and(words)
}

// and joins words as a sentence does.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// port is that of media.
func (s *Session) port() uint16 {
	if len(s.Network.Advertised) == 0 {
		return 0
	}
	return s.Network.Advertised[0].Port()
}

func percent(part, whole uint64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
