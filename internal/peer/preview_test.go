package peer

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestPreviewIsWhatAHostWouldAdvertise(t *testing.T) {
	addr := netip.MustParseAddr
	interfaces := func() ([]localInterface, error) {
		return []localInterface{
			{"lo", []netip.Addr{addr("127.0.0.1")}}, {"eth0", []netip.Addr{addr("10.1.2.3"), addr("2001:4860::1")}}, {"docker0", []netip.Addr{addr("172.17.0.1")}},
		}, nil
	}
	lookup := func(_ context.Context, name string) ([]netip.Addr, error) {
		if name == "good.example" {
			return []netip.Addr{addr("198.51.100.7")}, nil
		}
		return nil, errors.New("no such host")
	}
	tests := []struct {
		name   string
		change func(*Config)
		want   string
		fails  bool
	}{
		{"the machine's own", func(*Config) {}, "10.1.2.3:8190 [2001:4860::1]:8190", false},
		{"without IPv6", func(c *Config) { c.IPv6 = false }, "10.1.2.3:8190", false},
		{"bound to one", func(c *Config) { c.Media = "127.0.0.1:9" }, "127.0.0.1:9", false},
		{"public ones instead", func(c *Config) { c.PublicAddresses = []string{"good.example", "192.0.2.1"} }, "198.51.100.7:8190 192.0.2.1:8190", false},
		{"a name that is not there", func(c *Config) { c.PublicAddresses = []string{"bad.example", "192.0.2.1"} }, "192.0.2.1:8190", true},
		{"nonsense", func(c *Config) { c.Media = "x" }, "", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.lookup, cfg.interfaces = lookup, interfaces
			tc.change(&cfg)
			got, err := Preview(t.Context(), cfg)
			var text []string
			for _, a := range got {
				text = append(text, a.String())
			}
			if strings.Join(text, " ") != tc.want || (err != nil) != tc.fails {
				t.Errorf("%v, %v; want %s", text, err, tc.want)
			}
			if err != nil && slices.Contains(cfg.PublicAddresses, "bad.example") && !strings.Contains(err.Error(), "bad.example") {
				t.Errorf("%v does not name it", err)
			}
		})
	}
}
