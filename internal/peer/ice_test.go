package peer

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// T-76, T18: a client that comes from another port without knowing is followed,
// also if its old address was signalled.
func TestClientMovesToAnotherPort(t *testing.T) {
	for name, signalled := range map[string]bool{"discovered address": false, "signalled address": true} {
		t.Run(name, func(t *testing.T) {
			h := newTestHost(t, func(c *Config) { c.Keepalive = 100 * time.Millisecond })
			n := newNAT(t, h.Addr())
			c := newClient(t, func(s *webrtc.SettingEngine) {
				s.SetICETimeouts(5*time.Second, 5*time.Second, 100*time.Millisecond)
			})
			n.watch(func(bool, []byte) bool { return false })
			v := play(t, h, c, playPolicy, n.inAnswer)
			if signalled {
				v.signal(t, n)
			}
			n.watch(nil)
			v.connected(t)
			eventually(t, "the first address", func() bool { _, r, _ := v.conn.Pair(); return r == n.outsideAddr() })
			n.rebind(t)
			eventually(t, "the second address", func() bool { _, r, _ := v.conn.Pair(); return r == n.outsideAddr() })
			v.events.wait(t, PairSelected, 2)
			if v.events.count(ICEFailed)+v.events.count(ICERestarted) > 0 {
				t.Errorf("%v", v.events.kinds())
			}
		})
	}
}

// signal tells the host the outside address of n as a host candidate, before it
// hears from there.
func (v *viewing) signal(t *testing.T, n *nat) {
	t.Helper()
	line := "1 1 udp 2130706431 127.0.0.1 " + uintString(uint32(n.outsideAddr().Port())) + " typ host"
	if taken, _ := v.conn.AddCandidates([]string{line}, true); taken != 1 {
		t.Fatal("the candidate is refused")
	}
	eventually(t, "the agent has it", func() bool {
		v.conn.remote.mu.Lock()
		defer v.conn.remote.mu.Unlock()
		return len(v.conn.remote.queue) == 0
	})
}

// Browsers nominate in every check. Such a client is followed at its first answer
// to us, not when the old address has been silent long enough.
func TestNominatingClientIsFollowedAtOnce(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.Keepalive = time.Hour })
	n := newNAT(t, h.Addr())
	c := newClient(t, func(s *webrtc.SettingEngine) {
		s.SetICETimeouts(time.Minute, time.Minute, 50*time.Millisecond)
	})
	n.watch(func(bool, []byte) bool { return false })
	v := play(t, h, c, playPolicy, n.inAnswer)
	v.signal(t, n)
	_, pwd := credentialsOf(t, string(v.conn.Answer()))
	n.mu.Lock()
	n.alter = func(b []byte) []byte { return nominating(b, pwd) }
	n.mu.Unlock()
	n.watch(nil)
	v.connected(t)
	eventually(t, "the first address", func() bool { _, r, _ := v.conn.Pair(); return r == n.outsideAddr() })
	n.rebind(t)
	eventually(t, "the second address", func() bool { _, r, _ := v.conn.Pair(); return r == n.outsideAddr() })
}

// nominating makes a binding request what a browser sends: with USE-CANDIDATE and
// the priority of a peer-reflexive candidate (RFC 8445 section 7.1.1).
func nominating(b []byte, pwd string) []byte {
	if !stun.IsMessage(b) {
		return b
	}
	m := &stun.Message{Raw: b}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return b
	}
	out := stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingRequest)
	for _, attr := range m.Attributes {
		switch attr.Type {
		case stun.AttrMessageIntegrity, stun.AttrFingerprint, stun.AttrUseCandidate, stun.AttrPriority:
		default:
			out.Add(attr.Type, attr.Value)
		}
	}
	out.Add(stun.AttrUseCandidate, nil)
	out.Add(stun.AttrPriority, []byte{110, 0x7f, 0xff, 0xff})
	if stun.NewShortTermIntegrity(pwd).AddTo(out) != nil || stun.Fingerprint.AddTo(out) != nil {
		return b
	}
	return out.Raw
}

