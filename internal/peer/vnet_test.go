package peer

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"
)

// wan connects a host and a client by a virtual network with delay. media may
// drop media datagrams towards the host.
func wan(t *testing.T, delay time.Duration, media func() bool) (*Host, func(s *webrtc.SettingEngine)) {
	t.Helper()
	quiet := &stackLogger{log: Config{}.logger()}
	r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "10.0.0.0/24", MinDelay: delay, LoggerFactory: quiet})
	if err != nil {
		t.Fatal(err)
	}
	nets := make([]*vnet.Net, 2)
	for i := range nets {
		ip := "10.0.0." + uintString(uint32(i+1))
		if nets[i], err = vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}}); err != nil {
			t.Fatal(err)
		}
		if err := r.AddNet(nets[i]); err != nil {
			t.Fatal(err)
		}
	}
	r.AddChunkFilter(func(c vnet.Chunk) bool {
		b := c.UserData()
		return len(b) < 500 || b[0]>>6 != 2 || media()
	})
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	socket, err := nets[0].ListenPacket("udp4", "10.0.0.1:8190")
	if err != nil {
		t.Fatal(err)
	}
	h := newTestHost(t, func(c *Config) { c.Net, c.UDPConn = nets[0], socket })
	return h, func(s *webrtc.SettingEngine) {
		s.SetNet(nets[1])
		s.SetInterfaceFilter(func(string) bool { return true })
		s.SetIncludeLoopbackCandidate(false)
	}
}

// Over a delay, with lost packets: NACKs go up while media flows.
func TestLossyNetwork(t *testing.T) {
	var n atomic.Int32
	h, onNet := wan(t, 20*time.Millisecond, func() bool { return n.Add(1)%10 != 0 })
	p := publish(t, h, newClient(t, onNet))
	if !strings.Contains(string(p.conn.Answer()), " 10.0.0.1 8190 typ host") {
		t.Fatalf("%s", p.conn.Answer())
	}
	p.events.wait(t, DTLSConnected, 1)
	p.client.waitState(webrtc.PeerConnectionStateConnected)
	p.video.send(h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
	p.video.flow(t, append(slices.Clone(h264Delta), make([]byte, 800)...))
	eventually(t, "losses are asked for", func() bool {
		layers := p.conn.Ingest().Stats().Layers
		return len(layers) > 0 && layers[0].NACKs > 3
	})
	local, remote, proto := p.conn.Pair()
	if local.String() != "10.0.0.1:8190" || remote.Addr().String() != "10.0.0.2" || proto != "udp" {
		t.Errorf("%v - %v %s", local, remote, proto)
	}
}
