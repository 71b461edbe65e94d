package peer

import (
	"net/netip"
	"sync"
	"time"
)

// remoteCandidates is what a client told of itself in one ICE generation, and
// the pace at which it is handed to the agent. Safe for concurrent use.
//
// The agent checks every pair five times a second, eight times in all. With one
// local candidate per family, ten candidates a window keep a session at fifty
// checks a second until it has a valid pair; then nothing more is added.
type remoteCandidates struct {
	loopback bool

	mu     sync.Mutex
	ufrag  string
	known  map[netip.AddrPort]bool
	ended  bool
	queue  []remoteCandidate
	window time.Time
	used   int
}

const (
	// maxRemoteCandidates is per ICE generation.
	maxRemoteCandidates = 32
	// checkWindow is how long the agent checks a pair that does not answer.
	checkWindow = 1600 * time.Millisecond
	// checkedAtOnce is the number of candidates in one window.
	checkedAtOnce = 10
)

// restart begins a generation: the candidates of the last one are replaced, not
// added to (N-134).
func (r *remoteCandidates) restart(ufrag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ufrag, r.known, r.ended, r.queue = ufrag, map[netip.AddrPort]bool{}, false, nil
}

// add takes lines and returns how many are of use, and why others are not by
// reason. Repeated ones count as taken (N-109).
func (r *remoteCandidates) add(lines []string, end bool) (taken int, dropped map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range lines {
		if reason := r.addOne(line); reason != "" {
			if dropped == nil {
				dropped = map[string]int{}
			}
			dropped[reason]++
			continue
		}
		taken++
	}
	r.ended = r.ended || end
	return taken, dropped
}

func (r *remoteCandidates) addOne(line string) string {
	c, reason := parseRemoteCandidate(line, r.loopback)
	switch {
	case reason != "":
		return reason
	case c.ufrag != "" && c.ufrag != r.ufrag:
		return dropStale
	case r.known[c.addr]:
		return ""
	case r.ended:
		return dropEnded
	case len(r.known) >= maxRemoteCandidates:
		return dropTooMany
	}
	r.known[c.addr] = true
	r.queue = append(r.queue, c)
	return ""
}

// next returns the candidates to hand to the agent now, and when to ask again if
// some are left.
func (r *remoteCandidates) next(now time.Time) (batch []remoteCandidate, wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.window) >= checkWindow {
		r.window, r.used = now, 0
	}
	n := min(len(r.queue), checkedAtOnce-r.used)
	batch, r.queue = r.queue[:n:n], r.queue[n:]
	r.used += n
	if len(r.queue) == 0 {
		return batch, 0
	}
	return batch, r.window.Add(checkWindow).Sub(now)
}

// connected forgets what was not checked: there is a valid pair.
func (r *remoteCandidates) connected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = nil
}
