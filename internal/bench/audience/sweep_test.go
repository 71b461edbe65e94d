package audience

import (
	"encoding/binary"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// rig is a viewer without a session, and the server's end of its media.
type rig struct {
	viewer *Viewer
	server *net.UDPConn
	seal   *srtp.Context
	sweep  *sweeper
	now    time.Time
	seq    uint16
	frame  uint32
}

const (
	rigVideo, rigRepair     = 96, 97
	rigMedia, rigRepairSSRC = 1000, 2000
)

func newRig(t testing.TB, change func(*Config)) *rig {
	t.Helper()
	r := &rig{now: epoch, seal: rigContext(t)}
	cfg := Config{Now: func() time.Time { return r.now }, Feedback: FeedbackNone}
	if change != nil {
		change(&cfg)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := pairOfCredentials()
	r.viewer = &Viewer{
		audience: &Audience{cfg: cfg}, began: r.now, keys: keys, secrets: &secrets{in: rigContext(t), out: rigContext(t)}, answer: rigAnswer(),
	}
	r.server = listenLoopback(t)
	if r.viewer.socket, err = newSocket(listenLoopback(t), r.server.LocalAddr().(*net.UDPAddr).AddrPort(), cfg); err != nil {
		t.Fatal(err)
	}
	r.viewer.consent.begin(r.now)
	r.viewer.feedback.begin(r.now, cfg.Feedback, r.viewer.answer)
	r.sweep = newSweeper(cfg)
	r.sweep.viewers = []*Viewer{r.viewer}
	r.sweep.watch()
	t.Cleanup(func() {
		_ = r.viewer.socket.close()
		r.viewer.audience.work.Wait()
	})
	return r
}

func rigContext(t testing.TB) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(make([]byte, 16), make([]byte, 12), srtp.ProtectionProfileAeadAes128Gcm)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rigAnswer() *answer {
	return &answer{
		types: map[uint8]payloadType{
			rigVideo:  {video: true, name: "h264", clock: 90000, apt: noType, nack: true, pli: true},
			rigRepair: {video: true, name: "rtx", clock: 90000, apt: rigVideo},
		},
		repair: map[uint32]uint32{rigRepairSSRC: rigMedia},
	}
}

// packet seals one of a frame: nal and a stamp.
func (r *rig) packet(t testing.TB, nal byte, marker bool, size int) []byte {
	t.Helper()
	return r.packetAt(t, nal, marker, size, 3000*r.frame)
}

func (r *rig) packetAt(t testing.TB, nal byte, marker bool, size int, timestamp uint32) []byte {
	t.Helper()
	b := make([]byte, 12+size)
	b[0], b[1] = 0x80, rigVideo
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], r.seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], rigMedia)
	b[12] = nal
	stamp.Put(b[14:], r.now.Add(-7*time.Millisecond), r.frame)
	r.seq++
	return r.sealed(t, b)
}

func (r *rig) sealed(t testing.TB, b []byte) []byte {
	t.Helper()
	out, err := r.seal.EncryptRTP(nil, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// frameOf seals a frame of n packets.
func (r *rig) frameOf(t testing.TB, key bool, n int) (packets [][]byte) {
	t.Helper()
	nal := byte(0x41)
	if key {
		nal = 0x65
	}
	r.frame++
	for i := range n {
		packets = append(packets, r.packet(t, nal, i == n-1, 1100))
	}
	return packets
}

// take hands datagrams to the viewer without a socket.
func (r *rig) take(packets ...[]byte) {
	for _, b := range packets {
		r.viewer.datagram(r.now, b, &r.sweep.scratch)
	}
}

func TestMediaCostsNoAllocation(t *testing.T) {
	for name, every := range map[string]int{"sampled": 1, "passed over": 1 << 30} {
		r := newRig(t, func(c *Config) { c.SampleEvery = every })
		r.take(r.frameOf(t, true, 9)...)
		r.take(r.frameOf(t, false, 9)...)
		var packets [][]byte
		for range 101 {
			packets = append(packets, r.frameOf(t, false, 9)...)
		}
		sampled := r.viewer.delay.Count()
		if n := testing.AllocsPerRun(100, func() {
			r.take(packets[:9]...)
			packets = packets[9:]
		}); n != 0 {
			t.Errorf("%s: %v allocations per frame", name, n)
		}
		if got := r.viewer.delay.Count() - sampled; every == 1 && got != 101 || every > 1 && got != 0 {
			t.Errorf("%s: %d sampled", name, got)
		}
		if s := r.viewer.stats(r.now); s.Undecipherable != 0 || s.Frames != 103 || s.Lost != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestASweepCostsNoAllocation is the same with the system calls.
func TestASweepCostsNoAllocation(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sockets are swept on Linux only")
	}
	r := newRig(t, nil)
	r.take(r.frameOf(t, true, 9)...)
	to := net.UDPAddrFromAddrPort(r.viewer.socket.local()).AddrPort()
	if n := testing.AllocsPerRun(50, func() {
		for range 3 {
			// One datagram again and again: it is counted as a duplicate.
			if _, err := r.server.WriteToUDPAddrPort(samePacket[:], to); err != nil {
				t.Fatal(err)
			}
		}
		r.sweep.empty()
	}); n != 0 {
		t.Errorf("%v allocations per sweep", n)
	}
	if s := r.viewer.stats(r.now); s.Duplicates < 100 {
		t.Errorf("%+v", s)
	}
}

var samePacket = [100]byte{0x80, rigVideo, 0, 3, 0, 0, 0, 0, 0, 0, rigMedia >> 8, rigMedia & 0xff}

func TestDelayIsFromStampToRead(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery = 1 })
	r.take(r.frameOf(t, true, 2)...)
	r.take(r.frameOf(t, false, 2)...)
	h := r.viewer.delay
	if h.Count() != 2 || h.Max() != 7*time.Millisecond {
		t.Errorf("%v", h)
	}
	if timings := r.viewer.Timings(); timings.LiveEdge == 0 || timings.FirstPacket == 0 {
		t.Errorf("%+v", timings)
	}
}

func TestSamplingTakesEveryNthFrame(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery = 4 })
	r.take(r.frameOf(t, true, 3)...)
	for range 40 {
		r.take(r.frameOf(t, false, 3)...)
	}
	if n := r.viewer.delay.Count(); n != 11 {
		t.Errorf("%d of 41 sampled", n)
	}
}

