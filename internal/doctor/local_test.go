package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var errNo = errors.New("no")

// someTime is within the life of this program.
var someTime = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestConfiguration(t *testing.T) {
	expect(t, configuration(Setup{File: "x.yaml"}), "config-valid")
	expect(t, configuration(Setup{Invalid: []string{"a: b", "c: d"}, Missing: []string{"e"}}), "config-invalid config-invalid config-file-unreadable")
}

func TestPorts(t *testing.T) {
	bind := func(errs map[string]error) func(context.Context, string, string) error {
		return func(_ context.Context, network, address string) error {
			if err := errs[network+" "+address]; err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			return nil
		}
	}
	s := Setup{Sockets: [][3]string{{"tcp", ":80", "http.http"}, {"tcp", ":443", "http.https"}, {"udp", "192.0.2.1:8190", "media.listen"}, {"tcp", "192.0.2.1:8190", "media.listen"}}}
	tests := []struct {
		name    string
		errs    map[string]error
		running bool
		want    string
	}{
		{"all free", nil, false, "port-free port-free port-free port-free"},
		{"by a headgate", map[string]error{"tcp :80": syscall.EADDRINUSE}, true, "port-held-by-headgate port-free port-free port-free"},
		{"by somebody else", map[string]error{"udp 192.0.2.1:8190": syscall.EADDRINUSE}, false, "port-free port-free port-taken port-free"},
		{"without the right", map[string]error{"tcp :443": syscall.EACCES}, false, "port-free port-forbidden port-free port-free"},
		{"not this machine", map[string]error{"tcp 192.0.2.1:8190": syscall.EADDRNOTAVAIL}, false, "port-free port-free port-free port-address-missing"},
		{"nonsense", map[string]error{"tcp :80": errNo}, true, "port-unusable port-free port-free port-free"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, ports(t.Context(), s, bind(tc.errs), tc.running), tc.want) })
	}
}

func TestRealSocketsAreTried(t *testing.T) {
	var held string
	for _, network := range []string{"tcp", "udp"} {
		if err := bind(t.Context(), network, "127.0.0.1:0"); err != nil {
			t.Errorf("%s: %v", network, err)
		}
	}
	held = answering(t, `{"version":"1","whip":"http://x/whip/"}`)
	if err := bind(t.Context(), "tcp", strings.TrimPrefix(held, "http://")); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a taken port: %v", err)
	}
}

func told(addrs ...string) func(context.Context) ([]netip.AddrPort, error) {
	return func(context.Context) ([]netip.AddrPort, error) {
		var list []netip.AddrPort
		for _, a := range addrs {
			list = append(list, netip.AddrPortFrom(netip.MustParseAddr(a), 8190))
		}
		return list, nil
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		name  string
		setup Setup
		told  []string
		want  string
	}{
		{"a server", Setup{}, []string{"93.184.216.34", "2606:2800:220:1::1"}, "address-public address-public"},
		{"a LAN", Setup{}, []string{"192.168.1.5", "fd12::1"}, "address-private address-private"},
		{"what the operator says", Setup{PublicAddresses: []string{"10.0.0.1"}}, []string{"10.0.0.1"}, "address-configured"},
		{"a name the operator says", Setup{PublicAddresses: []string{"lan.example"}}, []string{"172.17.0.9"}, "address-configured"},
		{"a container and no configuration", Setup{}, []string{"172.17.0.2"}, "address-bridge"},
		{"a container for itself", Setup{LoopbackOnly: true}, []string{"172.17.0.2"}, "address-bridge-local"},
		{"a bridge beside", Setup{}, []string{"172.17.0.1", "93.184.216.34"}, "address-bridge-beside address-public"},
		{"behind a provider", Setup{}, []string{"100.64.3.4"}, "address-carrier-nat"},
		{"nothing else", Setup{}, []string{"127.0.0.1"}, "address-loopback"},
		{"useless", Setup{}, []string{"169.254.7.7"}, "address-useless"},
		{"useless even if configured", Setup{PublicAddresses: []string{"169.254.169.254"}}, []string{"169.254.169.254"}, "address-useless"},
		{"none", Setup{}, nil, "address-none"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, addresses(t.Context(), tc.setup, told(tc.told...)), tc.want) })
	}
	failing := func(context.Context) ([]netip.AddrPort, error) { return nil, errNo }
	expect(t, addresses(t.Context(), Setup{}, failing), "address-unresolved")
}

func TestABridgeAddressNamesCauseAndSetting(t *testing.T) {
	f := addresses(t.Context(), Setup{}, told("172.17.0.2"))[0]
	for _, want := range []string{"172.17.0.2", "Docker"} {
		if !strings.Contains(f.Text, want) {
			t.Errorf("%q lacks %s", f.Text, want)
		}
	}
	if f.Level != Fault || !strings.Contains(f.Remedy, "--public-ip") || !strings.Contains(f.Remedy, "media.public_addresses") {
		t.Errorf("%+v", f)
	}
}

