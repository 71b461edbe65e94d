package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// fakeSTUN is a STUN server that sees what tests want it to see.
type fakeSTUN struct {
	conn *net.UDPConn

	mu    sync.Mutex
	seen  func(from netip.AddrPort) netip.AddrPort // invalid: an answer without an address
	mute  bool
	asked int
}

func newFakeSTUN(t *testing.T, seen func(netip.AddrPort) netip.AddrPort) *fakeSTUN {
	t.Helper()
	f := &fakeSTUN{conn: listenUDP(t, "udp4", "127.0.0.1:0"), seen: seen}
	done := make(chan struct{})
	go func() { // waited for in the cleanup
		defer close(done)
		f.serve()
	}()
	t.Cleanup(func() { _ = f.conn.Close(); <-done })
	return f
}

func (f *fakeSTUN) serve() {
	b := make([]byte, 1500)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: b[:n]}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		f.mu.Lock()
		f.asked++
		if !f.mute {
			_, _ = f.conn.WriteToUDPAddrPort(answerTo(m.TransactionID, f.seen(from)), from)
		}
		f.mu.Unlock()
	}
}

func answerTo(id [stun.TransactionIDSize]byte, seen netip.AddrPort) []byte {
	m := stun.MustBuild(stun.NewTransactionIDSetter(id), stun.BindingSuccess)
	if seen.IsValid() {
		_ = (&stun.XORMappedAddress{IP: seen.Addr().AsSlice(), Port: int(seen.Port())}).AddTo(m)
	}
	return m.Raw
}

func (f *fakeSTUN) address() string { return f.conn.LocalAddr().String() }

// hush makes the server answer nobody.
func (f *fakeSTUN) hush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mute = true
}

// sees changes what the server sees.
func (f *fakeSTUN) sees(seen func(netip.AddrPort) netip.AddrPort) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = seen
}

// behind is a NAT that keeps ports.
func behind(addr string) func(netip.AddrPort) netip.AddrPort {
	return func(from netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(netip.MustParseAddr(addr), from.Port())
	}
}

// asItIs is no NAT.
func asItIs(from netip.AddrPort) netip.AddrPort { return from }

// logText is a log that tests read.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logText) warnings() int { return strings.Count(l.String(), "level=WARN") }

// asking is a host that asks servers.
func asking(t *testing.T, edit func(*Config), servers ...*fakeSTUN) (*Host, *logText) {
	t.Helper()
	log := &logText{}
	h := newTestHost(t, func(c *Config) {
		c.Log, c.discoverTimeout = slog.New(slog.NewTextHandler(log, nil)), 5*time.Second
		c.lookup = func(_ context.Context, name string) ([]netip.Addr, error) {
			a, err := netip.ParseAddr(name)
			return []netip.Addr{a}, err
		}
		for _, s := range servers {
			c.STUNServers = append(c.STUNServers, s.address())
		}
		if edit != nil {
			edit(c)
		}
	})
	return h, log
}

func auto(c *Config) { c.PublicAddresses = []string{autoAddress} }

func TestAutoAdvertisesWhatSTUNSees(t *testing.T) {
	server := newFakeSTUN(t, behind("203.0.113.7"))
	h, log := asking(t, auto, server)
	want := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), h.Addr().Port())
	if got := h.Addresses(); len(got) != 1 || got[0] != want { // at once, not soon
		t.Errorf("advertised %v, want %v", got, want)
	}
	if log.warnings() > 0 || !strings.Contains(log.String(), "203.0.113.7") {
		t.Errorf("%s", log)
	}
	p := publish(t, h, newClient(t), func(sdp string, answer bool) string { return strings.ReplaceAll(sdp, "203.0.113.7", "127.0.0.1") })
	p.events.wait(t, DTLSConnected, 1) // the sockets still serve
}

func TestAutoFollowsAChange(t *testing.T) {
	server := newFakeSTUN(t, behind("203.0.113.7"))
	h, log := asking(t, auto, server)
	d := &discovery{host: h, auto: true, said: map[string]bool{}}
	server.sees(behind("203.0.113.8"))
	for range 2 {
		if !d.round(t.Context()) {
			t.Fatal("no answer")
		}
	}
	if got := h.Addresses(); len(got) != 1 || got[0].Addr().String() != "203.0.113.8" {
		t.Errorf("advertised %v", got)
	}
	if n := strings.Count(log.String(), "203.0.113.8"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log)
	}
}

