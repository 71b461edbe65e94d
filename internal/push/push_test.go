package push

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/testkit"
)

// running is a Run in the background.
type running struct {
	cancel    context.CancelFunc
	connected chan struct{}
	done      chan struct{}
	summary   Summary
	err       error

	mu    sync.Mutex
	notes []string
}

func start(t *testing.T, opt Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{cancel: cancel, connected: make(chan struct{}, 100), done: make(chan struct{})}
	opt.Connected = func(time.Duration) { r.connected <- struct{}{} }
	opt.Notify = func(text string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notes = append(r.notes, text)
	}
	go func() { // waited for by end
		defer close(r.done)
		r.summary, r.err = Run(ctx, opt)
	}()
	t.Cleanup(func() { r.stop(t) })
	return r
}

func (r *running) isConnected(t *testing.T) {
	t.Helper()
	select {
	case <-r.connected:
	case <-r.done:
		t.Fatalf("it ended before it was connected: %v", r.err)
	case <-time.After(20 * time.Second):
		t.Fatal("it does not connect")
	}
}

func (r *running) ends(t *testing.T) (Summary, error) {
	t.Helper()
	select {
	case <-r.done:
		return r.summary, r.err
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
		return Summary{}, nil
	}
}

func (r *running) stop(t *testing.T) (Summary, error) {
	t.Helper()
	r.cancel()
	return r.ends(t)
}

func (r *running) said(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Contains(strings.Join(r.notes, "\n"), text)
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !check(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func clip(t *testing.T, loop bool) Feed {
	t.Helper()
	video, audio, err := mediafile.Clip()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Files(video, audio, loop)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheClipIsPublishedUntilSomebodyStopsIt(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{clip(t, true)}})
	r.isConnected(t)
	p := testkit.Play(t, testkit.PlayerOptions{Endpoint: g.WHEP("live")})
	defer p.Close()
	s, err := r.stop(t)
	if err != nil || s.Connections != 1 || s.VideoFrames == 0 || s.AudioPackets == 0 || s.Packets < int64(s.VideoFrames) {
		t.Errorf("%+v, %v", s, err)
	}
}

// second is a video of ten pictures, a pipe's worth of them.
func tenPictures(from int) (file []byte) {
	file = []byte("DKIF\x00\x00\x20\x00VP80\x80\x02\x68\x01\x1e\x00\x00\x00\x01\x00\x00\x00\x0a\x00\x00\x00\x00\x00\x00\x00")
	if from > 0 {
		file = nil
	}
	for i := range 10 {
		frame := "\x10\x02\x00\x9d\x01\x2a\x80\x02\x68\x01key"
		file = append(file, byte(len(frame)), 0, 0, 0, byte(from+i), 0, 0, 0, 0, 0, 0, 0)
		file = append(file, frame...)
	}
	return file
}

func TestAPipeIsSentAsItComesAndItsEndEndsThePush(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	reader, writer := io.Pipe()
	go func() { _, _ = writer.Write(tenPictures(0)) }() // read to the end below
	stream, err := mediafile.Stream(reader, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	feed, err := Pipe(stream, reader)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{feed}})
	r.isConnected(t)
	if _, err := writer.Write(tenPictures(10)); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if s, err := r.ends(t); err != nil || s.VideoFrames != 20 {
		t.Errorf("%d frames, %v; want 20", s.VideoFrames, err)
	}
}

func TestAPipeThatStandsStillCanBeInterrupted(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	reader, writer := io.Pipe()
	go func() { _, _ = writer.Write(tenPictures(0)) }() // ends when the reader is closed
	stream, err := mediafile.Stream(reader, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	feed, _ := Pipe(stream, reader)
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{feed}})
	r.isConnected(t)
	if _, err := r.stop(t); err != nil {
		t.Error(err)
	}
}