func TestNumbersMayWrapBetweenSamples(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery = 500 })
	r.seq = 60_000
	r.take(r.frameOf(t, true, 3)...)
	for range 30_000 { // twice around
		r.frame++
		h := r.packet(t, 0x41, true, 40)
		r.take(h)
	}
	if s := r.viewer.stats(r.now); s.Undecipherable != 0 || s.Lost != 0 || s.Delay.Count() != 61 {
		t.Errorf("%+v", s)
	}
}

func TestRetransmissionsFillHoles(t *testing.T) {
	r := newRig(t, nil)
	r.take(r.frameOf(t, true, 3)...)
	frame := r.frameOf(t, false, 3)
	lost := r.seq - 2
	r.take(frame[0], frame[2])
	if s := r.viewer.stats(r.now); s.Lost != 1 || s.Expected != 6 {
		t.Fatalf("%+v", s)
	}
	rtx := make([]byte, 200)
	rtx[0], rtx[1], rtx[3] = 0x80, rigRepair, 5
	binary.BigEndian.PutUint32(rtx[8:], rigRepairSSRC)
	binary.BigEndian.PutUint16(rtx[12:], lost)
	r.take(r.sealed(t, rtx))
	rtx[3]++
	r.take(r.sealed(t, rtx)) // and again, needlessly
	probe := rtx[:13]
	probe[3]++
	r.take(r.sealed(t, probe))
	s := r.viewer.stats(r.now)
	if s.Lost != 0 || s.Expected != 6 || s.Retransmitted != 2 || s.Duplicates != 1 || s.Packets != 8 || s.Undecipherable != 0 || s.FramesBroken != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWhatTheServerSaysBesides(t *testing.T) {
	r := newRig(t, nil)
	r.take(r.frameOf(t, true, 3)...)
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: rigMedia, NTPTime: 0x1111_2222_3333_4444}})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := r.seal.EncryptRTCP(nil, report, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.take(sealed)
	if got := r.viewer.streams[0].report; got.sender != 0x2222_3333 || got.at != r.now {
		t.Errorf("%+v", got)
	}
	if s := r.viewer.stats(r.now); s.Ended != 0 || s.Undecipherable != 0 {
		t.Errorf("%+v", s)
	}
	r.take(append([]byte{21, 0xfe, 0xfd}, make([]byte, 30)...))
	if s := r.viewer.stats(r.now); s.Ended != 1 {
		t.Error("a close_notify went unheard")
	}
}

// TestAServersCheckIsAnsweredLater is the one of stun_test.go, by the sweeper.
func TestAServersCheckIsAnsweredLater(t *testing.T) {
	r := newRig(t, nil)
	_, server := pairOfCredentials()
	r.take(serverCheck(server).Raw)
	var b [2048]byte
	if err := r.server.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := r.server.Read(b[:])
	if err != nil || !server.succeeds(decode(t, b[:n])) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestInducedLossIsNotLookedAt(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Loss = 0.2 })
	for range 200 {
		r.take(r.frameOf(t, false, 10)...)
	}
	s := r.viewer.stats(r.now)
	if s.Dropped < 250 || s.Dropped > 550 || s.Packets+s.Dropped != 2000 || s.Lost > s.Dropped || s.Lost < s.Dropped-10 {
		t.Errorf("%+v", s)
	}
}

