package conformance_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/testkit"
)

// The address of a container, and the one its port is forwarded at.
const (
	inside  = "127.0.0.2"
	outside = "127.0.0.1"
)

// behindForwarder puts the media of a gateway where clients cannot reach it, as
// in a container, and tells it the address outside.
func behindForwarder(t *testing.T, c *gateway.Config) {
	t.Helper()
	c.Media.Listen, c.Media.TCP, c.Media.PublicAddresses = inside+":0", false, []string{outside}
	probe, err := net.ListenPacket("udp4", c.Media.Listen)
	if err != nil {
		t.Skipf("this machine has no second loopback address: %v", err)
	}
	_ = probe.Close()
}

// throughForwarder forwards the port with the same number.
func throughForwarder(t *testing.T, g *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	port := g.Media()[0].Port()
	f := forward(t, netip.AddrPortFrom(netip.MustParseAddr(outside), port), netip.AddrPortFrom(netip.MustParseAddr(inside), port))
	if f == nil {
		t.FailNow()
	}
	f.start()
	target.PublicAddress = netip.AddrPortFrom(netip.MustParseAddr(outside), port).String()
}

// forward relays UDP as a container engine's user-space proxy does: a socket of
// its own for each client.
func forward(t *testing.T, from, to netip.AddrPort) *forwarder {
	t.Helper()
	front, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(from))
	if err != nil {
		t.Error(err)
		return nil
	}
	f := &forwarder{front: front, to: to, backs: make(map[netip.AddrPort]*net.UDPConn)}
	t.Cleanup(f.close)
	return f
}

// start begins to forward.
func (f *forwarder) start() { f.work.Go(f.inward) }

type forwarder struct {
	front *net.UDPConn
	// faithful knows the first client only.
	faithful bool
	to       netip.AddrPort
	mu       sync.Mutex
	backs    map[netip.AddrPort]*net.UDPConn
	work     sync.WaitGroup
}

func (f *forwarder) inward() {
	b := make([]byte, 2048)
	for {
		n, client, err := f.front.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if back := f.back(client); back != nil {
			_, _ = back.Write(b[:n]) // or it is lost, as UDP is
		}
	}
}

func (f *forwarder) back(client netip.AddrPort) *net.UDPConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if back := f.backs[client]; back != nil {
		return back
	}
	if f.faithful && len(f.backs) > 0 {
		return nil
	}
	back, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(f.to))
	if err != nil {
		return nil
	}
	f.backs[client] = back
	f.work.Go(func() {
		b := make([]byte, 2048)
		for {
			n, err := back.Read(b)
			if err != nil {
				return
			}
			_, _ = f.front.WriteToUDPAddrPort(b[:n], client) // or it is lost
		}
	})
	return back
}

func (f *forwarder) close() {
	_ = f.front.Close()
	f.mu.Lock()
	for _, back := range f.backs {
		_ = back.Close()
	}
	f.mu.Unlock()
	f.work.Wait()
}

// faithful puts a relay before the media of every session that knows nobody but
// the client that came first.
func faithful(t *testing.T) func(*exchange) {
	return func(x *exchange) {
		address := regexp.MustCompile(`127\.0\.0\.1 (\d+) typ host`).FindStringSubmatch(x.answer)
		if !x.made() || address == nil {
			return
		}
		f := forward(t, netip.MustParseAddrPort(outside+":0"), netip.MustParseAddrPort(outside+":"+address[1]))
		if f == nil {
			return
		}
		f.faithful = true
		f.start()
		_, port, _ := net.SplitHostPort(f.front.LocalAddr().String())
		x.answer = strings.ReplaceAll(x.answer, address[0], outside+" "+port+" typ host")
	}
}

// overTLS gives the gateway a certificate.
func overTLS(t *testing.T, c *gateway.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	c.HTTP.HTTP, c.HTTP.HTTPS = "", "127.0.0.1:0"
	c.HTTP.TLS.Cert, c.HTTP.TLS.Key = write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8)
}

func trustingAll(t *testing.T, g *testkit.Gateway, target *conformance.Target) {
	t.Helper()
	if !strings.HasPrefix(g.URL(), "https:") {
		t.Fatalf("the gateway is at %s", g.URL())
	}
	target.TLS = &tls.Config{InsecureSkipVerify: true}
}
