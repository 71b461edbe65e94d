package audience

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// pairOfCredentials are those of a viewer and of its server.
func pairOfCredentials() (viewer, server *credentials) {
	viewer = newCredentials("vvvv", "viewer password 12345678", &answer{ufrag: "ssss", pwd: "server password 12345678"})
	server = newCredentials("ssss", "server password 12345678", &answer{ufrag: "vvvv", pwd: "viewer password 12345678"})
	return viewer, server
}

func decode(t *testing.T, b []byte) *stun.Message {
	t.Helper()
	m := &stun.Message{Raw: bytes.Clone(b)}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	return m
}

// serverCheck is a check as a controlled agent sends it.
func serverCheck(server *credentials) *stun.Message {
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername(server.request),
		stun.RawAttribute{Type: stun.AttrICEControlled, Value: make([]byte, 8)}, server.remote, stun.Fingerprint)
	return m
}

func TestAServersCheckIsAnswered(t *testing.T) {
	viewer, server := pairOfCredentials()
	from := netip.MustParseAddrPort("192.0.2.7:4711")
	request := serverCheck(server)
	reply := viewer.answer(request, from)
	m := decode(t, reply)
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(m); err != nil || !mapped.IP.Equal(net.IPv4(192, 0, 2, 7)) || mapped.Port != 4711 {
		t.Errorf("mapped %v, %v", mapped, err)
	}
	if m.TransactionID != request.TransactionID || stun.Fingerprint.Check(m) != nil || !server.succeeds(m) {
		t.Errorf("not a good answer: %v", m)
	}
}

func TestAStrangersCheckIsNotAnswered(t *testing.T) {
	viewer, server := pairOfCredentials()
	stranger := *server
	stranger.remote = stun.NewShortTermIntegrity("another password 1234567")
	other := *server
	other.request = "vvvv:xxxx"
	for name, keys := range map[string]*credentials{"wrong password": &stranger, "wrong user": &other} {
		if viewer.answer(serverCheck(keys), netip.MustParseAddrPort("192.0.2.7:4711")) != nil {
			t.Errorf("%s: answered", name)
		}
	}
}

func TestAServerThatControlsIsTold(t *testing.T) {
	viewer, server := pairOfCredentials()
	m := decode(t, server.check(stun.NewTransactionID(), false)) // ours are controlling
	var code stun.ErrorCodeAttribute
	if err := code.GetFrom(decode(t, viewer.answer(m, netip.MustParseAddrPort("192.0.2.7:1")))); err != nil || code.Code != stun.CodeRoleConflict {
		t.Errorf("%v, %v", code, err)
	}
}

func TestAChecksParts(t *testing.T) {
	viewer, server := pairOfCredentials()
	for _, nominate := range []bool{false, true} {
		m := decode(t, viewer.check(stun.NewTransactionID(), nominate))
		name, _ := m.Get(stun.AttrUsername)
		if string(name) != "ssss:vvvv" || server.local.Check(m) != nil || stun.Fingerprint.Check(m) != nil ||
			!m.Contains(stun.AttrPriority) || !m.Contains(stun.AttrICEControlling) || m.Contains(stun.AttrUseCandidate) != nominate {
			t.Errorf("nominate %v: %v", nominate, m)
		}
	}
}

// agent is a server's end of checks on one loopback address: it answers once it
// was asked ignore times, and asks back.
type agent struct {
	conn      *net.UDPConn
	keys      *credentials
	ignore    int
	nominated chan struct{}
	answered  chan struct{}
}

func newAgent(t *testing.T, keys *credentials, ignore int) *agent {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	a := &agent{conn: conn, keys: keys, ignore: ignore, nominated: make(chan struct{}, 100), answered: make(chan struct{}, 100)}
	done := make(chan struct{})
	go func() { defer close(done); a.run() }()
	t.Cleanup(func() { conn.Close(); <-done })
	return a
}

