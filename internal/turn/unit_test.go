package turn

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCredentials(t *testing.T) {
	s := serve(t)
	now := s.clock.now()
	in, ago := now.Add(time.Minute), now.Add(-time.Minute)
	short := NewUnboundID()
	used := s.madeUp.pick(false)
	s.media.used.Store(&used)
	inUse := formatUser(ago, NewUnboundID())
	long := formatUser(now.Add(-2*time.Hour), NewUnboundID())
	for _, user := range []string{inUse, long} {
		a := newAllocation(s.Server, used, user, now)
		s.table.byUser[user] = []*allocation{a}
		defer delete(s.table.byUser, user)
	}
	for name, tc := range map[string]struct {
		user  string
		works bool
	}{
		"of a session":                       {formatUser(in, "alice"), true},
		"of a session, with a number behind": {formatUser(in, "alice.17"), true},
		"of a session, expired":              {formatUser(ago, "alice"), false},
		"of no session":                      {formatUser(in, "mallory"), false},
		"unbound":                            {formatUser(in, short), true},
		"unbound, expired":                   {formatUser(ago, short), false},
		"unbound, expired and in use":        {inUse, true},
		"unbound, in use for too long":       {long, false},
		"no id":                              {formatUser(in, ""), false},
		"no expiry":                          {"alice", false},
		"no number":                          {"soon:alice", false},
		"too long":                           {formatUser(in, strings.Repeat("a", 200)), false},
		"nothing":                            {"", false},
	} {
		c, ok := parseUser(tc.user)
		if ok = ok && s.works(now, tc.user, c); ok != tc.works {
			t.Errorf("%s: %v", name, ok)
		}
	}
	if len(unbound) <= 12 {
		t.Error("a session's id could begin like that of an unbound credential")
	}
}

// Only the password of the user name opens, and each process has its own.
func TestWrongPasswords(t *testing.T) {
	s, other := serve(t), serve(t)
	c := s.raw(t, s.dial(t, "udp"), "alice")
	c.key = password(other.Secret(), c.user)
	if code := c.allocate(); code != 400 {
		t.Errorf("the password of another process: %d", code)
	}
	c = s.raw(t, s.dial(t, "udp"), "mallory")
	if code := c.allocate(); code != 400 || s.Stats().Unauthorized != 1 {
		t.Errorf("of no session: %d, counted %d", code, s.Stats().Unauthorized)
	}
}

func TestMadeUpAddresses(t *testing.T) {
	m, other := newMadeUp(), newMadeUp()
	rapid.Check(t, func(t *rapid.T) {
		a := m.pick(rapid.Bool().Draw(t, "v6"))
		if !m.owns(a) || a.Port() < lowestPort || !a.Addr().IsGlobalUnicast() {
			t.Fatalf("%v", a)
		}
		if a.Addr().Is6() && (other.owns(a) || !a.Addr().IsPrivate()) {
			t.Fatalf("%v is not this process's alone", a)
		}
	})
	for _, a := range []string{"127.0.0.1:1", "192.0.3.1:1", "198.18.0.1:1", "[::1]:1"} {
		if m.owns(netip.MustParseAddrPort(a)) {
			t.Errorf("owns %s", a)
		}
	}
}

func TestNetworkOf(t *testing.T) {
	for addr, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "2001:db8:1:2:3::4": "2001:db8:1:2::", "2001:db8:1:2::9": "2001:db8:1:2::",
	} {
		if got := networkOf(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s counts as %s", addr, got)
		}
	}
}

// pipeConn reads from a reader, in pieces of its choosing.
type pipeConn struct {
	net.Conn
	in io.Reader
}

func (c pipeConn) Read(b []byte) (int, error)      { return c.in.Read(b) }
func (c pipeConn) Write(b []byte) (int, error)     { return len(b), nil }
func (c pipeConn) SetReadDeadline(time.Time) error { return nil }

// piecewise gives one byte at a time.
type piecewise struct{ io.Reader }

func (p piecewise) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), 1)]) }

