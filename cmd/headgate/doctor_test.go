package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/doctor"
)

// diagnose runs the doctor and reads its JSON.
func diagnose(t *testing.T, env []string, args ...string) (map[string]doctor.Finding, error) {
	t.Helper()
	c := &command{env: env}
	err := c.run(t, append([]string{"doctor", "--format", "json"}, args...)...)
	var doc struct{ Findings []doctor.Finding }
	if e := json.Unmarshal([]byte(c.stdout.String()), &doc); e != nil {
		t.Fatalf("%v in %s", e, c.stdout.String())
	}
	found := map[string]doctor.Finding{}
	for _, f := range doc.Findings {
		found[f.ID] = f
	}
	return found, err
}

func TestDoctorOfABadConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(file, []byte("http:\n  htps: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, err := diagnose(t, nil, "--config", file)
	if err == nil || !strings.Contains(found["config-invalid"].Text, "gateway.yaml:2") {
		t.Errorf("%v, %v", err, found)
	}
}

func TestDoctorOfATakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	found, err := diagnose(t, nil, "--http", taken.Addr().String(), "--media", "127.0.0.1:0")
	if f := found["port-taken"]; err == nil || !strings.Contains(f.Text, taken.Addr().String()) {
		t.Errorf("%v, %v", err, found)
	}
}

func TestDoctorBesideARunningGateway(t *testing.T) {
	s := serve(t, &command{})
	found, err := diagnose(t, nil, "--http", strings.TrimPrefix(s.HTTP, "http://"), "--media", s.Media[0], "--public-ip", "192.0.2.9")
	if err != nil || found["port-held-by-headgate"].ID == "" || found["port-taken"].ID != "" || found["gateway-answers"].ID == "" || found["address-configured"].ID == "" {
		t.Errorf("%v, %v", err, found)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestDoctorFindsTheKey(t *testing.T) {
	dir := t.TempDir()
	env := []string{"HEADGATE_STATE_DIR=" + dir, "HEADGATE_HTTP_HTTP=:0", "HEADGATE_MEDIA_LISTEN=:0"}
	found, _ := diagnose(t, env)
	if found["key-absent"].ID == "" || found["state-writable"].ID == "" {
		t.Errorf("%v", found)
	}
	c := &command{env: env}
	if err := c.run(t, "token", "--play", "x"); err != nil {
		t.Fatal(err)
	}
	if found, _ = diagnose(t, env); !strings.Contains(found["key-present"].Text, dir) {
		t.Errorf("%v", found)
	}
}

func TestDoctorSaysItInWords(t *testing.T) {
	c := &command{terminal: true}
	_ = c.run(t, "doctor", "--http", "127.0.0.1:0", "--media", "127.0.0.1:0") // whatever this machine is like
	if out := c.stdout.String(); !strings.Contains(out, "✓ ") || !strings.Contains(out, "\nPorts\n") {
		t.Errorf("%s", out)
	}
}

func TestDoctorOfAServerFromOutside(t *testing.T) {
	s := serve(t, &command{env: []string{"HEADGATE_TURN_ENABLED=true", "HEADGATE_TURN_LISTEN=127.0.0.1:0", "HEADGATE_TURN_HOST=127.0.0.1"}})
	c := &command{}
	err := c.run(t, "doctor", s.HTTP)
	out := c.stdout.String()
	for _, want := range []string{"UDP works (udp 127.0.0.1", "TCP works (tcp 127.0.0.1", "TURN works (", "loss 0.0 %"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
	if err != nil || t.Failed() {
		t.Errorf("%v\n%s", err, out)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

func TestDoctorNeedsAToken(t *testing.T) {
	s := serve(t, &command{env: []string{"HEADGATE_KEY=0123456789abcdef0123456789abcdef"}})
	found, err := diagnose(t, nil, s.HTTP)
	if err == nil || !strings.Contains(found["token-refused"].Remedy, "headgate token") {
		t.Errorf("%v, %v", err, found)
	}
	c := &command{env: []string{"HEADGATE_KEY=0123456789abcdef0123456789abcdef"}}
	if err := c.run(t, "token", "--publish", "check-*", "--play", "check-*"); err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(c.stdout.String())
	if found, err = diagnose(t, []string{"HEADGATE_DOCTOR_TOKEN=" + token}, s.HTTP); err != nil || found["path-works"].ID == "" {
		t.Errorf("%v, %v", err, found)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}
