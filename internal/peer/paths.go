package peer

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// paths follows the candidate pairs of a connection: which one is selected,
// which ones live. Safe for concurrent use.
type paths struct {
	// silence is how long the selected pair must have been quiet before another
	// living one may take its place without being nominated.
	silence time.Duration

	mu       sync.Mutex
	pairs    map[netip.AddrPort]*ice.CandidatePair
	local    netip.AddrPort
	selected netip.AddrPort
	proto    string
	earlier  time.Time // last seen on the pairs of earlier ICE generations
	// places are how many addresses the agent may still be told of.
	places   int
	placedAt time.Time
	heard    heard
}

// maxPairs bounds what is remembered of a client that checks from many addresses.
const maxPairs = 16

const (
	// maxPlaces is how many addresses of a client, signalled or found by its checks,
	// the agent takes in one ICE generation. It keeps each for ever, and checks it.
	maxPlaces = 64
	// placeEvery gives another one, to clients whose address keeps changing.
	placeEvery = time.Minute
)

// accept is asked before the agent takes another address. A client with valid
// credentials may send checks from as many as it likes, or from those of others.
func (p *paths) accept(net.IP) bool {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if more := int(now.Sub(p.placedAt) / placeEvery); more > 0 {
		p.places, p.placedAt = min(p.places+more, maxPlaces), now
	}
	if p.places == 0 {
		return false
	}
	p.places--
	return true
}

// checked is told of every authenticated binding request and says whether its
// pair is to be selected now.
//
// A controlled agent follows nominations (RFC 8445 section 8.1.1). But a client
// whose NAT gave it another address does not know, and some send USE-CANDIDATE
// only once: its checks then come on a new pair, and the selected one is dead.
// A selected pair that lives is heard at least at every keepalive, because the
// client answers our checks. The new pair must have answered one of ours too,
// so that nobody can divert media by replaying a check from a false address.
func (p *paths) checked(_ *stun.Message, _, _ ice.Candidate, pair *ice.CandidatePair) bool {
	remote := candidateAddr(pair.Remote)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pairs) >= maxPairs {
		selected := p.pairs[p.selected]
		clear(p.pairs)
		if selected != nil {
			p.pairs[p.selected] = selected
		}
	}
	p.pairs[remote] = pair
	p.heard.check(time.Now(), remote)
	selected := p.pairs[p.selected]
	if remote == p.selected || selected == nil || pair.ResponsesReceived() == 0 {
		return false
	}
	return time.Since(selected.Remote.LastReceived()) > p.silence
}

// choose notes the selected pair.
func (p *paths) choose(pair *webrtc.ICECandidatePair) (local, remote netip.AddrPort, proto string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.local = signalledAddr(pair.Local.Address, pair.Local.Port)
	p.selected = signalledAddr(pair.Remote.Address, pair.Remote.Port)
	p.proto = pair.Local.Protocol.String()
	p.heard.remote, p.heard.proto = p.selected, p.proto
	return p.local, p.selected, p.proto
}

// restart forgets everything: pairs belong to an ICE generation.
func (p *paths) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.earlier = p.newest()
	p.heard.replies += repliesOn(p.pairs)
	p.pairs = map[netip.AddrPort]*ice.CandidatePair{}
	p.local, p.selected, p.proto = netip.AddrPort{}, netip.AddrPort{}, ""
	p.places, p.placedAt = maxPlaces, time.Now()
}

// pair returns the selected pair, invalid if there is none.
func (p *paths) pair() (local, remote netip.AddrPort, proto string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.local, p.selected, p.proto
}

// lastSeen is when the last authenticated check or answer came; zero if none.
func (p *paths) lastSeen() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest()
}

// newest is lastSeen with the lock held.
func (p *paths) newest() time.Time {
	last := p.earlier
	for _, pair := range p.pairs {
		for _, t := range []time.Time{pair.LastRequestReceivedAt(), pair.LastResponseReceivedAt()} {
			if t.After(last) {
				last = t
			}
		}
	}
	return last
}

func candidateAddr(c ice.Candidate) netip.AddrPort {
	return signalledAddr(c.Address(), uint16(c.Port()))
}

func signalledAddr(addr string, port uint16) netip.AddrPort {
	a, _ := netip.ParseAddr(addr) // the stack's own; invalid stays invalid
	return netip.AddrPortFrom(a.Unmap(), port)
}
