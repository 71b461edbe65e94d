package netclass

import (
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEveryAddressHasItsClass(t *testing.T) {
	for addr, want := range map[string]Class{
		"8.8.8.8": Public, "2a00:1450::1": Public, "172.31.5.6": Private, "172.20.0.2": Private,
		"192.168.1.7": Private, "10.0.0.5": Private, "::ffff:10.0.0.5": Private, "fd12:3456::1": UniqueLocal,
		"100.64.0.1": CarrierNAT, "100.127.255.254": CarrierNAT, "100.128.0.1": Public,
		"172.17.0.2": Container, "172.18.0.2": Container, "10.88.0.3": Container, "10.42.1.9": Container,
		"192.168.122.5": Container, "192.168.65.3": Container, "10.0.2.100": Container, "10.0.2.15": Private,
		"169.254.1.2": LinkLocal, "fe80::1%eth0": LinkLocal, "127.0.0.1": Loopback, "127.8.0.1": Loopback, "::1": Loopback,
		"0.0.0.0": Reserved, "::": Reserved, "224.0.0.251": Reserved, "255.255.255.255": Reserved,
		"203.0.113.9": Reserved, "2001:db8::1": Reserved,
		"169.254.169.254": Metadata, "fd00:ec2::254": Metadata,
	} {
		if got := Of(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Of(%s) = %s, want %s", addr, got, want)
		}
	}
	if got := Of(netip.Addr{}); got != Invalid {
		t.Errorf("the zero address is %s", got)
	}
}

func TestWhoReachesWhom(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"8.8.8.8", "9.9.9.9", true},
		{"192.168.1.7", "9.9.9.9", true},
		{"8.8.8.8", "192.168.1.7", false},
		{"192.168.1.8", "192.168.1.7", true},
		{"198.51.100.7", "192.168.1.7", false},
		{"8.8.8.8", "172.17.0.2", false},
		{"192.168.1.8", "172.17.0.2", false},
		{"172.17.0.1", "172.17.0.2", true},
		{"127.0.0.1", "172.17.0.2", true},
		{"192.168.1.8", "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"8.8.8.8", "100.64.0.9", false},
		{"192.168.1.8", "169.254.1.1", false},
	} {
		if got := Reaches(netip.MustParseAddr(c.from), netip.MustParseAddr(c.to)); got != c.want {
			t.Errorf("Reaches(%s, %s) = %v", c.from, c.to, got)
		}
	}
}

func TestEnginesAndTheirInterfaces(t *testing.T) {
	for addr, want := range map[string]string{"172.17.0.2": "Docker", "10.88.0.2": "Podman", "10.244.0.7": "Kubernetes", "192.168.1.2": ""} {
		if got := Engine(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Engine(%s) = %q, want %q", addr, got, want)
		}
	}
	for name, want := range map[string]bool{
		"docker0": true, "br-4f1c": true, "veth12": true, "virbr0": true, "eth0": false, "enp3s0": false,
		"wlan0": false, "br0": false, "wg0": false, "tailscale0": false, "bridge100": true,
	} {
		if got := VirtualInterface(name); got != want {
			t.Errorf("VirtualInterface(%q) = %v", name, got)
		}
	}
	if Matches("eth0", "[") || !Matches("eth0", "eth*") || Matches("eth0", "eth") {
		t.Error("patterns do not match as they should")
	}
}

func TestAClassIsTheSameMappedAndReadsWell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b [4]byte
		for i := range b {
			b[i] = rapid.Byte().Draw(t, "octet")
		}
		a := netip.AddrFrom4(b)
		if Of(a) != Of(netip.AddrFrom16(a.As16())) {
			t.Fatalf("%s has another class when mapped", a)
		}
		if s := Of(a).String(); !strings.Contains(s, " ") {
			t.Fatalf("%s: %q is not words", a, s)
		}
	})
}