// T-77, M-121: ICE-TCP when UDP is blocked.
func TestTCPOnly(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t, func(s *webrtc.SettingEngine) { s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) })
	p := publish(t, h, c)
	if !strings.Contains(string(p.conn.Answer()), "tcptype passive") {
		t.Fatalf("no TCP candidate\n%s", p.conn.Answer())
	}
	p.events.wait(t, DTLSConnected, 1)
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
	if _, remote, proto := p.conn.Pair(); proto != "tcp" || !remote.IsValid() {
		t.Errorf("%v %s", remote, proto)
	}
	p.restart(t) // over a new TCP connection
	p.events.wait(t, ICEConnected, 2)
	packets := p.conn.Ingest().Stats().Packets
	eventually(t, "media goes on", func() bool { return p.conn.Ingest().Stats().Packets > packets+20 })
	_ = p.conn.Close()
	// close_notify may go down with the TCP connection that carried it; then the
	// client learns of the end by silence.
	c.waitState(webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateDisconnected)
}

// T-80 over TCP: close_notify arrives on the connection the session began with.
func TestCloseIsToldOverTCP(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t, func(s *webrtc.SettingEngine) { s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4}) })
	p := publish(t, h, c)
	p.events.wait(t, DTLSConnected, 1)
	c.waitState(webrtc.PeerConnectionStateConnected)
	_ = p.conn.Close()
	c.waitState(webrtc.PeerConnectionStateClosed)
}

func TestWithoutTCP(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.TCP = false })
	p := publish(t, h, newClient(t))
	if strings.Contains(string(p.conn.Answer()), " tcp ") {
		t.Errorf("%s", p.conn.Answer())
	}
	p.events.wait(t, DTLSConnected, 1)
}

// allAddresses makes a host listen on everything and tell its loopback addresses.
func allAddresses(c *Config) {
	c.Media, c.AllowLoopback = ":0", true
	c.interfaces = func() ([]localInterface, error) {
		return []localInterface{{"lo", []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}}}, nil
	}
}

// One port serves IPv4 and IPv6, UDP and TCP.
func TestBothFamiliesOnOnePort(t *testing.T) {
	h := newTestHost(t, allAddresses)
	if _, v6 := h.sockets.families(); !v6 {
		t.Skip("no IPv6 here")
	}
	for network, want := range map[webrtc.NetworkType]string{
		webrtc.NetworkTypeUDP4: "127.0.0.1 udp", webrtc.NetworkTypeUDP6: "::1 udp", webrtc.NetworkTypeTCP4: "127.0.0.1 tcp",
	} {
		t.Run(network.String(), func(t *testing.T) {
			v := play(t, h, newClient(t, only(t, network)), playPolicy)
			v.connected(t)
			local, remote, proto := v.conn.Pair()
			if got := local.Addr().String() + " " + proto; got != want || remote.Addr() != local.Addr() || local.Port() != h.Addr().Port() {
				t.Errorf("%v - %v %s", local, remote, proto)
			}
		})
	}
}

// only restricts a client. The stack gathers ::1 from a mux, not from an
// interface.
func only(t *testing.T, network webrtc.NetworkType) func(s *webrtc.SettingEngine) {
	return func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{network})
		if network == webrtc.NetworkTypeUDP6 {
			m := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: listenUDP(t, "udp6", "[::1]:0"), Logger: &stackLogger{log: Config{}.logger()}})
			t.Cleanup(func() { _ = m.Close() })
			s.SetICEUDPMux(m)
		}
	}
}

