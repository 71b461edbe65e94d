package main

import (
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
)

func TestHealthAsksTheGatewayOfTheConfiguration(t *testing.T) {
	s := serve(t, &command{})
	address := strings.TrimPrefix(s.HTTP, "http://")
	c := &command{}
	c.env = []string{"HEADGATE_HTTP_HTTP=" + address}
	for _, args := range [][]string{{"health"}, {"health", "--ready"}} {
		if err := c.run(t, args...); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := c.run(t, "health", s.HTTP+"/whatever"); err != nil {
		t.Error(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.run(t, "health", "--timeout", "1s"); err == nil {
		t.Error("nobody is there, and that is healthy")
	}
	if err := c.run(t, "health", "127.0.0.1:8080"); err == nil || !strings.Contains(err.Error(), "must look like") {
		t.Errorf("got %v", err)
	}
}

func TestWhereHealthAsks(t *testing.T) {
	for name, tc := range map[string]struct{ operations, http, want string }{
		"as it is":              {"", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		"all addresses":         {"", ":8080", "http://127.0.0.1:8080"},
		"all addresses, IPv6":   {"", "[::]:8080", "http://127.0.0.1:8080"},
		"an address":            {"", "192.0.2.1:80", "http://192.0.2.1:80"},
		"the operations' first": {"127.0.0.1:9190", ":8080", "http://127.0.0.1:9190"},
		"TLS only":              {"", "", ""},
	} {
		cfg := gateway.DefaultConfig()
		cfg.Operations.Listen, cfg.HTTP.HTTP = tc.operations, tc.http
		if got, err := plainOrigin(cfg); got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