// However a stream is cut up, its messages come whole.
func TestStreamsAreCutIntoMessages(t *testing.T) {
	s := serve(t)
	rapid.Check(t, func(t *rapid.T) {
		var sent [][]byte
		var wire bytes.Buffer
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 1500), 1, 10).Draw(t, "lengths") {
			m := make([]byte, 4+(n+3)/4*4)
			m[0] = 0x40
			if rapid.Bool().Draw(t, "stun") {
				m = make([]byte, 20+n/4*4)
				n = n / 4 * 4
			}
			binary.BigEndian.PutUint16(m[2:], uint16(n))
			wire.Write(m)
			if len(m) >= shortestFrame {
				sent = append(sent, m)
			}
		}
		var in io.Reader = &wire
		if rapid.Bool().Draw(t, "piecewise") {
			in = piecewise{in}
		}
		c := streamOver(s, pipeConn{in: in})
		b := make([]byte, messageBytes)
		for i, want := range sent {
			if n, err := c.Read(b); err != nil || !bytes.Equal(b[:n], want) {
				t.Fatalf("message %d: %d bytes, want %d, %v", i, n, len(want), err)
			}
		}
		if _, err := c.Read(b); err == nil {
			t.Fatal("more than was sent")
		}
	})
}

// A message that pion's own framing would take for one without bytes ends the
// connection.
func TestImpossibleLengths(t *testing.T) {
	s := serve(t)
	for name, head := range map[string][]byte{
		"a length that overflows": {0, 3, 0xff, 0xec, 0x21, 0x12, 0xa4, 0x42},
		"a huge message":          {0, 3, 0x10, 0, 0x21, 0x12, 0xa4, 0x42},
		"a huge channel message":  {0x40, 0, 0xff, 0xff},
		"HTTP":                    []byte("GET / HTTP/1.1\r\n\r\n"),
	} {
		conn := s.dial(t, "tcp")
		if _, err := conn.Write(append(head, make([]byte, 32)...)); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(firstWait / 3))
		if _, err := conn.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: the connection is still there: %v", name, err)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0x0d, 0, 4, 0, 0, 0, 1})
	f.Add([]byte{0x40, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			if n, err := frameBytes(b); err == nil && (n < 4 || n >= messageBytes) {
				t.Errorf("%d bytes", n)
			}
		}
		if refused(b) {
			_ = refusal(b)
		}
		_, _ = parseUser(string(b))
	})
}

func TestValidate(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Config)
		says   string // empty: good
	}{
		"defaults":         {func(*Config) {}, ""},
		"addresses":        {func(c *Config) { c.Listen, c.TLSListen, c.Host = "[::1]:0", ":443", "2001:db8::1" }, ""},
		"a name":           {func(c *Config) { c.Host = "turn.example.com" }, ""},
		"no port":          {func(c *Config) { c.Listen = "127.0.0.1" }, "turn.listen"},
		"nowhere":          {func(c *Config) { c.Listen = "" }, "turn.listen"},
		"a name to bind":   {func(c *Config) { c.Listen = "example.com:3478" }, "turn.listen"},
		"a port too large": {func(c *Config) { c.TLSListen = ":65536" }, "turn.tls_listen"},
		"a host with port": {func(c *Config) { c.Host = "example.com:3478" }, "turn.host"},
		"a host with junk": {func(c *Config) { c.Host = `a",b` }, "turn.host"},
		"no bitrate":       {func(c *Config) { c.MaxBitrate = 0 }, "turn.max_bitrate"},
		"no allocations":   {func(c *Config) { c.MaxPerCredential, c.MaxPerAddress = 0, 1 }, "turn.max_per_credential"},
		"no addresses":     {func(c *Config) { c.MaxPerAddress = -1 }, "turn.max_per_address"},
	} {
		c := DefaultConfig()
		tc.change(&c)
		err := c.Validate()
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func streamOver(s *served, conn net.Conn) *stream {
	remote := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	return &stream{Conn: conn, server: s.Server, in: bufio.NewReaderSize(conn, messageBytes), local: remote, remote: remote}
}
