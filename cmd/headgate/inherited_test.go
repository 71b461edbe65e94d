package main

import (
	"net"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/sockets"
)

// Where systemd's sockets listen decides who may come without a token, so the
// configuration must say it.
func TestInheritedSocketsAreNamedInTheConfiguration(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg, from := gateway.DefaultConfig(), make(sources)
	nameInherited(sockets.Inherited{HTTPS: l}, &cfg, from)
	if cfg.HTTP.HTTPS != l.Addr().String() || cfg.HTTP.HTTP != gateway.DefaultConfig().HTTP.HTTP {
		t.Errorf("%q, %q", cfg.HTTP.HTTPS, cfg.HTTP.HTTP)
	}
	mustSay(t, from.locate(cfg.Validate()), "http.tls:")
	cfg = gateway.DefaultConfig()
	nameInherited(sockets.Inherited{HTTP: l}, &cfg, from)
	if err := cfg.Validate(); err != nil || cfg.HTTP.HTTP != l.Addr().String() {
		t.Errorf("%q, %v", cfg.HTTP.HTTP, err)
	}
}
