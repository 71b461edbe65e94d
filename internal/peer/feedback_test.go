package peer

import (
	"bytes"
	"crypto/rand"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
)

// clientKeys are the keys a client sends with. learnt is what its key log and its
// ServerHello hook told; the latter is not called where conn is the DTLS server.
func clientKeys(t testing.TB, learnt *keyHooks, conn *Conn) egress.Keys {
	t.Helper()
	k := &keyHooks{master: learnt.master, clientRandom: learnt.clientRandom, serverRandom: learnt.serverRandom, profile: learnt.profile}
	if conn.keys != nil {
		k.serverRandom, k.profile = conn.keys.serverRandom, conn.keys.profile
	}
	keys, err := k.derive()
	if err != nil {
		t.Fatal(err)
	}
	if conn.keys != nil {
		return keys.client
	}
	return keys.server
}

// offerPassive makes us the DTLS client: then the stack reads a viewer's RTCP.
func offerPassive(sdp string, answer bool) string {
	if answer {
		return sdp
	}
	return replaceLines(sdp, "a=setup:", func(string) string { return "a=setup:passive" })
}

// critic is a viewer behind a NAT whose reports the test seals.
type critic struct {
	*viewing
	t    testing.TB
	nat  *nat
	seal *srtp.Context
	sent uint32
}

var stackProfiles = map[dtls.SRTPProtectionProfile]srtp.ProtectionProfile{
	dtls.SRTP_AEAD_AES_128_GCM: srtp.ProtectionProfileAeadAes128Gcm, dtls.SRTP_AEAD_AES_256_GCM: srtp.ProtectionProfileAeadAes256Gcm,
	dtls.SRTP_AES128_CM_HMAC_SHA1_80: srtp.ProtectionProfileAes128CmHmacSha1_80,
}

func newCritic(t testing.TB, h *Host, edit ...func(*webrtc.SettingEngine)) *critic {
	t.Helper()
	learnt, n := new(keyHooks), newNAT(t, h.Addr())
	v := play(t, h, newClient(t, append(edit, func(s *webrtc.SettingEngine) { s.SetDTLSKeyLogWriter(learnt) })...), playPolicy, n.inAnswer)
	v.client.waitState(webrtc.PeerConnectionStateConnected)
	v.events.wait(t, DTLSConnected, 1)
	k := clientKeys(t, learnt, v.conn)
	seal, err := srtp.CreateContext(k.Key, k.Salt, stackProfiles[v.conn.keys.profile])
	if err != nil {
		t.Fatal(err)
	}
	return &critic{viewing: v, t: t, nat: n, seal: seal}
}

// sealed is another report, each of its own sequence number.
func (c *critic) sealed() (sealed, plain []byte) {
	c.t.Helper()
	c.sent++
	plain, err := (&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7, LastSequenceNumber: c.sent}}}).Marshal()
	if err != nil {
		c.t.Fatal(err)
	}
	if sealed, err = c.seal.EncryptRTCP(nil, plain, nil); err != nil {
		c.t.Fatal(err)
	}
	return sealed, plain
}

// heard holds that these packets, and no others, were handed on.
func (c *critic) heard(want ...[]byte) {
	c.t.Helper()
	eventually(c.t, "all that was said", func() bool { return len(c.rtcpPackets()) >= len(want) })
	got := c.rtcpPackets()
	if len(got) != len(want) {
		c.t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			c.t.Errorf("packet %d: %x, want %x", i, got[i], want[i])
		}
	}
}

// found tells whether packets from where the client is seen are read at once.
func (c *critic) found() bool {
	return c.conn.host.sockets.feedback.find(c.nat.outsideAddr()) == c.conn.feedback
}

func TestFeedbackIsReadWithEveryProfile(t *testing.T) {
	for profile := range stackProfiles {
		t.Run(egress.Profile(profile).String(), func(t *testing.T) {
			h := newTestHost(t)
			c := newCritic(t, h, func(s *webrtc.SettingEngine) { s.SetSRTPProtectionProfiles(profile) })
			first, plain := c.sealed()
			c.nat.inject(first)
			c.heard(plain)
			second, plain2 := c.sealed()
			if _, pass := h.sockets.feedback.inspect(second, c.nat.outsideAddr()); pass {
				t.Error("the stack gets it too")
			}
			c.heard(plain, plain2)
			if !c.conn.intake.lastRTCPIsNil() {
				t.Error("the stack decrypted something")
			}
		})
	}
}