// TestAfterAnInterruptionItComesBack stops the gateway and starts another one.
func TestAfterAnInterruptionItComesBack(t *testing.T) {
	address := testkit.FreeAddress(t)
	first := testkit.StartGateway(t, at(address))
	r := start(t, Options{Options: dial.Options{URL: first.WHIP("live")}, Feeds: []Feed{clip(t, true)}, Reconnect: true})
	r.isConnected(t)
	first.Close()
	eventually(t, "an attempt", func() bool { return r.said("trying again in 1s") })
	testkit.StartGateway(t, at(address))
	r.isConnected(t)
	if s, err := r.stop(t); err != nil || s.Connections != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestWithoutReconnectTheEndOfTheServerIsAnError(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{clip(t, true)}})
	r.isConnected(t)
	g.Close()
	if _, err := r.ends(t); err == nil {
		t.Error("no error")
	}
}

// TestWhoIsPutOutLearnsWhy sends far more than the channel's cap.
func TestWhoIsPutOutLearnsWhy(t *testing.T) {
	g := testkit.StartGateway(t, func(c *gateway.Config) { c.Channels.MaxBitrate = 64_000 })
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{clip(t, true)}})
	if _, err := r.ends(t); !errors.Is(err, dial.ErrClosed) || !strings.Contains(err.Error(), "lower the encoder's bit rate") || !strings.Contains(err.Error(), "(bitrate)") {
		t.Errorf("%v", err)
	}
}

// TestASignalThatEndsBothSidesIsNoError is Ctrl-C in a terminal that runs both.
func TestASignalThatEndsBothSidesIsNoError(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{clip(t, true)}})
	r.isConnected(t)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		g.Close()
	}()
	if _, err := r.stop(t); err != nil {
		t.Error(err)
	}
	<-closed
}

func TestARefusalIsNotTriedAgain(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	r := start(t, Options{Options: dial.Options{URL: g.URL() + "/nowhere"}, Feeds: []Feed{clip(t, true)}, Reconnect: true})
	if _, err := r.ends(t); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("%v", err)
	}
}

func at(address string) func(*gateway.Config) {
	return func(c *gateway.Config) { c.HTTP.HTTP = address }
}

// sender is a program that sends plain RTP, packets filled to the brim.
type sender struct {
	conn    net.Conn
	ssrc    uint32
	numbers uint16
	stamp   uint32
}

func (s *sender) send(t *testing.T, payloads [][]byte) {
	t.Helper()
	for i, payload := range payloads {
		p := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: s.ssrc, SequenceNumber: s.numbers, Timestamp: s.stamp, Marker: i == len(payloads)-1}, Payload: payload}
		s.numbers++
		b, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = s.conn.Write(b) // nobody may listen any more
	}
	s.stamp += 3000
}

func TestPlainRTPIsPublishedAndKeyFramesGetTheirParameterSets(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	feed, err := RTP(RTPOptions{Address: "127.0.0.1:0", Codec: dial.Codec{MimeType: "video/H264"}, PayloadType: 96, Parameters: [][]byte{{0x67, 0x42, 0xe0, 0x1e}, {0x68, 0xce}}})
	if err != nil {
		t.Fatal(err)
	}
	in := feed.(*port)
	conn, err := net.Dial("udp", in.conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := start(t, Options{Options: dial.Options{URL: g.WHIP("live")}, Feeds: []Feed{feed}})
	r.isConnected(t)
	s := &sender{conn: conn, ssrc: 7}
	key := append([]byte{0, 0, 0, 1, 0x65, 0x88}, make([]byte, 4000)...)
	for i := range key[6:] {
		key[6+i] = 0xaa
	}
	eventually(t, "thirty frames", func() bool {
		s.send(t, (&codecs.H264Payloader{}).Payload(1460, key))
		return in.track.frames.Load() >= 30
	})
	// four packets of 1460 become four of 1188 and one with the parameter sets
	if packets, frames := in.track.packets.Load(), in.track.frames.Load(); packets != 5*frames {
		t.Errorf("%d packets for %d frames", packets, frames)
	}
	s.ssrc = 8 // another program, while the first one is still heard
	before := in.track.frames.Load()
	s.send(t, [][]byte{{0x41, 0x9a}})
	s.ssrc = 7
	s.send(t, [][]byte{{0x41, 0x9a}})
	eventually(t, "the next frame", func() bool { return in.track.frames.Load() > before })
	if _, err := r.stop(t); err != nil {
		t.Error(err)
	}
}

func TestAnotherSenderIsHeardWhenTheFirstIsSilent(t *testing.T) {
	feed, err := RTP(RTPOptions{Address: "127.0.0.1:0", Codec: dial.Codec{MimeType: "video/VP8"}, PayloadType: -1})
	if err != nil {
		t.Fatal(err)
	}
	p := feed.(*port)
	defer func() { _ = p.Close() }()
	now := time.Now()
	packet := func(ssrc uint32, n uint16) []byte {
		b, _ := (&rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: n}, Payload: []byte{0x10, 1}}).Marshal()
		return b
	}
	for i, step := range []struct {
		datagram []byte
		after    time.Duration
		heard    uint32
	}{
		{packet(1, 0), 0, 1}, {packet(2, 0), senderGone - 1, 1}, {packet(2, 1), senderGone, 2}, {packet(1, 1), senderGone, 2},
		{[]byte{0x80, 200, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, 9 * senderGone, 2}, {[]byte("too short"), 9 * senderGone, 2}, {packet(3, 0)[:11], 9 * senderGone, 2},
	} {
		if p.take(now.Add(step.after), step.datagram); p.ssrc != step.heard {
			t.Fatalf("step %d: %d is heard, want %d", i, p.ssrc, step.heard)
		}
	}
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := RTP(RTPOptions{Address: conn.LocalAddr().String(), Codec: dial.Codec{MimeType: "video/VP8"}}); err == nil || !strings.Contains(err.Error(), "listen for RTP") {
		t.Errorf("%v", err)
	}
}