func TestTCPOverIPv6(t *testing.T) {
	found, _ := machineInterfaces()
	for _, i := range found {
		for _, a := range i.addrs {
			if !a.Is6() || !advertisable(a) {
				continue
			}
			h := newTestHost(t, func(c *Config) { c.Media = netip.AddrPortFrom(a, 0).String() })
			c := newClient(t, only(t, webrtc.NetworkTypeTCP6), func(s *webrtc.SettingEngine) {
				s.SetInterfaceFilter(func(name string) bool { return name == i.name })
			})
			v := play(t, h, c, playPolicy)
			v.connected(t)
			if local, _, proto := v.conn.Pair(); local != h.Addr() || proto != "tcp" {
				t.Errorf("%v %s", local, proto)
			}
			return
		}
	}
	t.Skip("the machine has no IPv6 address but loopback")
}

// A client that reaches an address which is not even advertised gets answers from
// there: M-122 behind a port mapping.
func TestReachedUnderAnotherAddress(t *testing.T) {
	h := newTestHost(t, allAddresses, func(c *Config) { c.PublicAddresses = []string{"203.0.113.7"}; c.IPv6 = false })
	v := play(t, h, newClient(t), playPolicy, func(sdp string, answer bool) string {
		if answer && (strings.Count(sdp, "a=candidate:") != 2 || strings.Count(sdp, " 203.0.113.7 ") != 2) { // T-78
			t.Errorf("not the public address for UDP and TCP:\n%s", sdp)
		}
		return strings.ReplaceAll(sdp, " 203.0.113.7 ", " 127.0.0.1 ")
	})
	v.connected(t)
	if local, _, _ := v.conn.Pair(); local.Addr() != netip.MustParseAddr("127.0.0.1") && h.sockets.sockets[0].paths != nil {
		t.Errorf("local address %v", local)
	}
}

// T-78, M-124: media bound to one address, as in a container, under the name of
// another.
func TestBoundToAnAddressThatIsNotAdvertised(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.PublicAddresses, c.TCP = []string{"203.0.113.7"}, false })
	v := play(t, h, newClient(t), playPolicy, func(sdp string, answer bool) string {
		if answer && strings.Count(sdp, "a=candidate:") != 1 {
			t.Errorf("not one candidate:\n%s", sdp)
		}
		return strings.ReplaceAll(sdp, " 203.0.113.7 ", " 127.0.0.1 ")
	})
	v.connected(t)
}

// T-45, N-064, N-065: the first candidate is what FFmpeg uses.
func TestCandidatesOfTheAnswer(t *testing.T) {
	h := newTestHost(t, allAddresses, func(c *Config) { c.AllowLoopback = false; c.interfaces = lan })
	p := publish(t, h, newClient(t))
	var lines []string
	for line := range strings.Lines(string(p.conn.Answer())) {
		if strings.HasPrefix(line, "a=candidate:") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 || !strings.Contains(lines[0], " 1 udp ") || !strings.Contains(lines[0], ".") || !strings.Contains(lines[0], "typ host") {
		t.Fatalf("%q", lines)
	}
	for _, line := range lines {
		f := strings.Fields(line)
		if f[1] != "1" || strings.Contains(line, "127.0.0.1") || strings.Contains(line, "172.1") || strings.Contains(line, ".local") {
			t.Errorf("%q", line)
		}
		if f[5] != uintString(uint32(h.Addr().Port())) {
			t.Errorf("%q has another port than %v", line, h.Addr())
		}
	}
}

// T-67, N-107: what can't be used is dropped, the rest is checked. The client
// here never checks by itself.
func TestTrickledCandidateIsChecked(t *testing.T) {
	h := newTestHost(t)
	n := newNAT(t, h.Addr())
	var checks atomic.Int32
	canary := listenUDP(t, "udp4", "127.0.0.1:0")
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 2048)
		for {
			if _, _, err := canary.ReadFromUDPAddrPort(b); err != nil {
				return
			}
			checks.Add(1)
		}
	}()
	defer func() { _ = canary.Close(); <-done }()
	n.watch(func(bool, []byte) bool { return false })
	p := publish(t, h, newClient(t), n.inAnswer)
	taken, dropped := p.conn.AddCandidates([]string{
		"candidate:1 1 udp 1 x.local 9 typ host", "1 1 tcp 1 127.0.0.1 9 typ host tcptype active", "1 1 udp 1 127.0.0.1 9 typ foo",
		"candidate:2 1 udp 2130706431 127.0.0.1 " + uintString(uint32(addrPortOf(canary.LocalAddr()).Port())) + " typ host",
	}, true)
	if taken != 1 || dropped != 3 {
		t.Errorf("%d taken, %d dropped", taken, dropped)
	}
	eventually(t, "checks", func() bool { return checks.Load() > 0 })
	p.events.wait(t, CandidateDropped, 1)
	if d := p.events.detail(CandidateDropped); d != "1 not UDP, 1 unknown type, 1 a name, not an address" {
		t.Errorf("%q", d)
	}
}