func TestAutoBesideOthers(t *testing.T) {
	server := newFakeSTUN(t, behind("203.0.113.7"))
	h, _ := asking(t, func(c *Config) {
		c.PublicAddresses, c.PublicKeepsLocal = []string{"198.51.100.1", autoAddress}, true
	}, server)
	var got []string
	for _, a := range h.Addresses() {
		got = append(got, a.Addr().String())
	}
	if strings.Join(got, " ") != "198.51.100.1 203.0.113.7 127.0.0.1" {
		t.Errorf("advertised %v", got)
	}
}

func TestWarningsOfDiscovery(t *testing.T) {
	otherPort := func(from netip.AddrPort) netip.AddrPort {
		return netip.AddrPortFrom(from.Addr(), from.Port()^1)
	}
	for name, tc := range map[string]struct {
		seen func(netip.AddrPort) netip.AddrPort
		edit func(*Config)
		want []string // each in a warning of its own
	}{
		"no NAT":                   {asItIs, nil, nil},
		"a NAT and no setting":     {behind("203.0.113.7"), nil, []string{"seen=203.0.113.7 told=[127.0.0.1:"}},
		"the remedy":               {behind("203.0.113.7"), nil, []string{`remedy="--public-ip auto, or --public-ip 203.0.113.7"`}},
		"the address is set":       {behind("203.0.113.7"), func(c *Config) { c.PublicAddresses = []string{"203.0.113.7"} }, nil},
		"another address is set":   {behind("203.0.113.7"), func(c *Config) { c.PublicAddresses = []string{"203.0.113.9"} }, []string{"told=[203.0.113.9:"}},
		"a router maps ports":      {otherPort, nil, []string{"forward UDP and TCP port "}},
		"a router maps ports, too": {otherPort, auto, []string{"maps the media port"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := newFakeSTUN(t, tc.seen)
			h, log := asking(t, tc.edit, server)
			d := &discovery{host: h, said: map[string]bool{}}
			h.stop() // the host's own rounds
			h.work.Wait()
			before := log.String()
			for range 3 {
				if !d.round(t.Context()) {
					t.Fatal("no answer")
				}
			}
			text := strings.TrimPrefix(log.String(), before)
			if n := strings.Count(text, "level=WARN"); n != len(tc.want) {
				t.Errorf("%d warnings:\n%s", n, text)
			}
			for _, want := range tc.want {
				if !strings.Contains(text, want) {
					t.Errorf("no warning says %q:\n%s", want, text)
				}
			}
		})
	}
}

func TestTells(t *testing.T) {
	told := []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:1")}
	for addr, want := range map[string][2]bool{"192.0.2.1": {true, true}, "192.0.2.2": {true, false}, "2001:db8::1": {false, false}} {
		if family, known := tells(told, netip.MustParseAddr(addr)); [2]bool{family, known} != want {
			t.Errorf("%s: %v, %v", addr, family, known)
		}
	}
}

func TestWithoutAutoNobodyWaits(t *testing.T) {
	server := newFakeSTUN(t, behind("203.0.113.7"))
	h, log := asking(t, nil, server)
	eventually(t, "a warning in the background", func() bool { return log.warnings() == 1 })
	if got := h.Addresses(); len(got) != 1 || got[0].Addr().String() != "127.0.0.1" {
		t.Errorf("advertised %v", got)
	}
}

func TestSilentSTUNServers(t *testing.T) {
	silent, other := newFakeSTUN(t, asItIs), newFakeSTUN(t, func(netip.AddrPort) netip.AddrPort { return netip.AddrPort{} })
	silent.hush()
	h, log := asking(t, func(c *Config) { auto(c); c.discoverTimeout = 700 * time.Millisecond }, silent, other)
	if got := h.Addresses(); len(got) != 1 || got[0].Addr().String() != "127.0.0.1" {
		t.Errorf("advertised %v; the machine's own are the best guess", got)
	}
	if log.warnings() != 1 || !strings.Contains(log.String(), "no STUN server answered") {
		t.Errorf("%s", log)
	}
	silent.mu.Lock()
	defer silent.mu.Unlock()
	if silent.asked < 2 {
		t.Errorf("asked %d times: a lost question is not repeated", silent.asked)
	}
}

func TestTheFirstServerThatAnswersCounts(t *testing.T) {
	silent, first, second := newFakeSTUN(t, asItIs), newFakeSTUN(t, behind("203.0.113.1")), newFakeSTUN(t, behind("203.0.113.2"))
	silent.hush()
	h, _ := asking(t, func(c *Config) { auto(c); c.discoverTimeout = 300 * time.Millisecond }, silent, first, second)
	if got := h.Addresses(); len(got) != 1 || got[0].Addr().String() != "203.0.113.1" {
		t.Errorf("advertised %v", got)
	}
}

