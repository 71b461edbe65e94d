package peer

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// lan is what a desktop machine with containers and a VPN has.
func lan() ([]localInterface, error) {
	addrs := func(s ...string) (list []netip.Addr) {
		for _, a := range s {
			list = append(list, netip.MustParseAddr(a))
		}
		return list
	}
	return []localInterface{
		{"lo", addrs("127.0.0.1", "::1")},
		{"eth0", addrs("192.0.2.10", "2001:db8::10", "fe80::1", "169.254.9.9")},
		{"wlan0", addrs("198.51.100.20")},
		{"docker0", addrs("172.17.0.1")},
		{"br-2f3a", addrs("172.18.0.1")},
		{"veth12", addrs("172.19.0.1")},
		{"wg0", addrs("10.8.0.2")},
	}, nil
}

func testBook(edit func(b *addressBook)) *addressBook {
	b := &addressBook{
		cfg: DefaultConfig(), log: Config{}.logger(), port: 8190, v4: true, v6: true,
		resolved: map[string][]netip.Addr{},
	}
	b.cfg.interfaces = lan
	edit(b)
	return b
}

func addrsOf(list []netip.AddrPort) (s []string) {
	for _, a := range list {
		s = append(s, a.Addr().String())
	}
	return s
}

func TestAdvertisedAddresses(t *testing.T) {
	tests := []struct {
		name string
		edit func(b *addressBook)
		want []string
	}{
		{"N-065 the machine's own, without loopback, containers and link-local", func(b *addressBook) {},
			[]string{"192.0.2.10", "198.51.100.20", "10.8.0.2", "2001:db8::10"}},
		{"M-122 public instead of local", func(b *addressBook) { b.cfg.PublicAddresses = []string{"203.0.113.7"} },
			[]string{"203.0.113.7"}},
		{"M-123 public beside local", func(b *addressBook) {
			b.cfg.PublicAddresses, b.cfg.PublicKeepsLocal = []string{"2001:db8::7", "203.0.113.7"}, true
		}, []string{"203.0.113.7", "192.0.2.10", "198.51.100.20", "10.8.0.2", "2001:db8::7", "2001:db8::10"}},
		{"M-128 no IPv6 without a socket", func(b *addressBook) { b.v6 = false },
			[]string{"192.0.2.10", "198.51.100.20", "10.8.0.2"}},
		{"no IPv4 without a socket", func(b *addressBook) { b.v4 = false }, []string{"2001:db8::10"}},
		{"only some interfaces", func(b *addressBook) { b.cfg.Interfaces = []string{"w*"} },
			[]string{"198.51.100.20", "10.8.0.2"}},
		{"M-124 a container bridge when it is asked for", func(b *addressBook) { b.cfg.Interfaces = []string{"docker0"} },
			[]string{"172.17.0.1"}},
		{"loopback when it is asked for", func(b *addressBook) { b.cfg.Interfaces = []string{"lo", "eth0"} },
			[]string{"127.0.0.1", "192.0.2.10", "::1", "2001:db8::10"}},
		{"N-065 loopback when allowed, last", func(b *addressBook) { b.cfg.AllowLoopback, b.v6 = true, false },
			[]string{"192.0.2.10", "198.51.100.20", "10.8.0.2", "127.0.0.1"}},
		{"loopback when there is nothing else", func(b *addressBook) { b.cfg.Interfaces = []string{"none"} },
			[]string{"127.0.0.1", "::1"}},
		{"bound to an address", func(b *addressBook) { b.bound = netip.MustParseAddr("127.0.0.1") }, []string{"127.0.0.1"}},
		{"bound, with a public address", func(b *addressBook) {
			b.bound, b.cfg.PublicAddresses = netip.MustParseAddr("10.0.0.5"), []string{"203.0.113.7"}
		}, []string{"203.0.113.7"}},
		{"duplicates once", func(b *addressBook) {
			b.cfg.PublicAddresses, b.cfg.PublicKeepsLocal, b.v6 = []string{"::ffff:192.0.2.10"}, true, false
		}, []string{"192.0.2.10", "198.51.100.20", "10.8.0.2"}},
	}
	for _, tc := range tests {
		got := testBook(tc.edit).list(time.Now())
		if !slices.Equal(addrsOf(got), tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, addrsOf(got), tc.want)
		}
		for _, a := range got {
			if a.Port() != 8190 {
				t.Errorf("%s: %v has another port than the mux", tc.name, a) // M-122
			}
		}
	}
}

