package testkit

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/vnet"

	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/peer"
)

// Internet is a virtual network with a gateway and clients, and a loss and a
// delay that a test chooses.
type Internet struct {
	t      testing.TB
	router *vnet.Router
	server *vnet.Net
	next   byte

	luck luck
	// dropped counts the datagrams lost on purpose.
	dropped atomic.Int64
	// toll is what sending one media datagram costs the gateway, in nanoseconds.
	toll atomic.Int64
	// address is the gateway's; lost is what Unroute says.
	address string
	lost    atomic.Pointer[func(fromGateway bool, b []byte) bool]
}

const gatewayAddress = "10.0.0.1"

// NewInternet makes a network that delays by oneWay and loses the given share of
// all media datagrams (RTP and RTCP, both ways). The handshakes pass, so that a
// test measures media and not luck.
func NewInternet(t testing.TB, oneWay time.Duration, loss float64, seed uint64) *Internet {
	t.Helper()
	return NewInternetAt(t, gatewayAddress, oneWay, loss, seed)
}

// NewInternetAt is NewInternet with another address of the gateway.
func NewInternetAt(t testing.TB, address string, oneWay time.Duration, loss float64, seed uint64) *Internet {
	t.Helper()
	r := newRouter(t, oneWay)
	n := &Internet{t: t, address: address, router: r, next: 10, luck: newLuck(seed)}
	r.AddChunkFilter(func(c vnet.Chunk) bool { return n.passes(c, loss) })
	host := netip.MustParseAddr(address)
	r.AddChunkFilter(func(c vnet.Chunk) bool {
		lost := n.lost.Load()
		return lost == nil || !(*lost)(hostOf(c.SourceAddr()) == host, c.UserData())
	})
	n.server = n.host(address)
	must(t, r.Start())
	t.Cleanup(func() { must(t, r.Stop()) })
	return n
}

// passes decides about one datagram: RTP and RTCP have 128 to 191 first
// (RFC 7983).
func (n *Internet) passes(c vnet.Chunk, loss float64) bool {
	b := c.UserData()
	if len(b) < 12 || b[0] < 128 || b[0] > 191 {
		return true
	}
	lost := n.luck.of(route{hostOf(c.SourceAddr()), hostOf(c.DestinationAddr())}, b) < loss
	if lost {
		n.dropped.Add(1)
	}
	return !lost
}

func (n *Internet) host(ip string) *vnet.Net {
	n.t.Helper()
	h := newMachine(n.t, ip)
	must(n.t, n.router.AddNet(h))
	return h
}

// making is held while a machine or a network is made: the stack numbers all interfaces
// of the process without a lock of its own, and tests play side by side.
var making sync.Mutex //nolint:gochecknoglobals // what it guards is pion's, and global

func newRouter(t testing.TB, oneWay time.Duration) *vnet.Router {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "0.0.0.0/0", MinDelay: oneWay, QueueSize: 100_000, LoggerFactory: quiet})
	must(t, err)
	return r
}

func newMachine(t testing.TB, ip string) *vnet.Net {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	h, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	must(t, err)
	return h
}

// Client makes another machine.
func (n *Internet) Client() transport.Net {
	n.next++
	return n.host(fmt.Sprintf("10.0.0.%d", n.next))
}

// Dropped counts the datagrams lost so far.
func (n *Internet) Dropped() int64 { return n.dropped.Load() }

// Gateway makes a gateway whose media is on this network. It opens no socket of
// the machine that anybody reads from, so that it can live in the fake time of
// testing/synctest; its HTTP is reached by the returned client.
func (n *Internet) Gateway(change ...func(*gateway.Config)) (*gateway.Gateway, *http.Client) {
	n.t.Helper()
	socket, err := n.server.ListenPacket("udp4", n.address+":8190")
	must(n.t, err)
	cfg := gateway.DefaultConfig()
	cfg.HTTP.HTTP = "127.0.0.1:0"
	for _, c := range change {
		c(&cfg)
	}
	g, err := gateway.New(context.Background(), cfg, gateway.Options{
		Peer: func(c *peer.Config) {
			c.Net, c.UDPConn, c.TCP, c.IPv6 = n.server, tollRoad{socket, &n.toll}, false, false
		},
	})
	must(n.t, err)
	n.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		must(n.t, g.Run(ctx))
	})
	return g, &http.Client{Transport: direct{handler: g.Handler()}}
}

// direct hands requests to a handler without a network.
type direct struct {
	handler http.Handler
	from    string // an address; empty is loopback
}

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	r = r.Clone(r.Context())
	r.RemoteAddr, r.RequestURI = cmp.Or(d.from, "127.0.0.1")+":1", r.URL.RequestURI()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.handler.ServeHTTP(rec, r)
	res := rec.Result()
	res.Request = r
	return res, nil
}
