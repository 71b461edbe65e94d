package gateway_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/sockets"
)

func TestSocketsOfSystemdAreServed(t *testing.T) {
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	packets, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP, cfg.Media.Listen = listener.Addr().String(), packets.LocalAddr().String()
	ctx, cancel := context.WithCancel(t.Context())
	g, err := gateway.New(ctx, cfg, gateway.Options{Sockets: sockets.Inherited{HTTP: listener, UDP: []*net.UDPConn{packets.(*net.UDPConn)}}})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- g.Run(ctx) }() // read below
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	res, err := transport.RoundTrip(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", res, err)
	} else {
		_ = res.Body.Close()
	}
	if media := g.Media(); len(media) != 1 || media[0].String() != packets.LocalAddr().String() {
		t.Errorf("media %v", media)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
}
