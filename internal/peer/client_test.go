package peer

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

// patience bounds every wait of these tests.
const patience = 30 * time.Second

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("never: %s", what)
		}
	}
}

// recorder collects the events of a Conn.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) notify(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) kinds() []EventKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	var kinds []EventKind
	for _, e := range r.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (r *recorder) count(kind EventKind) (n int) {
	for _, k := range r.kinds() {
		if k == kind {
			n++
		}
	}
	return n
}

func (r *recorder) detail(kind EventKind) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Backward(r.events) {
		if e.Kind == kind {
			return e.Detail
		}
	}
	return ""
}

func (r *recorder) wait(t testing.TB, kind EventKind, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d times %v in %v", n, kind, r.kinds()), func() bool { return r.count(kind) >= n })
}

// newTestHost listens on a loopback port.
func newTestHost(t testing.TB, edit ...func(*Config)) *Host {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Media = "127.0.0.1:0"
	for _, e := range edit {
		e(&cfg)
	}
	h, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// client is a browser of sorts.
type client struct {
	t   testing.TB
	pc  *webrtc.PeerConnection
	sdp string // the last answer it took
	// data is what the gateway does with its data channels.
	data TakeData
}

// newClient makes one that stays on the loopback interface.
func newClient(t testing.TB, edit ...func(*webrtc.SettingEngine)) *client {
	t.Helper()
	var s webrtc.SettingEngine
	s.SetIncludeLoopbackCandidate(true)
	s.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetDTLSRetransmissionInterval(100 * time.Millisecond)
	s.LoggerFactory = &stackLogger{log: Config{}.logger()}
	for _, e := range edit {
		e(&s)
	}
	var engine webrtc.MediaEngine
	if err := engine.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{router.ExtMID, router.ExtRID, router.ExtTransportCC} {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, kind); err != nil {
				t.Fatal(err)
			}
		}
	}
	engine.RegisterFeedback(webrtc.RTCPFeedback{Type: "transport-cc"}, webrtc.RTPCodecTypeVideo)
	api := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(&engine),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.GracefulClose() })
	return &client{t: t, pc: pc}
}

// offer makes an offer without candidates, as OBS does (T-60).
func (c *client) offer(options *webrtc.OfferOptions) string {
	c.t.Helper()
	o, err := c.pc.CreateOffer(options)
	if err != nil {
		c.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(o); err != nil {
		c.t.Fatal(err)
	}
	<-gathered // so that its sockets are open
	return o.SDP
}

func (c *client) take(answer string) {
	c.t.Helper()
	c.sdp = answer
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.t.Fatalf("the client refuses the answer: %v\n%s", err, answer)
	}
}

func (c *client) waitState(any ...webrtc.PeerConnectionState) {
	c.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); !slices.Contains(any, c.pc.ConnectionState()); {
		select {
		case <-tick.C:
		case <-late:
			c.t.Fatalf("the client is %v, not %v", c.pc.ConnectionState(), any)
		}
	}
}

// source is a local track that is written raw.
type source struct {
	*webrtc.TrackLocalStaticRTP
	seq uint16
	ts  uint32
}

func (c *client) publishTrack(mime string) *source {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime[:5], "client")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		c.t.Fatal(err)
	}
	return &source{TrackLocalStaticRTP: track, seq: 1000, ts: 1}
}

// h264Key and h264Delta are a single-packet key frame (an aggregation of
// parameter sets and an IDR slice) and a delta frame.
var (
	h264Key = []byte{
		24, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 3, 0x68, 0xce, 0x3c, 0, 2, 0x65, 0x88,
	}
	h264Delta = []byte{0x41, 0x9a, 0, 0}
)

// send writes one frame in one packet.
func (s *source) send(payload []byte) {
	s.seq++
	s.ts += 3000
	_ = s.WriteRTP(&rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: s.seq, Timestamp: s.ts},
		Payload: payload,
	})
}

// flow sends frames every 5 ms until the test ends or stop is called.
func (s *source) flow(t testing.TB, payload []byte) (stop func()) {
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.send(payload)
			case <-done:
				return
			}
		}
	})
	stop = sync.OnceFunc(func() { close(done); work.Wait() })
	t.Cleanup(stop)
	return stop
}

// offers policies for plans.
var (
	publishPolicy = negotiate.PublishPolicy{Video: []string{router.H264, router.VP8}, Audio: []string{router.Opus}}
	playPolicy    = negotiate.PlayPolicy{
		Video:    negotiate.MediaChoice{Codecs: []router.Codec{{Name: router.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}}},
		Audio:    negotiate.MediaChoice{Codecs: []router.Codec{{Name: router.Opus, ClockRate: 48000, Channels: 2}}},
		StreamID: "public-id",
	}
)

