package peer

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"
)

func hostCandidate(t *testing.T, addr string) ice.Candidate {
	t.Helper()
	ap := netip.MustParseAddrPort(addr)
	c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{Network: "udp", Address: ap.Addr().String(), Port: int(ap.Port()), Component: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func freshPaths(silence time.Duration) *paths {
	p := &paths{silence: silence}
	p.restart()
	return p
}

// A pair that answered none of our checks is never selected by a request alone:
// requests can be replayed from a false address.
func TestPathsWantAnAnswer(t *testing.T) {
	p := freshPaths(0)
	local := hostCandidate(t, "10.0.0.1:8190")
	pair := func(addr string) *ice.CandidatePair {
		return &ice.CandidatePair{Local: local, Remote: hostCandidate(t, addr)}
	}
	check := func(pair *ice.CandidatePair) bool { return p.checked(nil, pair.Local, pair.Remote, pair) }
	first, second := pair("10.0.0.2:5000"), pair("10.0.0.2:6000")
	if check(first) {
		t.Error("a pair is selected before the agent chose one")
	}
	p.choose(&webrtc.ICECandidatePair{
		Local:  &webrtc.ICECandidate{Address: "10.0.0.1", Port: 8190, Protocol: webrtc.ICEProtocolUDP},
		Remote: &webrtc.ICECandidate{Address: "10.0.0.2", Port: 5000},
	})
	if check(first) || check(second) {
		t.Error("selected without an answer")
	}
	second.UpdateRoundTripTime(time.Millisecond) // an answer
	if !check(second) {
		t.Error("a living pair does not take over from a dead one")
	}
	p.silence = math.MaxInt64
	if check(second) {
		t.Error("taken over before the silence")
	}
	if check(first) {
		t.Error("the selected pair is selected again")
	}
	local2, remote, proto := p.pair()
	if local2.String() != "10.0.0.1:8190" || remote.String() != "10.0.0.2:5000" || proto != "udp" {
		t.Errorf("%v %v %s", local2, remote, proto)
	}
	seen := p.lastSeen()
	p.restart()
	if _, remote, _ := p.pair(); remote.IsValid() {
		t.Error("a restart keeps the pair")
	}
	if !p.lastSeen().Equal(seen) {
		t.Error("a restart forgets when the client was seen")
	}
}

func TestPathsStayBounded(t *testing.T) {
	p := freshPaths(time.Second)
	local := hostCandidate(t, "10.0.0.1:8190")
	selected := &ice.CandidatePair{Local: local, Remote: hostCandidate(t, "10.0.0.2:1")}
	p.checked(nil, local, selected.Remote, selected)
	p.choose(&webrtc.ICECandidatePair{
		Local: &webrtc.ICECandidate{Address: "10.0.0.1", Port: 8190}, Remote: &webrtc.ICECandidate{Address: "10.0.0.2", Port: 1},
	})
	for i := range 10 * maxPairs {
		remote := hostCandidate(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, 1}), uint16(1000+i)).String())
		p.checked(nil, local, remote, &ice.CandidatePair{Local: local, Remote: remote})
	}
	if n := len(p.pairs); n > maxPairs {
		t.Errorf("%d pairs", n)
	}
	if p.pairs[netip.MustParseAddrPort("10.0.0.2:1")] != selected {
		t.Error("the selected pair is forgotten")
	}
}

func TestPathsLastSeen(t *testing.T) {
	p := freshPaths(time.Second)
	local := hostCandidate(t, "10.0.0.1:8190")
	pair := &ice.CandidatePair{Local: local, Remote: hostCandidate(t, "10.0.0.2:1")}
	p.checked(nil, local, pair.Remote, pair)
	if !p.lastSeen().IsZero() {
		t.Error("seen without a packet")
	}
	pair.UpdateRequestReceived()
	request := p.lastSeen()
	if request.IsZero() {
		t.Error("a check is no sign of life")
	}
	pair.UpdateRoundTripTime(time.Millisecond)
	if !p.lastSeen().After(request) {
		t.Error("an answer is no sign of life")
	}
}
