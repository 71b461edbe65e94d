package peer

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestParseMedia(t *testing.T) {
	tests := []struct {
		in   string
		want media
		bad  bool
	}{
		{in: ":8190", want: media{addr: netip.IPv4Unspecified(), both: true, port: 8190}},
		{in: "[::]:8190", want: media{addr: netip.IPv4Unspecified(), both: true, port: 8190}},
		{in: "0.0.0.0:8190", want: media{addr: netip.IPv4Unspecified(), port: 8190}},
		{in: "localhost:1", want: media{addr: netip.MustParseAddr("127.0.0.1"), port: 1}},
		{in: "[2001:db8::1]:0", want: media{addr: netip.MustParseAddr("2001:db8::1")}},
		{in: "[::ffff:192.0.2.1]:9", want: media{addr: netip.MustParseAddr("192.0.2.1"), port: 9}},
		{in: "8190", bad: true},
		{in: ":70000", bad: true},
		{in: ":x", bad: true},
		{in: "media.example:8190", bad: true},
		{in: "224.0.0.1:8190", bad: true},
	}
	for _, tc := range tests {
		got, err := parseMedia(tc.in)
		if (err != nil) != tc.bad || !tc.bad && got != tc.want {
			t.Errorf("parseMedia(%q) = %+v, %v", tc.in, got, err)
		}
	}
}

func TestValidateReportsEveryFieldAtOnce(t *testing.T) {
	cfg := DefaultConfig()
	if err := cfg.Validate(); err != nil {
		t.Fatalf("the default is not valid: %v", err)
	}
	cfg.Media, cfg.Keepalive, cfg.FailedAfter = "nonsense", 0, -time.Second
	cfg.PublicAddresses = []string{"203.0.113.1", "gate.example", "203.0.113.1:8190", "0.0.0.0", "fe80::1%eth0", ""}
	err := cfg.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"media.listen", "media.keepalive", "media.failed_after", `"203.0.113.1:8190"`, `"0.0.0.0"`, "%eth0", `""`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not mentioned in %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "gate.example") {
		t.Errorf("a name is refused: %v", err)
	}
}

func TestListenRefusesABadConfig(t *testing.T) {
	cfg := DefaultConfig()
	cfg.Keepalive = 0
	if h, err := Listen(cfg); err == nil {
		_ = h.Close()
		t.Fatal("accepted")
	}
}

// N-032: zero-candidate offers get 40 s before they count as failed (RFC 8863
// section 4 recommends 39.5 s).
func TestDefaultTimesCoverThePatientTimer(t *testing.T) {
	cfg := DefaultConfig()
	if sum := cfg.DisconnectedAfter + cfg.FailedAfter; sum < 39500*time.Millisecond || sum > 45*time.Second {
		t.Errorf("a session that never sends a check fails after %v", sum)
	}
}
