package peer

import (
	"crypto/rand"
	"encoding/binary"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// intruder is a viewer's track that shows what the stack writes with: headers are
// sent as they are.
type intruder struct {
	*webrtc.TrackLocalStaticRTP
	writer atomic.Pointer[webrtc.TrackLocalWriter]
}

// Bind implements webrtc.TrackLocal.
func (i *intruder) Bind(t webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	w := t.WriteStream()
	i.writer.Store(&w)
	return i.TrackLocalStaticRTP.Bind(t)
}

// intrude seats a viewer behind n who can send media, which nobody asked for.
func (c *cinema) intrude(n *nat) (*seat, *intruder) {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264}, "video", "intruder")
	if err != nil {
		c.t.Fatal(err)
	}
	in := &intruder{TrackLocalStaticRTP: track}
	viewer := newClient(c.t)
	both := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}
	if _, err := viewer.pc.AddTransceiverFromTrack(in, both); err != nil {
		c.t.Fatal(err)
	}
	s := c.sit(viewer, n.inAnswer, func(sdp string, answer bool) string {
		if answer {
			return strings.Replace(sdp, "a=sendonly", "a=sendrecv", 1) // as if it were welcome
		}
		return sdp
	})
	eventually(c.t, "a writer", func() bool { return in.writer.Load() != nil })
	return s, in
}

func (i *intruder) send(ssrc uint32, seq uint16) {
	_, _ = (*i.writer.Load()).WriteRTP(&rtp.Header{Version: 2, PayloadType: 102, SSRC: ssrc, SequenceNumber: seq}, make([]byte, 1000)) // or the next one
}

// inject sends a datagram to the host as if the client had.
func (n *nat) inject(b []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	_, _ = n.outside.WriteToUDPAddrPort(b, n.server) // or the next one
}

// floodFor calls send 10 times a millisecond, as far as the machine keeps up.
func floodFor(d time.Duration, send func(i int)) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	n := 0
	for end := time.Now().Add(d); time.Now().Before(end); <-tick.C {
		for range 10 {
			send(n)
			n++
		}
	}
}