func (a *agent) run() {
	var b [2048]byte
	for {
		n, from, err := a.conn.ReadFromUDPAddrPort(b[:])
		if err != nil {
			return
		}
		m := &stun.Message{Raw: bytes.Clone(b[:n])}
		if m.Decode() != nil {
			continue
		}
		if m.Type != stun.BindingRequest {
			a.answered <- struct{}{}
			continue
		}
		if m.Contains(stun.AttrUseCandidate) {
			a.nominated <- struct{}{}
		}
		if a.ignore--; a.ignore >= 0 {
			continue
		}
		a.conn.WriteToUDPAddrPort(serverCheck(a.keys).Raw, from)
		reply := stun.MustBuild(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, a.keys.local, stun.Fingerprint)
		a.conn.WriteToUDPAddrPort(reply.Raw, from)
	}
}

func (a *agent) candidate(priority uint64) candidate {
	return candidate{addr: a.conn.LocalAddr().(*net.UDPAddr).AddrPort(), priority: priority}
}

func listenLoopback(t testing.TB) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestChecksFindTheCandidateThatAnswers(t *testing.T) {
	viewer, server := pairOfCredentials()
	deaf := newAgent(t, server, 1<<30)
	good := newAgent(t, server, 1) // a check is lost
	candidates := []candidate{deaf.candidate(2), good.candidate(1)}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := newChecks(listenLoopback(t), viewer, candidates, netip.Addr{}, time.Now()).run(ctx)
	if err != nil || got != candidates[1].addr {
		t.Fatalf("%v, %v; want %v", got, err, candidates[1].addr)
	}
	select {
	case <-good.nominated:
	default:
		t.Error("not nominated")
	}
	select {
	case <-good.answered:
	case <-time.After(5 * time.Second):
		t.Error("the server's own check was not answered")
	}
	if len(deaf.nominated) > 0 {
		t.Error("two were nominated")
	}
}

func TestChecksEndWithTheirContext(t *testing.T) {
	viewer, server := pairOfCredentials()
	deaf := newAgent(t, server, 1<<30)
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	_, err := newChecks(listenLoopback(t), viewer, []candidate{deaf.candidate(1)}, netip.Addr{}, time.Now()).run(ctx)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestTheServersOwnAddressIsTriedFirst(t *testing.T) {
	viewer, _ := pairOfCredentials()
	near := netip.MustParseAddr("127.0.0.1")
	c := newChecks(nil, viewer, []candidate{
		{netip.MustParseAddrPort("192.0.2.1:1"), 3}, {netip.MustParseAddrPort("127.0.0.1:1"), 2}, {netip.MustParseAddrPort("192.0.2.2:1"), 1},
	}, near, epoch)
	for i, want := range []string{"127.0.0.1:1", "192.0.2.1:1", "192.0.2.2:1"} {
		if c.list[i].addr.String() != want || c.list[i].due != epoch.Add(time.Duration(i)*checkEvery) {
			t.Errorf("%d: %v, due %v", i, c.list[i].addr, c.list[i].due)
		}
	}
}

func TestConsent(t *testing.T) {
	viewer, server := pairOfCredentials()
	var c consent
	now := epoch
	c.begin(now)
	sent := 0
	for now.Sub(epoch) < 25*time.Second {
		if b := c.tick(now, viewer); b != nil {
			sent++
			m := decode(t, b)
			if server.local.Check(m) != nil {
				t.Fatal("not signed")
			}
			if sent == 1 {
				c.answered(now, m.TransactionID)
			} else {
				c.answered(now, stun.NewTransactionID()) // somebody else's
			}
		}
		now = now.Add(10 * time.Millisecond)
	}
	if sent < 8 || sent > 13 {
		t.Errorf("%d checks in 25 s", sent)
	}
	if c.lost(now) {
		t.Error("lost too early")
	}
	if !c.lost(now.Add(10 * time.Second)) {
		t.Error("not lost 30 s after the last answer")
	}
}