func TestFilesWithoutFramesAreRefused(t *testing.T) {
	if _, err := Files(nil, nil, true); !errors.Is(err, errNothing) {
		t.Errorf("%v", err)
	}
	if _, err := Run(t.Context(), Options{}); !errors.Is(err, errNothing) {
		t.Errorf("%v", err)
	}
}

func FuzzPort(f *testing.F) {
	f.Add([]byte("\x80\x60\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x65\x88\x84"))
	f.Add([]byte("\xb0\xe0\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\xbe\xde\x00\x01\x10\x11\x12\x13\x7c\x85\x84"))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		for _, mime := range []string{"video/H264", "video/H265", "video/VP8", "video/VP9", "video/AV1", "audio/opus", "audio/PCMU"} {
			feed, err := RTP(RTPOptions{Address: "127.0.0.1:0", Codec: dial.Codec{MimeType: mime}, PayloadType: -1})
			if err != nil {
				t.Fatal(err)
			}
			p := feed.(*port)
			p.timeline.Rate, p.timeline.Origin = p.opt.Codec.ClockRate(), time.Now()
			p.take(time.Now(), datagram)
			if err := p.flush(time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
			_ = p.Close()
		}
	})
}

func TestProfilesAreSpelledAsEverybodyDoes(t *testing.T) {
	for spelled, sps := range map[string]string{
		"42e01e": "\x67\x42\xc0\x1e", "42001f": "\x67\x42\x00\x1f", "4d001f": "\x67\x4d\x40\x1f", "64001f": "\x67\x64\x00\x1f", "640c1f": "\x67\x64\x0c\x1f", "6e0028": "\x67\x6e\x00\x28",
	} {
		if got := formatOf("video/H264", []byte("\x00\x00\x00\x01"+sps+"\x00\x00\x00\x01\x68\x01")); got != dial.H264Profile(spelled) {
			t.Errorf("%x: %s", sps, got)
		}
	}
	if got := formatOf("video/VP8", []byte{0}); got != "" {
		t.Errorf("VP8: %s", got)
	}
}

func TestRoundTripTime(t *testing.T) {
	sent := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct{ after, held, want time.Duration }{
		{120 * time.Millisecond, 100 * time.Millisecond, 20 * time.Millisecond}, {time.Hour, 0, 0},
	} {
		b := rtcp.ReceptionReport{LastSenderReport: middle(sent), Delay: uint32(tc.held << 16 / time.Second)}
		got, ok := roundTrip(sent.Add(tc.after), b)
		if ok != (tc.want > 0) || ok && (got-tc.want).Abs() > time.Millisecond {
			t.Errorf("%+v: %v, %v", tc, got, ok)
		}
	}
	if _, ok := roundTrip(sent, rtcp.ReceptionReport{}); ok {
		t.Error("a report about nothing has a round trip")
	}
}