// checkOf is a binding request of a viewer with this password of the host, of its own
// if that is empty.
func checkOf(t *testing.T, v *viewing, pwd string) []byte {
	t.Helper()
	ufrag, right := credentialsOf(t, v.client.sdp)
	if pwd == "" {
		pwd = right
	}
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.NewUsername(ufrag+":"+v.conn.RemoteUfrag()),
		ice.PriorityAttr(1), ice.AttrControlling(1), stun.NewShortTermIntegrity(pwd), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// record is a DTLS record of the epoch in force that nobody sealed.
func record(kind byte, i int) []byte {
	b := make([]byte, 13+1000)
	_, _ = rand.Read(b[13:]) // never fails
	b[0], b[1], b[2], b[4] = kind, 254, 253, 1
	binary.BigEndian.PutUint32(b[7:], uint32(i+1000))
	binary.BigEndian.PutUint16(b[11:], 1000)
	return b
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A viewer that sends what nobody asked for: its neighbour does not notice, its own
// picture goes on, and nothing piles up.
func TestAViewerThatFloodsTheHostIsItsOwnTrouble(t *testing.T) {
	c := newCinema(t)
	n := newNAT(t, c.host.Addr())
	neighbour := c.seat(webrtc.NetworkTypeUDP4)
	hostile, in := c.intrude(n)
	check := checkOf(t, hostile.viewing, "not the password at all")
	for name, send := range map[string]func(i int){
		"media":           func(i int) { in.send(77, uint16(i)) },
		"checks":          func(int) { n.inject(check) },
		"DTLS records":    func(i int) { n.inject(record(23, i)) },
		"DTLS handshakes": func(i int) { n.inject(record(22, i)) },
		"forged media":    func(i int) { n.inject(append([]byte{0x80, 102}, record(byte(i), i)...)) },
	} {
		t.Run(name, func(t *testing.T) {
			before, shown, streams := heap(), neighbour.shown(), hostile.conn.intake.streams.Load()
			floodFor(time.Second, send)
			eventually(t, "the neighbour's picture", func() bool { return neighbour.shown() >= shown+95 })
			if gaps := neighbour.check(t); gaps != 0 || neighbour.longest > 500*time.Millisecond {
				t.Errorf("the neighbour's picture was interrupted %d times, for %v", gaps, neighbour.longest)
			}
			frame := neighbour.newestFrame()
			eventually(t, "the picture of the viewer itself", func() bool { return hostile.newestFrame() > frame })
			if made := hostile.conn.intake.streams.Load() - streams; made > 2 {
				t.Errorf("%d streams were made", made)
			}
			if after := heap(); after > before+8<<20 {
				t.Errorf("%d KiB more are in use", (after-before)>>10)
			}
		})
	}
	if hostile.events.count(TooManyStreams) != 0 {
		t.Error("counted as too many streams")
	}
}

// Every SSRC costs memory until the connection is closed: the session is told.
func TestAViewerThatSendsThousandsOfStreamsIsReported(t *testing.T) {
	c := newCinema(t)
	hostile, in := c.intrude(newNAT(t, c.host.Addr()))
	ssrc := uint32(1000)
	eventually(t, "too many streams", func() bool {
		for range 10 { // at once; a burst would be lost
			ssrc++
			in.send(ssrc, 1)
		}
		return hostile.events.count(TooManyStreams) == 1
	})
	if err := hostile.conn.Close(); err != nil {
		t.Error(err)
	}
}

// Where the stack reads the feedback, that goes for SSRCs that are named too.
func TestAViewerThatNamesThousandsOfStreamsToTheStackIsReported(t *testing.T) {
	h := newTestHost(t)
	v := play(t, h, newClient(t), playPolicy, offerPassive)
	v.connected(t)
	ssrc := uint32(0)
	eventually(t, "too many streams", func() bool {
		named := make([]uint32, 255)
		for i := range named {
			ssrc++
			named[i] = ssrc
		}
		_ = v.client.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverEstimatedMaximumBitrate{SSRCs: named}}) // or the next one
		return v.events.count(TooManyStreams) == 1
	})
}

// Checks that are valid may come from anywhere. The host answers and checks some of
// these addresses, so that one that moves is followed, but not all: whose they are
// nobody knows.
func TestAViewerThatChecksFromEverywhereIsAnsweredSomewhere(t *testing.T) {
	h := newTestHost(t)
	v := play(t, h, newClient(t), playPolicy)
	v.connected(t)
	const everywhere = 3 * maxPlaces
	var sockets []*net.UDPConn
	for range everywhere {
		s, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(h.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		sockets = append(sockets, s)
	}
	reached := map[int]bool{}
	listen := func(i int, d time.Duration) {
		_ = sockets[i].SetReadDeadline(time.Now().Add(d))
		if _, err := sockets[i].Read(make([]byte, 1500)); err == nil {
			reached[i] = true
		}
	}
	for i, s := range sockets {
		for range 2 { // the first may be lost
			_, _ = s.Write(checkOf(t, v, ""))
		}
		if i < maxPlaces/2 {
			listen(i, patience)
		}
	}
	for i := range sockets {
		listen(i, 20*time.Millisecond)
	}
	if n := len(reached); n < maxPlaces/2 || n > maxPlaces {
		t.Errorf("%d of %d addresses were answered, want up to %d", n, everywhere, maxPlaces)
	}
	before := v.events.count(ICERestarted)
	ufrag, pwd := credentialsOf(t, v.client.offer(&webrtc.OfferOptions{ICERestart: true}))
	f, err := v.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	v.client.take(restarted(v.client.sdp, f))
	v.events.wait(t, ICERestarted, before+1)
	v.events.wait(t, PairSelected, 2) // the way of the new generation
}
