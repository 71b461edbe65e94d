package egress

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/headgate/headgate/internal/testkit/leak"
	"github.com/headgate/headgate/router"
)

func TestMain(m *testing.M) { leak.Main(m) }

// wire is a viewer's connection that keeps what it is given.
type wire struct {
	mu      sync.Mutex
	packets []rtp.Packet
	reports []rtcp.Packet
	arrived chan struct{}
	refuse  error
	line    Line
}

func newWire() *wire {
	w := &wire{arrived: make(chan struct{}, 1024)}
	w.line.UseStack(Stack{RTP: w.writeRTP, RTCP: w.writeRTCP})
	return w
}

func (w *wire) writeRTP(b []byte) error {
	var p rtp.Packet
	if err := p.Unmarshal(slices.Clone(b)); err != nil {
		return err
	}
	w.mu.Lock()
	w.packets = append(w.packets, p)
	w.mu.Unlock()
	w.arrived <- struct{}{}
	return w.refuse
}

func (w *wire) writeRTCP(b []byte) error {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, packets...)
	return nil
}

func (w *wire) wait(t *testing.T, n int) []rtp.Packet {
	t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		w.mu.Lock()
		got := slices.Clone(w.packets)
		w.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-w.arrived:
		case <-deadline:
			t.Fatalf("%d packets, want %d", len(got), n)
		}
	}
}

var (
	h264 = router.PayloadType{Number: 96, Codec: router.Codec{Name: router.H264, ClockRate: 90000, Fmtp: "packetization-mode=1"}}
	opus = router.PayloadType{Number: 111, Codec: router.Codec{Name: router.Opus, ClockRate: 48000, Channels: 2}}
)

// source is a publisher with one video and one audio track.
type source struct {
	t            *testing.T
	video, audio *router.Track
	ingest       *router.Ingest
	seq          map[uint32]uint16 // by SSRC
	now          time.Time
}

func newSource(t *testing.T) *source {
	t.Helper()
	clock := new(router.SourceClock)
	s := &source{t: t, video: router.NewTrack(router.Video, clock), audio: router.NewTrack(router.Audio, clock), now: time.Now(), seq: make(map[uint32]uint16)}
	s.ingest = router.NewIngest(router.IngestConfig{
		CNAME: "c", Settings: router.DefaultIngestSettings(),
		Sections: []router.IngestSection{
			{Mid: "0", Track: s.video, PayloadTypes: []router.PayloadType{h264}, SSRCs: []router.DeclaredSSRC{{Media: 1}}},
			{Mid: "1", Track: s.audio, PayloadTypes: []router.PayloadType{opus}, SSRCs: []router.DeclaredSSRC{{Media: 2}}},
		},
	})
	t.Cleanup(s.ingest.Close)
	return s
}

func (s *source) send(ssrc uint32, pt uint8, payload []byte) {
	s.t.Helper()
	s.seq[ssrc]++
	seq := s.seq[ssrc]
	s.now = s.now.Add(time.Millisecond)
	p := rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, PayloadType: pt, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, Marker: true}, Payload: payload}
	b, err := p.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	s.ingest.RTP(s.now, b)
}

// keyFrame sends parameters and an IDR slice in one packet (STAP-A).
func (s *source) keyFrame() {
	s.send(1, 96, []byte{0x78, 0, 2, 0x67, 0x42, 0, 4, 0x65, 0x88, 0x80, 0x10})
}

func (s *source) frame() { s.send(1, 96, []byte{0x41, 0x9a, 0x01}) }
func (s *source) sound() { s.send(2, 111, []byte{0xfc, 1, 2}) }

func viewerConfig() router.ViewerConfig {
	return router.ViewerConfig{ID: "v", CNAME: "c", Settings: router.DefaultViewerSettings(), Sections: []router.SectionConfig{
		{Mid: "0", Kind: router.Video, SSRC: 101, PayloadTypes: []router.PayloadType{{Number: 102, Codec: h264.Codec}}},
		{Mid: "1", Kind: router.Audio, SSRC: 201, PayloadTypes: []router.PayloadType{{Number: 63, Codec: opus.Codec}}},
	}}
}

// attach feeds both sections of a client and waits until that is done.
func attach(t *testing.T, c *Client, s *source) {
	t.Helper()
	done := make(chan struct{})
	c.Worker().Do(func(now time.Time, shard *router.Shard, out *router.Out) {
		shard.SetSource(now, c.Viewer(), 0, s.video, out)
		shard.SetSource(now, c.Viewer(), 1, s.audio, out)
		close(done)
	})
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("the worker does not answer")
	}
}