func TestAdvertisedAddressesAreBounded(t *testing.T) {
	b := testBook(func(b *addressBook) {
		for i := range 50 {
			b.cfg.PublicAddresses = append(b.cfg.PublicAddresses, netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
		}
	})
	if n := len(b.list(time.Now())); n != maxPerFamily {
		t.Errorf("%d addresses", n)
	}
}

func TestLocalAddressesAreListedAgainAfterAWhile(t *testing.T) {
	calls := 0
	b := testBook(func(b *addressBook) {
		b.cfg.interfaces = func() ([]localInterface, error) {
			calls++
			if calls > 2 {
				return nil, errors.New("no more")
			}
			return lan()
		}
	})
	start := time.Now()
	for _, step := range []struct {
		after time.Duration
		calls int
	}{{0, 1}, {localAge - 1, 1}, {localAge, 2}, {3 * localAge, 3}} {
		got := b.list(start.Add(step.after))
		if calls != step.calls || len(got) != 4 {
			t.Errorf("after %v: %d calls, %v", step.after, calls, got)
		}
	}
}

// M-125: dynamic DNS is followed, and an outage of DNS does not take addresses
// away.
func TestPublicNamesAreResolvedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type reply struct {
			addr string
			err  error
		}
		var dns atomic.Pointer[reply]
		dns.Store(&reply{addr: "203.0.113.1"})
		b := testBook(func(b *addressBook) {
			b.cfg.PublicAddresses = []string{"gate.example"}
			b.cfg.lookup = func(_ context.Context, name string) ([]netip.Addr, error) {
				if name != "gate.example" {
					t.Errorf("looked up %q", name)
				}
				r := dns.Load()
				return []netip.Addr{netip.MustParseAddr(r.addr)}, r.err
			}
		})
		want := func(when string, addrs ...string) {
			t.Helper()
			synctest.Wait()
			if got := addrsOf(b.list(time.Now())); !slices.Equal(got, addrs) {
				t.Errorf("%s: %v, want %v", when, got, addrs)
			}
		}
		if !b.hasNames() {
			t.Fatal("the name is not seen")
		}
		want("before", "192.0.2.10", "198.51.100.20", "10.8.0.2", "2001:db8::10")
		ctx, cancel := context.WithCancel(t.Context())
		all := b.resolve(ctx)
		done := make(chan struct{})
		go func() { defer close(done); b.keepResolving(ctx, all) }()
		want("at first", "203.0.113.1")
		dns.Store(&reply{addr: "203.0.113.2"})
		time.Sleep(nameAge + time.Second) // the bubble's clock
		want("after a minute", "203.0.113.2")
		dns.Store(&reply{addr: "203.0.113.4", err: errors.New("outage")})
		time.Sleep(nameAge)
		want("during an outage", "203.0.113.2")
		dns.Store(&reply{addr: "203.0.113.3"})
		time.Sleep(nameRetry)
		want("soon after it", "203.0.113.3")
		cancel()
		<-done
	})
}

func TestMachineInterfaces(t *testing.T) {
	found, err := machineInterfaces()
	if err != nil || len(found) == 0 {
		t.Fatalf("%v, %v", found, err)
	}
	for _, i := range found {
		for _, a := range i.addrs {
			if !a.IsValid() {
				t.Errorf("%s has an invalid address", i.name)
			}
		}
	}
}