func TestResetBeginsANewWindow(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery = 1 })
	r.take(r.frameOf(t, true, 3)...)
	frame := r.frameOf(t, false, 3)
	r.take(frame[0], frame[2])
	r.viewer.reset(r.now)
	if s := r.viewer.stats(r.now); s.Packets != 0 || s.Bytes != 0 || s.Frames != 0 || s.Delay.Count() != 0 || s.Expected != 1 || s.Lost != 1 {
		t.Errorf("after Reset: %+v", s)
	}
	r.take(frame[1])
	r.take(r.frameOf(t, false, 3)...)
	s := r.viewer.Stats()
	if s.Packets != 4 || s.Expected != 4 || s.Lost != 0 || s.Reordered != 1 || len(s.Streams) != 1 || s.Streams[0].Packets != 4 {
		t.Errorf("later: %+v", s)
	}
}

func TestOneViewersBitrate(t *testing.T) {
	r := newRig(t, nil)
	r.now = r.now.Add(time.Second)
	r.take(r.frameOf(t, true, 10)...)
	r.now = r.now.Add(2 * time.Second)
	s := r.viewer.Stats()
	if want := 8 * 10 * (1100 + 16) / 2.0; len(s.Streams) != 1 || s.Streams[0].BitsPerSecond != want || s.Streams[0].Codec != "h264" || !s.Streams[0].Video {
		t.Errorf("%+v", s.Streams)
	}
}

// FuzzDatagram throws anything at a viewer.
func FuzzDatagram(f *testing.F) {
	r := newRig(f, func(c *Config) { c.Feedback = FeedbackLibwebrtc; c.Log = slog.New(slog.DiscardHandler) })
	for _, b := range r.frameOf(f, true, 2) {
		f.Add(b)
	}
	f.Add(samePacket[:])
	f.Add([]byte{0x80, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		r.viewer.streams, r.viewer.counts, r.viewer.timings, r.now = nil, viewerCounts{}, Timings{}, epoch
		r.take(b, b)
		r.now = r.now.Add(3 * time.Millisecond)
		r.viewer.tick(r.now)
		s := r.viewer.stats(r.now)
		if s.Lost > s.Expected || len(r.viewer.streams) > maxStreams {
			t.Errorf("%+v", s)
		}
	})
}

// BenchmarkSweep is what one datagram costs between the kernel and the counters.
func BenchmarkSweep(b *testing.B) {
	const run = 64
	r := newRig(b, nil)
	to := r.viewer.socket.local()
	packets := r.frameOf(b, true, run)
	var spent time.Duration
	b.ReportAllocs()
	for n := 0; n < b.N; n += run {
		for _, p := range packets {
			// Under new numbers, which nobody can decrypt, and nobody does.
			binary.BigEndian.PutUint16(p[2:], r.seq)
			binary.BigEndian.PutUint32(p[4:], 3000)
			r.seq++
			if _, err := r.server.WriteToUDPAddrPort(p, to); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		r.sweep.empty()
		spent += time.Since(began)
		r.viewer.streams[0].frames.needKey = false
	}
	b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/datagram")
	if s := r.viewer.stats(r.now); s.Packets < uint64(b.N) {
		b.Errorf("%+v", s)
	}
}

// BenchmarkEmptySweep is what a viewer costs that has received nothing, among many.
func BenchmarkEmptySweep(b *testing.B) {
	r := newRig(b, nil)
	for range 999 {
		other := newRig(b, nil)
		r.sweep.viewers = append(r.sweep.viewers, other.viewer)
	}
	r.sweep.watch()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(r.sweep.viewers) {
		r.sweep.empty()
	}
}

func TestStreamsWithoutStampsAreLeftAlone(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery = 1 << 30 })
	for range 3 * maxUnstamped {
		r.frame++
		b := make([]byte, 30)
		b[0], b[1], b[12] = 0x80, 0x80|rigVideo, 0x65
		binary.BigEndian.PutUint16(b[2:], r.seq)
		binary.BigEndian.PutUint32(b[4:], 3000*r.frame)
		binary.BigEndian.PutUint32(b[8:], rigMedia)
		r.seq++
		r.take(r.sealed(t, b))
	}
	if r.viewer.unstamped != maxUnstamped {
		t.Errorf("%d looked into", r.viewer.unstamped)
	}
}