// What was changed, made up, cut or sent before is not handed on, is no sign of life,
// and does no harm; whether it comes by address or through the stack.
func TestFeedbackThatIsNotTheViewersIsRefused(t *testing.T) {
	h := newTestHost(t)
	c := newCritic(t, h)
	b, plain := c.sealed()
	c.nat.inject(b)
	c.heard(plain)
	seen := c.conn.media.Load()
	next, plain2 := c.sealed()
	changed := bytes.Clone(next)
	changed[12] ^= 1
	for name, bad := range map[string][]byte{"changed": changed, "cut": next[:len(next)-1], "again": b, "a header": next[:8], "made up": append([]byte{0x81, 201, 0, 1}, make([]byte, 40)...)} {
		if n, pass := h.sockets.feedback.inspect(bad, c.nat.outsideAddr()); !pass || n != len(bad) {
			t.Errorf("%s: not left to the stack, which may know better", name)
		}
		if _, pass := c.conn.feedback.rest(bad); pass {
			t.Errorf("%s: passed to the agent", name)
		}
		c.nat.inject(bad)
	}
	if c.conn.media.Load() != seen {
		t.Error("counted as heard")
	}
	c.nat.inject(next)
	c.heard(plain, plain2)
}

// What the agent gets now and then is too short to be decrypted.
func TestTheAgentGetsSignsOfLife(t *testing.T) {
	h := newTestHost(t)
	c := newCritic(t, h)
	c.conn.feedback.signs = time.Hour
	for i, want := range []bool{true, false, false} {
		b, _ := c.sealed()
		n, pass := h.sockets.feedback.inspect(b, c.nat.outsideAddr())
		if pass != want || pass && n != signBytes {
			t.Errorf("packet %d: %d bytes pass, %v", i, n, pass)
		}
	}
	if n, pass := c.conn.feedback.rest([]byte{0x81, 201, 0, 1}); !pass || n != signBytes {
		t.Error("the sign does not reach the agent")
	}
}

// A viewer whose answers to our checks are lost lives as long as it reports; then it
// doesn't.
func TestReportsKeepAViewerAlive(t *testing.T) {
	h := newTestHost(t, func(c *Config) {
		c.DisconnectedAfter, c.FailedAfter, c.Keepalive = 400*time.Millisecond, 20*time.Second, 100*time.Millisecond
	})
	c := newCritic(t, h, func(s *webrtc.SettingEngine) {
		s.SetICETimeouts(30*time.Second, 30*time.Second, 100*time.Millisecond)
	})
	c.nat.watch(func(fromServer bool, b []byte) bool { return fromServer || b[0] > 3 }) // no STUN
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); <-tick.C {
		b, _ := c.sealed()
		c.nat.inject(b)
	}
	if n := c.events.count(ICEDisconnected); n != 0 {
		t.Errorf("disconnected %d times while it reports", n)
	}
	if age := time.Since(c.conn.LastSeen()); age > 300*time.Millisecond {
		t.Errorf("last seen %v ago", age)
	}
	c.events.wait(t, ICEDisconnected, 1)
}

func TestFeedbackFollowsAViewerThatMoves(t *testing.T) {
	h := newTestHost(t, func(c *Config) { c.Keepalive = 100 * time.Millisecond })
	c := newCritic(t, h, func(s *webrtc.SettingEngine) {
		s.SetICETimeouts(5*time.Second, 5*time.Second, 100*time.Millisecond)
	})
	first, plain := c.sealed()
	c.nat.inject(first)
	c.heard(plain)
	old := c.nat.outsideAddr()
	if !c.found() {
		t.Error("not found by its address")
	}
	c.nat.rebind(t)
	eventually(t, "it is found at the new address", c.found)
	if h.sockets.feedback.find(old) != nil {
		t.Error("still found at the old one")
	}
	second, plain2 := c.sealed()
	c.nat.inject(first) // again, from elsewhere
	c.nat.inject(second)
	c.heard(plain, plain2)
}

// A client got the address that another one had, who has not been missed yet.
func TestFeedbackFromAnAddressThatIsInTheTableForAnother(t *testing.T) {
	h := newTestHost(t)
	former, c := newCritic(t, h), newCritic(t, h)
	h.sockets.feedback.replace(netip.AddrPort{}, c.nat.outsideAddr(), former.conn.feedback)
	b, plain := c.sealed()
	c.nat.inject(b)
	c.heard(plain)
	if len(former.rtcpPackets()) != 0 {
		t.Error("the other one said it")
	}
}

// ICE is new, keys and numbers are not.
func TestFeedbackOverARestart(t *testing.T) {
	h := newTestHost(t)
	c := newCritic(t, h)
	first, plain := c.sealed()
	c.nat.inject(first)
	c.heard(plain)
	ufrag, pwd := credentials(c.client.offer(&webrtc.OfferOptions{ICERestart: true}))
	f, err := c.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, plain2 := c.sealed()
	c.nat.inject(second) // while there is no pair
	c.heard(plain, plain2)
	c.client.take(c.nat.inAnswer(restarted(c.client.sdp, f), true))
	c.events.wait(t, ICEConnected, 2)
	third, plain3 := c.sealed()
	c.nat.inject(first)
	c.nat.inject(third)
	c.heard(plain, plain2, plain3)
}