// Only the server that was asked answers, and only what it was asked.
func TestForgedAnswers(t *testing.T) {
	server, forger := netip.MustParseAddrPort("192.0.2.1:3478"), netip.MustParseAddrPort("192.0.2.2:3478")
	lie, truth := netip.MustParseAddrPort("203.0.113.66:1"), netip.MustParseAddrPort("203.0.113.7:8190")
	var q questions
	write := func(b []byte, _ netip.AddrPort) (int, error) {
		m := &stun.Message{Raw: b}
		if err := m.Decode(); err != nil {
			t.Error(err)
		}
		if q.answered(answerTo(m.TransactionID, lie), forger) {
			t.Error("an answer from elsewhere is taken")
		}
		if q.answered(answerTo([12]byte{1}, lie), server) {
			t.Error("an answer to another question is taken")
		}
		if q.answered(b, server) {
			t.Error("a request is taken for an answer")
		}
		if !q.answered(answerTo(m.TransactionID, truth), server) || !q.answered(answerTo(m.TransactionID, lie), server) {
			t.Error("the answer is left to ICE")
		}
		return len(b), nil
	}
	if got, err := q.ask(t.Context(), write, server); err != nil || got != truth {
		t.Errorf("%v, %v", got, err)
	}
	if q.waiting.Load() != 0 || q.answered(answerTo([12]byte{}, lie), server) {
		t.Error("an answer is taken that nobody waits for")
	}
	failed := errors.New("no way")
	if _, err := q.ask(t.Context(), func([]byte, netip.AddrPort) (int, error) { return 0, failed }, server); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
}

func FuzzAnswered(f *testing.F) {
	f.Add(answerTo([12]byte{}, netip.MustParseAddrPort("203.0.113.7:8190")))
	f.Add([]byte("\x01\x01\x00\x08\x21\x12\xa4\x42\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x00\x04\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		server := netip.MustParseAddrPort("192.0.2.1:3478")
		var q questions
		answer := q.add([12]byte{}, server)
		if q.answered(b, server) {
			if seen := <-answer; seen.IsValid() && (seen.Port() == 0 || seen.Addr().IsUnspecified()) {
				t.Errorf("%v", seen)
			}
		}
	})
}

func TestSTUNServersInTheConfiguration(t *testing.T) {
	for value, want := range map[string]string{
		"stun.example.com": "stun.example.com 3478", "stun.example.com:19302": "stun.example.com 19302", "stun:stun.example.com": "stun.example.com 3478",
		"192.0.2.1": "192.0.2.1 3478", "[2001:db8::1]:5": "2001:db8::1 5", "2001:db8::1": "2001:db8::1 3478",
		"": "", "stuns:a.example:1": "", "turn:a.example": "", "a.example:0": "", "a.example:99999": "", "http://a.example": "",
	} {
		host, port, err := parseSTUNServer(value)
		if got := strings.TrimSpace(host + " " + uintString(uint32(port))); err == nil && got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", value, got, err)
		}
		cfg := DefaultConfig()
		cfg.STUNServers = []string{value}
		if err := cfg.Validate(); (err != nil) != (want == "") || err != nil && !strings.Contains(err.Error(), "media.stun_servers") {
			t.Errorf("%q: %v", value, err)
		}
	}
	cfg := DefaultConfig()
	cfg.STUNServers = strings.Split("a b c d e f g h i", " ")
	if cfg.Validate() == nil {
		t.Error("nine servers")
	}
	if len(DefaultConfig().stunServers()) != 0 {
		t.Error("somebody is asked by default")
	}
	auto(&cfg)
	cfg.STUNServers = nil
	if len(cfg.stunServers()) == 0 || cfg.Validate() != nil {
		t.Error("auto asks nobody")
	}
}

func TestConnectionsKnowWhatTheyWereNotTold(t *testing.T) {
	for name, tc := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"auto tells it":          {auto, "[]"},
		"another address is set": {func(c *Config) { c.PublicAddresses = []string{"203.0.113.9"} }, "[203.0.113.7]"},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := asking(t, tc.edit, newFakeSTUN(t, behind("203.0.113.7")))
			d := &discovery{host: h, said: map[string]bool{}}
			if !d.round(t.Context()) {
				t.Fatal("no answer")
			}
			c := &Conn{host: h, advertised: h.Addresses()}
			if got := fmt.Sprint(c.Facts().Untold); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}