func start(t *testing.T) *Pool {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Workers = 2
	p := Start(cfg)
	t.Cleanup(p.Close)
	return p
}

func TestEveryViewerGetsItsOwnNumbers(t *testing.T) {
	pool, src := start(t), newSource(t)
	var wires []*wire
	for range 3 {
		w := newWire()
		attach(t, pool.Add(viewerConfig(), &w.line), src)
		wires = append(wires, w)
	}
	src.keyFrame()
	src.sound()
	src.frame()
	for i, w := range wires {
		kinds := map[uint32]uint8{}
		for _, p := range w.wait(t, 3) {
			kinds[p.SSRC] = p.PayloadType
		}
		if kinds[101] != 102 || kinds[201] != 63 || len(kinds) != 2 {
			t.Errorf("viewer %d got SSRC to payload type %v", i, kinds)
		}
	}
}

func TestARemovedViewerGetsNothingMore(t *testing.T) {
	pool, src := start(t), newSource(t)
	stays, leaves := newWire(), newWire()
	attach(t, pool.Add(viewerConfig(), &stays.line), src)
	client := pool.Add(viewerConfig(), &leaves.line)
	attach(t, client, src)
	src.keyFrame()
	before := len(leaves.wait(t, 1))
	client.Remove()
	done := make(chan struct{})
	client.Worker().Do(func(time.Time, *router.Shard, *router.Out) { close(done) })
	<-done
	src.frame()
	src.frame()
	stays.wait(t, 3)
	if got := len(leaves.wait(t, before)); got != before {
		t.Errorf("%d packets after the viewer was removed", got-before)
	}
}

func TestAFailingConnectionHarmsNobodyElse(t *testing.T) {
	pool, src := start(t), newSource(t)
	bad, good := newWire(), newWire()
	bad.refuse = errors.New("gone")
	failing := pool.Add(viewerConfig(), &bad.line)
	attach(t, failing, src)
	attach(t, pool.Add(viewerConfig(), &good.line), src)
	src.keyFrame()
	src.frame()
	good.wait(t, 2)
	bad.wait(t, 2)
	deadline := time.Now().Add(5 * time.Second)
	for failing.Line().Failed() < 2 && time.Now().Before(deadline) {
		done := make(chan struct{})
		failing.Worker().Do(func(time.Time, *router.Shard, *router.Out) { close(done) })
		<-done
	}
	if got := failing.Line().Failed(); got < 2 {
		t.Errorf("%d failures counted, want 2", got)
	}
}

// collect takes real bursts, which only a track can make.
type collect struct{ bursts []router.Burst }

func (c *collect) Deliver(b router.Burst) { c.bursts = append(c.bursts, b) }

func TestAnInboxThatIsBehindDropsTheOldestVideoAndKeepsAudio(t *testing.T) {
	src := newSource(t)
	sent := bursts(t, src, src.keyFrame, src.sound, src.frame, src.sound)
	in := newInbox(3, 1)
	for _, b := range sent {
		in.Deliver(b)
	}
	var got tasks
	in.take(&got)
	want := sent[1:]
	for i, b := range got.bursts {
		if b.Packets[0] != want[i].Packets[0] {
			t.Errorf("burst %d is not the one expected", i)
		}
	}
	if len(got.bursts) != 3 || in.shed != 1 || len(got.skipped) != 1 || got.skipped[0] != sent[0].Layer {
		t.Errorf("%d bursts kept, %d shed, %d layers skipped", len(got.bursts), in.shed, len(got.skipped))
	}
}

func TestFeedbackIsBounded(t *testing.T) {
	in := newInbox(1, 2)
	for range 5 {
		in.feedback(new(Client), nil)
	}
	var got tasks
	in.take(&got)
	if len(got.feedbacks.list) != 2 || in.shed != 3 {
		t.Errorf("%d kept, %d shed; want 2 and 3", len(got.feedbacks.list), in.shed)
	}
}

func TestControlsQueuedAtTheEndStillRun(t *testing.T) {
	p := Start(DefaultConfig())
	ran := make(chan struct{})
	p.workers[0].Do(func(time.Time, *router.Shard, *router.Out) { close(ran) })
	p.Close()
	select {
	case <-ran:
	default:
		t.Error("a control function was lost")
	}
}

func TestValidateNamesEveryFault(t *testing.T) {
	err := Config{Workers: -1}.Validate()
	if err == nil {
		t.Fatal("a bad configuration passed")
	}
	for _, field := range []string{"egress.workers", "egress.max_bursts", "egress.max_rtcp", "egress.max_delay", "egress.last_step"} {
		if !strings.Contains(err.Error(), field+": ") {
			t.Errorf("no fault for %s in %v", field, err)
		}
	}
}
