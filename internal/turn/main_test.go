package turn

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 20 * time.Second

// media stands for the gateway's media side.
type media struct {
	list []netip.AddrPort
	used atomic.Pointer[netip.AddrPort]
	got  chan delivery
}

type delivery struct {
	data string
	from netip.AddrPort
}

func (m *media) Addresses() []netip.AddrPort { return m.list }

func (m *media) Deliver(b []byte, from netip.AddrPort) bool {
	m.got <- delivery{string(b), from}
	return true
}

func (m *media) Uses(a netip.AddrPort) bool {
	used := m.used.Load()
	return used != nil && *used == a
}

// next is the next datagram delivered to media.
func (m *media) next(t *testing.T) delivery {
	t.Helper()
	select {
	case d := <-m.got:
		return d
	case <-time.After(patience):
		t.Fatal("nothing was delivered to media")
		return delivery{}
	}
}

// clock can be moved.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// served is a server under test.
type served struct {
	*Server
	media *media
	clock *clock
	lives atomic.Bool // whether session "alice" does
}

// mediaAddr is where media is; nothing listens there.
var mediaAddr = netip.MustParseAddrPort("127.0.0.1:8190")

func serve(t *testing.T, edit ...func(*Config, *Options)) *served {
	t.Helper()
	s := &served{media: &media{list: []netip.AddrPort{mediaAddr}, got: make(chan delivery, 1024)}, clock: &clock{}}
	s.lives.Store(true)
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	opt := Options{
		TTL:   time.Hour,
		Lives: func(id string) bool { return id == "alice" && s.lives.Load() },
		ListenPacket: func(ctx context.Context, address string) (net.PacketConn, error) {
			var lc net.ListenConfig
			return lc.ListenPacket(ctx, "udp", address)
		},
		Now: s.clock.now,
	}
	for _, e := range edit {
		e(&cfg, &opt)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	s.Server = New(cfg, opt)
	if err := s.Start(t.Context(), s.media, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// credential makes one for an id.
func (s *served) credential(id string, ttl time.Duration) (user, secret string) {
	user = formatUser(s.clock.now().Add(ttl), id)
	return user, password(s.Secret(), user)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}