func TestSTUNView(t *testing.T) {
	seen := func(addr string) func(context.Context, string) (netip.Addr, error) {
		return func(context.Context, string) (netip.Addr, error) {
			if addr == "" {
				return netip.Addr{}, errNo
			}
			return netip.MustParseAddr(addr), nil
		}
	}
	s := Setup{STUNServers: []string{"stun.example:3478"}}
	expect(t, stunView(t.Context(), s, seen("198.51.100.1"), told("10.0.0.1", "198.51.100.1")), "stun-same")
	expect(t, stunView(t.Context(), s, seen("198.51.100.1"), told("10.0.0.1")), "stun-differs")
	expect(t, stunView(t.Context(), s, seen("198.51.100.1"), told()), "stun-differs")
	expect(t, stunView(t.Context(), s, seen(""), told("10.0.0.1")), "stun-silent")
	expect(t, stunView(t.Context(), Setup{}, nil, told()), "")
	s.Discovers = true
	expect(t, stunView(t.Context(), s, seen("198.51.100.1"), told("10.0.0.1")), "stun-discovered")
	expect(t, addresses(t.Context(), s, told("10.0.0.1")), "address-discovered")
}

func TestClock(t *testing.T) {
	ahead := func(d time.Duration, err error) func(context.Context, string) (time.Duration, error) {
		return func(context.Context, string) (time.Duration, error) { return d, err }
	}
	s := Setup{NTPServer: "time.example"}
	expect(t, clock(t.Context(), Setup{}, someTime, nil), "clock-plausible")
	expect(t, clock(t.Context(), s, time.Unix(0, 0), nil), "clock-implausible")
	expect(t, clock(t.Context(), s, someTime, ahead(-time.Second, nil)), "clock-right")
	expect(t, clock(t.Context(), s, someTime, ahead(-time.Minute, nil)), "clock-off")
	expect(t, clock(t.Context(), s, someTime, ahead(0, errNo)), "clock-server-silent")
}

func TestSystem(t *testing.T) {
	m := func(buffer int, files uint64, step string) Machine {
		return Machine{
			Sysctl: func(string) (int, error) {
				if buffer == 0 {
					return 0, errNo
				}
				return buffer, nil
			},
			OpenFiles: func() (uint64, error) {
				if files == 0 {
					return 0, errNo
				}
				return files, nil
			},
			LastStep: func(context.Context) (string, error) {
				if step == "" {
					return "", errNo
				}
				return step, nil
			},
		}
	}
	s := Setup{MaxSessions: 1000}
	expect(t, system(t.Context(), s, m(4<<20, 4096, "segmented")), "buffers-large buffers-large files-enough egress-segmented")
	expect(t, system(t.Context(), s, m(212992, 1024, "batched")), "buffers-small buffers-small files-few egress-slower")
	expect(t, system(t.Context(), s, m(0, 0, "")), "buffers-unknown buffers-unknown files-unknown")
	if f := system(t.Context(), s, m(212992, 1024, "batched"))[0]; !strings.Contains(f.Remedy, "sysctl -w net.core.rmem_max=4194304") {
		t.Errorf("%+v", f)
	}
}

func TestState(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "not", "there", "token.key")
	expect(t, state(Setup{}, someTime), "state-not-needed")
	expect(t, state(Setup{KeyFile: file}, someTime), "state-writable key-absent")
	file = filepath.Join(dir, "token.key")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, someTime, someTime); err != nil {
		t.Fatal(err)
	}
	findings := state(Setup{KeyFile: file}, someTime.Add(50*time.Hour))
	expect(t, findings, "state-writable key-present")
	if !strings.Contains(findings[1].Text, "since 2026-11-20 (2 days)") {
		t.Errorf("%q", findings[1].Text)
	}
	if err := os.Chmod(file, 0o644); err != nil { //nolint:gosec // on purpose
		t.Fatal(err)
	}
	expect(t, state(Setup{KeyFile: file}, someTime), "state-writable key-exposed")
	expect(t, state(Setup{KeyFile: filepath.Join(file, "token.key")}, someTime), "state-unwritable key-unreadable")
	if left, err := fs.Glob(os.DirFS(dir), ".headgate*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestGateway(t *testing.T) {
	trusting := Setup{TrustedProxies: []string{"127.0.0.1"}}
	expect(t, gateway(Setup{}, Running{}, false), "gateway-absent")
	expect(t, gateway(Setup{}, Running{}, true), "gateway-answers proxy-agrees")
	expect(t, gateway(trusting, Running{Forwarded: "believed"}, true), "gateway-answers proxy-agrees")
	expect(t, gateway(trusting, Running{}, true), "gateway-answers proxy-silent")
	expect(t, gateway(Setup{}, Running{Forwarded: "ignored"}, true), "gateway-answers proxy-not-trusted")
}

func TestLocalStopsAtABadConfiguration(t *testing.T) {
	expect(t, Local(t.Context(), Setup{Invalid: []string{"x"}}, Machine{}), "config-invalid")
}

func TestLocalPutsEverythingUnderItsTopic(t *testing.T) {
	held := answering(t, `{"version":"9","whip":"http://x/whip/"}`)
	address := strings.TrimPrefix(held, "http://")
	sockets := [][3]string{{"tcp", address, "http.http"}, {"udp", "127.0.0.1:0", "media.listen"}, {"tcp", "127.0.0.1:0", "media.listen"}}
	m := OfThisMachine(told("93.184.216.34"), "segmented")
	findings := Local(t.Context(), Setup{HTTP: address, Sockets: sockets, MaxSessions: 1, LoopbackOnly: true}, m)
	all := " " + ids(findings) + " "
	for _, want := range []string{" config-valid port-held-by-headgate port-free port-free address-public certificate-not-needed ", " gateway-answers "} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in %s", want, all)
		}
	}
	for _, f := range findings {
		if f.Topic == "" {
			t.Errorf("%s has no topic", f.ID)
		}
	}
}