func publishPlan(t testing.TB, offer string) *negotiate.Plan {
	t.Helper()
	o, err := negotiate.ParseOffer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.ForPublish(publishPolicy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func playPlan(t testing.TB, offer string, policy negotiate.PlayPolicy) *negotiate.Plan {
	t.Helper()
	o, err := negotiate.ParseOffer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	p, err := o.ForPlay(policy)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// publishing is a publisher and what it talks to.
type publishing struct {
	client *client
	conn   *Conn
	events *recorder
	tracks map[int]*router.Track
	video  *source
	audio  *source
}

func tracksFor(p *negotiate.Plan) map[int]*router.Track {
	clock := &router.SourceClock{}
	tracks := map[int]*router.Track{}
	for _, s := range p.Sections {
		if carriesMedia(s) {
			tracks[s.Index] = router.NewTrack(s.Kind, clock)
		}
	}
	return tracks
}

// publish connects a client with audio and video; rewrite may change the offer
// and the answer on their way.
func publish(t testing.TB, h *Host, c *client, rewrite ...func(sdp string, answer bool) string) *publishing {
	t.Helper()
	p := &publishing{client: c, events: &recorder{}}
	p.audio, p.video = c.publishTrack(webrtc.MimeTypeOpus), c.publishTrack(webrtc.MimeTypeH264)
	offer := rewritten(c.offer(nil), false, rewrite)
	plan := publishPlan(t, offer)
	p.tracks = tracksFor(plan)
	var err error
	p.conn, err = h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: p.tracks, Loopback: true, Notify: p.events.notify, Data: c.data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close() })
	c.take(rewritten(string(p.conn.Answer()), true, rewrite))
	return p
}

func rewritten(sdp string, answer bool, rewrite []func(string, bool) string) string {
	for _, r := range rewrite {
		sdp = r(sdp, answer)
	}
	return sdp
}

// viewing is a viewer and what it talks to.
type viewing struct {
	client *client
	conn   *Conn
	events *recorder
	mu     sync.Mutex
	rtcp   [][]byte
}

func (v *viewing) takeRTCP(_ time.Time, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rtcp = append(v.rtcp, slices.Clone(b))
}

func (v *viewing) rtcpPackets() [][]byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.rtcp)
}

func (c *client) recvonly(kinds ...webrtc.RTPCodecType) {
	c.t.Helper()
	for _, k := range kinds {
		if slices.ContainsFunc(c.pc.GetTransceivers(), func(t *webrtc.RTPTransceiver) bool { return t.Kind() == k }) {
			continue // there is one that does more
		}
		if _, err := c.pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			c.t.Fatal(err)
		}
	}
}

func play(t testing.TB, h *Host, c *client, policy negotiate.PlayPolicy, rewrite ...func(sdp string, answer bool) string) *viewing {
	t.Helper()
	v := &viewing{client: c, events: &recorder{}}
	c.recvonly(webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo)
	plan := playPlan(t, rewritten(c.offer(nil), false, rewrite), policy)
	var err error
	v.conn, err = h.Play(t.Context(), PlayParams{Plan: plan, Loopback: true, Notify: v.events.notify, RTCP: v.takeRTCP, Data: c.data})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.conn.Close() })
	c.take(rewritten(string(v.conn.Answer()), true, rewrite))
	return v
}

// replaceLines changes every line of sdp that starts with prefix.
func replaceLines(sdp, prefix string, change func(line string) string) string {
	var b strings.Builder
	for line := range strings.Lines(sdp) {
		if strings.HasPrefix(line, prefix) {
			line = change(strings.TrimRight(line, "\r\n")) + "\r\n"
		}
		b.WriteString(line)
	}
	return b.String()
}

// nat stands between a client and the host: the host sees the client under the
// address of nat, which can change.
type nat struct {
	server netip.AddrPort
	inside *net.UDPConn

	mu      sync.Mutex
	outside *net.UDPConn
	client  netip.AddrPort
	sniff   func(fromServer bool, b []byte) (pass bool)
	alter   func(b []byte) []byte // of the client
	work    sync.WaitGroup
}

func newNAT(t testing.TB, server netip.AddrPort) *nat {
	t.Helper()
	n := &nat{server: server}
	n.inside = n.listen(t)
	n.rebind(t)
	n.work.Go(n.outward)
	t.Cleanup(func() {
		_ = n.inside.Close()
		n.mu.Lock()
		_ = n.outside.Close()
		n.mu.Unlock()
		n.work.Wait()
	})
	return n
}

func (n *nat) listen(t testing.TB) *net.UDPConn {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// rebind gives the client a new outside address. The old one is deaf and dumb.
func (n *nat) rebind(t testing.TB) {
	fresh := n.listen(t)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outside != nil {
		_ = n.outside.Close()
	}
	n.outside = fresh
	n.work.Go(func() { n.inward(fresh) })
}

func (n *nat) outsideAddr() netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	return addrPortOf(n.outside.LocalAddr())
}

// watch lets f see, and drop, datagrams.
func (n *nat) watch(f func(fromServer bool, b []byte) (pass bool)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sniff = f
}

func (n *nat) passes(fromServer bool, b []byte) bool {
	return n.sniff == nil || n.sniff(fromServer, b)
}

func (n *nat) outward() {
	b := make([]byte, 2048)
	for {
		size, from, err := n.inside.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		n.mu.Lock()
		n.client = from
		if n.passes(false, b[:size]) {
			out := b[:size]
			if n.alter != nil {
				out = n.alter(out)
			}
			_, _ = n.outside.WriteToUDPAddrPort(out, n.server)
		}
		n.mu.Unlock()
	}
}

func (n *nat) inward(from *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		size, _, err := from.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		n.mu.Lock()
		if n.client.IsValid() && n.passes(true, b[:size]) {
			_, _ = n.inside.WriteToUDPAddrPort(b[:size], n.client)
		}
		n.mu.Unlock()
	}
}

// inAnswer makes the client see the host at the inside of the NAT.
func (n *nat) inAnswer(sdp string, answer bool) string {
	if !answer {
		return sdp
	}
	at := addrPortOf(n.inside.LocalAddr())
	return replaceLines(sdp, candidateLine, func(line string) string {
		if !strings.Contains(line, " udp ") {
			return "a=x-dropped"
		}
		f := strings.Fields(line)
		f[4], f[5] = at.Addr().String(), fmt.Sprint(at.Port())
		return strings.Join(f, " ")
	})
}
