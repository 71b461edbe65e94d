//go:build linux

package peer

import (
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/router"
)

// An audience sends transport-wide feedback every 100 ms and a receiver report every
// second. A burst is what comes in the 10 ms of a round.
const (
	reporters        = 200
	reportsPerSecond = 11
	burstOfReports   = reporters * reportsPerSecond / 100
)

// BenchmarkFeedback measures one RTCP packet of a viewer on its way from the socket to
// the worker that reads it, in bursts, one after the other. One operation is one
// packet. cpu-us/op leaves out what the sending thread uses; of mallocs/op one is its.
func BenchmarkFeedback(b *testing.B) {
	for name, rewrite := range map[string][]func(string, bool) string{"stack": {offerPassive}, "own": nil} {
		b.Run(name, func(b *testing.B) { benchmarkFeedback(b, rewrite...) })
	}
}

func benchmarkFeedback(b *testing.B, rewrite ...func(string, bool) string) {
	h := newTestHost(b)
	pool := egress.Start(egress.DefaultConfig())
	b.Cleanup(pool.Close)
	came := make(chan struct{}, burstOfReports)
	var all []*reporter
	for range reporters {
		all = append(all, newReporter(b, h, pool, came, rewrite...))
	}
	time.Sleep(time.Second) // the last connections settle
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	sent := 0
	busy := measure(func() {
		b.ResetTimer()
		for b.Loop() {
			all[sent%reporters].report(sent / reporters)
			if sent++; sent%burstOfReports == 0 {
				for range burstOfReports {
					<-came
				}
			}
		}
	})
	b.ReportMetric(busy.cpu.Seconds()*1e6/float64(sent), "cpu-us/op")
	b.ReportMetric(float64(busy.allocs)/float64(sent), "mallocs/op")
}

// usage is what the process used, without this thread.
type usage struct {
	cpu, took time.Duration
	allocs    uint64
}

func measure(f func()) usage {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	total, own, start := used(syscall.RUSAGE_SELF), used(1), time.Now()
	f()
	u := usage{cpu: used(syscall.RUSAGE_SELF) - total - (used(1) - own), took: time.Since(start), allocs: m.Mallocs}
	runtime.ReadMemStats(&m)
	u.allocs = m.Mallocs - u.allocs
	return u
}

func used(who int) time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(who, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reporter is a viewer that sends feedback from below its stack.
type reporter struct {
	socket net.PacketConn
	server net.Addr
	seal   *srtp.Context
	// plain are transport-wide feedback and a receiver report.
	plain  [2][]byte
	sealed []byte
}

func newReporter(b *testing.B, h *Host, pool *egress.Pool, came chan<- struct{}, rewrite ...func(string, bool) string) *reporter {
	b.Helper()
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	r := &reporter{socket: socket, server: net.UDPAddrFromAddrPort(h.Addr())}
	keys := new(keyHooks)
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: &stackLogger{log: Config{}.logger()}})
	b.Cleanup(func() { _ = mux.Close() })
	c := newClient(b, func(s *webrtc.SettingEngine) {
		s.SetICEUDPMux(mux)
		s.SetDTLSKeyLogWriter(keys)
		s.SetDTLSServerHelloMessageHook(keys.hello)
		s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM)
	})
	c.recvonly(webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo)
	plan := playPlan(b, rewritten(c.offer(nil), false, rewrite), playPolicy)
	var client atomic.Pointer[egress.Client]
	events := &recorder{}
	conn, err := h.Play(b.Context(), PlayParams{Plan: plan, Loopback: true, Notify: events.notify, RTCP: func(_ time.Time, p []byte) {
		client.Load().RTCP(p)
		came <- struct{}{}
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	viewer := pool.Add(router.ViewerConfig{Sections: conn.Sections(), CNAME: conn.StreamID(), Settings: router.DefaultViewerSettings()}, conn.Line())
	b.Cleanup(viewer.Remove)
	client.Store(viewer)
	c.take(rewritten(string(conn.Answer()), true, rewrite))
	c.waitState(webrtc.PeerConnectionStateConnected)
	events.wait(b, DTLSConnected, 1)
	r.open(b, keys, conn)
	return r
}

// open makes the packets and what seals them.
func (r *reporter) open(b *testing.B, learnt *keyHooks, conn *Conn) {
	var err error
	sending := clientKeys(b, learnt, conn)
	if r.seal, err = srtp.CreateContext(sending.Key, sending.Salt, srtp.ProtectionProfileAeadAes128Gcm); err != nil {
		b.Fatal(err)
	}
	media := conn.Sections()[0].SSRC
	feedback := rtcp.TransportLayerCC{
		Header:     rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback},
		SenderSSRC: 1, MediaSSRC: media, PacketStatusCount: 27,
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: 27}},
	}
	for range 27 {
		feedback.RecvDeltas = append(feedback.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: 4000})
	}
	feedback.Header.Length = uint16(feedback.MarshalSize()/4 - 1)
	report := rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: media}, {SSRC: conn.Sections()[1].SSRC}}}
	for i, p := range []rtcp.Packet{&feedback, &report} {
		if r.plain[i], err = p.Marshal(); err != nil {
			b.Fatal(err)
		}
	}
}

// report sends the n-th packet: ten times feedback and a report.
func (r *reporter) report(n int) {
	i := 0
	if n%reportsPerSecond == 0 {
		i = 1
	}
	r.sealed, _ = r.seal.EncryptRTCP(r.sealed[:0], r.plain[i], nil)
	_, _ = r.socket.WriteTo(r.sealed, r.server)
}