func TestAClosedViewerIsNotHeard(t *testing.T) {
	h := newTestHost(t)
	c := newCritic(t, h)
	b, _ := c.sealed()
	if err := c.conn.Close(); err != nil {
		t.Fatal(err)
	}
	if len(h.sockets.feedback.by) != 0 {
		t.Error("still in the table")
	}
	c.conn.feedback.move(c.nat.outsideAddr(), "udp") // the stack's last word
	c.conn.feedback.begin(nil)
	if got := c.conn.feedback.take(b); got != unread || len(h.sockets.feedback.by) != 0 || len(c.rtcpPackets()) != 0 {
		t.Errorf("%v after the end", got)
	}
}

func TestFeedbackOverTCP(t *testing.T) {
	h := newTestHost(t)
	v := play(t, h, newClient(t, func(s *webrtc.SettingEngine) {
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	}), playPolicy)
	v.connected(t)
	v.reports(t, 3)
	if len(h.sockets.feedback.by) != 0 {
		t.Error("found by a UDP address")
	}
}

func TestFeedbackThroughARelay(t *testing.T) {
	h, r := relayedHost(t)
	v := play(t, h, newClient(t), playPolicy, r.inAnswer)
	v.connected(t)
	v.reports(t, 3)
	if h.sockets.feedback.find(r.addr) != v.conn.feedback {
		t.Error("not found by the address of its allocation")
	}
}

func TestFeedbackOnAVirtualNetwork(t *testing.T) {
	h, onNet := wan(t, time.Millisecond, func() bool { return true })
	v := play(t, h, newClient(t, onNet), playPolicy)
	v.connected(t)
	v.reports(t, 3)
}

// reports makes the client's own stack report, and holds that each is heard once and
// that ours did not read it.
func (v *viewing) reports(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		rr := &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: uint32(i)}}}
		if err := v.client.pc.WriteRTCP([]rtcp.Packet{rr}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all reports", func() bool { return len(v.rtcpPackets()) >= n })
	if got := len(v.rtcpPackets()); got != n {
		t.Errorf("%d reports of %d", got, n)
	}
	if !v.conn.intake.lastRTCPIsNil() || v.conn.intake.streams.Load() != 0 {
		t.Error("the stack read them")
	}
}

// lastRTCPIsNil tells that the stack handed nothing on. The test has seen to it that
// nothing comes any more.
func (i *intake) lastRTCPIsNil() bool { return i.lastRTCP == nil }

// What the stack decrypted counts only where it is the one who reads.
func TestOneReadsFeedback(t *testing.T) {
	h := newTestHost(t)
	c := h.newConn(nil, false, nil)
	c.feedback = newFeedback(c)
	n := 0
	c.intake.rtcp = func(time.Time, []byte) { n++ }
	c.intake.takeRTCP([]byte{1})
	if n != 0 || c.media.Load() != 0 {
		t.Error("read twice")
	}
	c.feedback.ours.Store(false) // there were no keys
	c.intake.takeRTCP([]byte{1})
	if n != 1 || c.media.Load() == 0 {
		t.Error("read by nobody")
	}
}

func TestAViewerThatReportsAsACrowdIsReported(t *testing.T) {
	c := newCritic(t, newTestHost(t))
	for ssrc := range uint32(100) {
		plain, _ := (&rtcp.ReceiverReport{SSRC: ssrc}).Marshal()
		sealed, err := c.seal.EncryptRTCP(nil, plain, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.conn.feedback.take(sealed)
	}
	c.events.wait(t, TooManyStreams, 1)
}

func TestReadingFeedbackAllocatesNothing(t *testing.T) {
	h := newTestHost(t)
	c := newCritic(t, h)
	c.conn.feedback.signs = time.Hour
	c.conn.intake.rtcp = func(time.Time, []byte) {}
	var packets [][]byte
	for range 1100 {
		b, _ := c.sealed()
		packets = append(packets, b)
	}
	from := c.nat.outsideAddr()
	if n := testing.AllocsPerRun(1000, func() {
		h.sockets.feedback.inspect(packets[0], from)
		packets = packets[1:]
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzInspect: nothing that nobody sealed is handed on, whatever it is.
func FuzzInspect(f *testing.F) {
	keys := egress.Keys{Profile: egress.AEADAES128GCM, Key: make([]byte, 16), Salt: make([]byte, 12)}
	_, _ = rand.Read(keys.Key)
	opener, err := egress.NewOpener(keys)
	if err != nil {
		f.Fatal(err)
	}
	c := &Conn{}
	c.intake.rtcp = func(time.Time, []byte) { panic("handed on") }
	v := &feedback{c: c, opener: opener}
	var table feedbackTable
	from := netip.MustParseAddrPort("192.0.2.1:5000")
	table.replace(netip.AddrPort{}, from, v)
	f.Add([]byte{0x8f, 205, 0, 1, 0, 0, 0, 1})
	f.Add(append([]byte{0x81, 201, 0, 1}, make([]byte, 60)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		kept := bytes.Clone(b)
		if n, pass := table.inspect(b, from); !pass || n != len(b) || !bytes.Equal(b, kept) {
			t.Fatalf("%x: %d, %v, %x", kept, n, pass, b)
		}
	})
}
