package gateway_test

import (
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/internal/turn"
	"github.com/headgate/headgate/internal/wish"
)

func withTURN(c *gateway.Config) {
	c.TURN.Enabled, c.TURN.Listen = true, "127.0.0.1:0"
}

// options are the servers an endpoint tells before there is a session.
func options(t *testing.T, endpoint string) []signaling.ICEServer {
	t.Helper()
	servers, err := wish.Client{}.Options(t.Context(), endpoint, "")
	if err != nil {
		t.Fatal(err)
	}
	return servers
}

// over keeps the servers of one transport, for a WebRTC client.
func over(servers []signaling.ICEServer, transport string) (list []webrtc.ICEServer) {
	for _, s := range servers {
		if strings.HasPrefix(s.URL, "turn:") && strings.HasSuffix(s.URL, "?transport="+transport) {
			list = append(list, webrtc.ICEServer{URLs: []string{s.URL}, Username: s.Username, Credential: s.Credential})
		}
	}
	return list
}

func turnStats(t *testing.T, g *testkit.Gateway) turn.Stats {
	t.Helper()
	stats, ok := g.TURN()
	if !ok {
		t.Fatal("no TURN server")
	}
	return stats
}

// A publisher and a viewer who can do nothing but TURN.
func TestPublishAndPlayByTURN(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			g := testkit.StartGateway(t, withTURN)
			relays := over(options(t, g.WHIP("live")), transport)
			if len(relays) != 1 {
				t.Fatalf("%d servers", len(relays))
			}
			testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Relays: relays})
			player := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live"), Relays: over(options(t, g.WHEP("live")), transport)})
			player.Wait(10*time.Second, "picture", moving(20))
			direct := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
			direct.Wait(10*time.Second, "picture beside TURN", moving(20))
			if s := turnStats(t, g); s.Allocations != 2 || s.FromClients == 0 || s.ToClients == 0 || s.Dropped > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// allocate asks for an allocation as a TURN client, by UDP.
func allocate(t *testing.T, servers []signaling.ICEServer) error {
	t.Helper()
	s := servers[slices.IndexFunc(servers, func(s signaling.ICEServer) bool { return strings.HasPrefix(s.URL, "turn:") })]
	at := strings.TrimSuffix(strings.TrimPrefix(s.URL, "turn:"), "?transport=udp")
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client, err := pion.NewClient(&pion.ClientConfig{TURNServerAddr: at, Username: s.Username, Password: s.Credential, Conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Listen(); err != nil {
		t.Fatal(err)
	}
	relay, err := client.Allocate()
	if err == nil {
		err = relay.Close()
	}
	return err
}

// What a 201 tells works while the session lives.
func TestTURNCredentialsEndWithTheSession(t *testing.T) {
	g := testkit.StartGateway(t, withTURN)
	session, err := wish.Client{}.Post(t.Context(), g.WHIP("live"), "", offers.Get("obs"))
	if err != nil {
		t.Fatal(err)
	}
	id := g.Sessions()[0].ID
	if !strings.Contains(session.ICEServers[0].Username, ":"+id) {
		t.Errorf("the credential of session %s is %q", id, session.ICEServers[0].Username)
	}
	if err := allocate(t, session.ICEServers); err != nil {
		t.Errorf("with the session: %v", err)
	}
	if err := session.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	if allocate(t, session.ICEServers) == nil {
		t.Error("without the session")
	}
	if err := allocate(t, options(t, g.WHIP("live"))); err != nil {
		t.Errorf("before a session: %v", err)
	}
}

// The port of HTTPS takes TURN too.
func TestTURNOnThePortOfHTTPS(t *testing.T) {
	g := testkit.StartGateway(t, func(c *gateway.Config) {
		withTURN(c)
		c.HTTP.HTTPS, c.HTTP.TLS.SelfSigned = "127.0.0.1:0", true
	})
	secure := g.URLs()[1]
	u, err := url.Parse(secure)
	if err != nil {
		t.Fatal(err)
	}
	told := options(t, g.WHIP("live"))
	if last := told[len(told)-1].URL; last != "turns:"+u.Host+"?transport=tcp" {
		t.Errorf("clients are told %q", last)
	}
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its own certificate
	conn, err := d.DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	allocateRequest := append([]byte{0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	if _, err := conn.Write(allocateRequest); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 8)
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, head); err != nil || head[0] != 1 || head[1] != 0x13 {
		t.Errorf("answered %x, %v; want an error response to Allocate", head, err)
	}
}

func TestNoTURNUnlessAsked(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	if told := options(t, g.WHIP("live")); len(told) != 0 {
		t.Errorf("clients are told %v", told)
	}
	if _, ok := g.TURN(); ok {
		t.Error("there is a TURN server")
	}
}

func TestWhatClientsAreToldOfTURN(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*gateway.Config)
		hosts  string
	}{
		"nothing":          {func(*gateway.Config) {}, "127.0.0.1 127.0.0.1 127.0.0.1"},
		"a host":           {func(c *gateway.Config) { c.TURN.Host = "turn.example.com" }, "turn.example.com turn.example.com turn.example.com"},
		"a public address": {func(c *gateway.Config) { c.Media.PublicAddresses = []string{"203.0.113.7"} }, "203.0.113.7 203.0.113.7 203.0.113.7"},
		"a public URL": {func(c *gateway.Config) {
			c.Media.PublicAddresses = []string{"203.0.113.7"}
			c.HTTP.PublicURL, c.Auth.Open = "https://live.example.com", true
		}, "203.0.113.7 203.0.113.7 live.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			g := testkit.StartGateway(t, func(c *gateway.Config) {
				withTURN(c)
				c.HTTP.HTTPS, c.HTTP.TLS.SelfSigned = "127.0.0.1:0", true
				tc.change(c)
			})
			var hosts []string
			for _, s := range options(t, g.WHIP("live")) {
				host, _, _ := net.SplitHostPort(strings.TrimSuffix(strings.SplitN(s.URL, ":", 2)[1], s.URL[strings.Index(s.URL, "?"):]))
				hosts = append(hosts, host)
			}
			if got := strings.Join(hosts, " "); got != tc.hosts {
				t.Errorf("told %q, want %q", got, tc.hosts)
			}
		})
	}
}

func TestTURNConfiguration(t *testing.T) {
	cfg := gateway.DefaultConfig()
	cfg.TURN.Enabled, cfg.TURN.TLSListen = true, ":5349"
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "turn.tls_listen") {
		t.Errorf("TLS without a certificate: %v", err)
	}
}

// Where the port is taken nothing is left behind.
func TestTURNPortTaken(t *testing.T) {
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP, cfg.Media.Listen, cfg.StateDir = "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	cfg.TURN.Enabled, cfg.TURN.Listen = true, taken.Addr().String()
	if _, err := gateway.New(t.Context(), cfg, gateway.Options{}); err == nil || !strings.Contains(err.Error(), "turn.listen") {
		t.Errorf("error %v, want one that names turn.listen", err)
	}
}