// Loopback candidates are for clients on this machine.
func TestRemoteLoopbackNeedsALocalClient(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	c.publishTrack(webrtc.MimeTypeOpus)
	plan := publishPlan(t, c.offer(nil))
	conn, err := h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan)})
	if err != nil {
		t.Fatal(err)
	}
	if taken, dropped := conn.AddCandidates([]string{"1 1 udp 1 127.0.0.1 9 typ host"}, false); taken != 0 || dropped != 1 {
		t.Errorf("%d taken, %d dropped", taken, dropped)
	}
}

// N-032, T17: a session that never sends a check fails after the sum of both
// times and not before; after a failure a restart brings it back.
func TestFailureAndRecovery(t *testing.T) {
	h := newTestHost(t, func(c *Config) {
		c.DisconnectedAfter, c.FailedAfter, c.Keepalive = 200*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond
	})
	n := newNAT(t, h.Addr())
	blocked := func(bool, []byte) bool { return false }
	n.watch(blocked)
	c := newClient(t, func(s *webrtc.SettingEngine) {
		s.SetICETimeouts(30*time.Second, 30*time.Second, 50*time.Millisecond)
	})
	start := time.Now()
	p := publish(t, h, c, n.inAnswer)
	p.events.wait(t, ICEFailed, 1)
	if d := time.Since(start); d < 500*time.Millisecond {
		t.Errorf("failed after %v", d)
	}
	n.watch(nil)
	p.restart(t, n.inAnswer)
	p.events.wait(t, DTLSConnected, 1)
	n.watch(blocked)
	p.events.wait(t, ICEDisconnected, 1)
	p.events.wait(t, ICEFailed, 2)
	silent := p.conn.LastSeen()
	if silent.IsZero() || time.Since(silent) < 400*time.Millisecond {
		t.Errorf("last seen %v ago", time.Since(silent))
	}
	n.watch(nil)
	p.restart(t, n.inAnswer)
	p.events.wait(t, ICEConnected, 2)
	eventually(t, "a sign of life", func() bool { return p.conn.LastSeen().After(silent) })
}

func TestLite(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.Lite = true })
	p := publish(t, h, newClient(t))
	if strings.Count(string(p.conn.Answer()), "a=ice-lite\r\n") != 1 { // N-058
		t.Errorf("%s", p.conn.Answer())
	}
	p.events.wait(t, DTLSConnected, 1)
	if f := p.restart(t); !f.Lite { // N-133
		t.Error("the fragment is not lite")
	}
}

// A name that can't be resolved yet does not keep the gateway from starting.
func TestPublicNameIsAdvertised(t *testing.T) {
	fail := true
	edit := func(c *Config) {
		c.PublicAddresses = []string{"gate.example"}
		c.lookup = func(context.Context, string) ([]netip.Addr, error) {
			if fail {
				return nil, errNotBound
			}
			return []netip.Addr{netip.MustParseAddr("203.0.113.9")}, nil
		}
	}
	if got := addrsOf(newTestHost(t, edit).Addresses()); len(got) != 1 || got[0] != "127.0.0.1" {
		t.Errorf("without DNS: %v", got)
	}
	fail = false
	if got := addrsOf(newTestHost(t, edit).Addresses()); len(got) != 1 || got[0] != "203.0.113.9" {
		t.Errorf("%v", got)
	}
}
