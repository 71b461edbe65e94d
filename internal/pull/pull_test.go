package pull

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/headgate/headgate/internal/depacket"
	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/gateway"
	"github.com/headgate/headgate/internal/mediafile"
	"github.com/headgate/headgate/internal/push"
	"github.com/headgate/headgate/internal/testkit"
)

// publish sends the clip in a loop until the test ends. what leaves "video" or
// "audio" out.
func publish(t *testing.T, endpoint, without string) {
	t.Helper()
	video, audio, err := mediafile.Clip()
	if err != nil {
		t.Fatal(err)
	}
	switch without {
	case "video":
		video = nil
	case "audio":
		audio = nil
	}
	feed, err := push.Files(video, audio, true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	connected, done := make(chan struct{}, 100), make(chan error, 1)
	opt := push.Options{Options: dial.Options{URL: endpoint}, Feeds: []push.Feed{feed}, Reconnect: true,
		Connected: func(time.Duration) { connected <- struct{}{} }}
	go func() { // waited for by the clean-up
		_, err := push.Run(ctx, opt)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-connected:
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
}

// notes collects what is said to a person.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) say(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.WriteString(text + "\n")
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func run(t *testing.T, opt Options) (Summary, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	opt.Reconnect = true // the publisher is connected, but its first packet may be on its way
	s, err := Run(ctx, opt)
	if ctx.Err() != nil {
		t.Fatalf("it did not end: %+v", s)
	}
	return s, err
}

// samples reads a file that was written.
func samples(t *testing.T, name string) (mime string, list []mediafile.Sample) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := mediafile.Open(bytes.NewReader(b), 0)
	if err != nil {
		t.Fatal(err)
	}
	for {
		s, err := r.Next()
		if errors.Is(err, io.EOF) {
			return r.MimeType(), list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
}

func TestFilesHoldWhatWasPublished(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publish(t, g.WHIP("live"), "")
	prefix := filepath.Join(t.TempDir(), "recording")
	var said notes
	video, audio := Prefixed(prefix, said.say)
	s, err := run(t, Options{Options: dial.Options{URL: g.WHEP("live")}, Video: video, Audio: audio, Duration: 1500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	mime, pictures := samples(t, prefix+".h264")
	if mime != "video/H264" || int64(len(pictures)) != s.Frames || s.Frames < 10 || s.KeyFrames < 1 || s.Lost != 0 {
		t.Errorf("%d pictures of %s; %+v", len(pictures), mime, s)
	}
	if !depacket.IsKey(mime, pictures[0].Data) || len(depacket.Parameters(mime, pictures[0].Data)) == 0 {
		t.Errorf("the first picture is no key frame with parameter sets: %x", pictures[0].Data[:20])
	}
	// Sound waits for the first picture; what comes from then on is in the file, as long as it took.
	mime, sound := samples(t, prefix+".ogg")
	var length time.Duration
	for _, p := range sound {
		length += p.Duration
	}
	if mime != "audio/opus" || length > s.Lasted+300*time.Millisecond || length < time.Duration(s.AudioPackets)*20*time.Millisecond-300*time.Millisecond || s.AudioPackets == 0 {
		t.Errorf("%v of %s; %+v", length, mime, s)
	}
	if !strings.Contains(said.String(), "writing "+prefix+".h264") || s.FirstPicture <= 0 || s.Connections != 1 {
		t.Errorf("%q, %+v", said.String(), s)
	}
}

func TestStandardOutputTakesOneStream(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publish(t, g.WHIP("live"), "")
	var out bytes.Buffer
	video, err := VideoFile("-", &out, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, Options{Options: dial.Options{URL: g.WHEP("live")}, Video: video, Duration: 300 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if len(depacket.Parameters("video/H264", out.Bytes())) == 0 {
		t.Errorf("%d bytes without parameter sets", out.Len())
	}
}

func TestWhatTheServerDoesNotHaveIsSaid(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publish(t, g.WHIP("live"), "video")
	prefix := filepath.Join(t.TempDir(), "sound")
	video, audio := Prefixed(prefix, nil)
	s, err := run(t, Options{Options: dial.Options{URL: g.WHEP("live")}, Video: video, Audio: audio, Duration: 300 * time.Millisecond})
	if err != nil || s.AudioPackets == 0 || s.Frames != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := os.Stat(prefix + ".h264"); err == nil {
		t.Error("there is a file without pictures")
	}
}

// TestAfterAnInterruptionTheFileGoesOn stops the gateway and starts another one.
func TestAfterAnInterruptionTheFileGoesOn(t *testing.T) {
	address := testkit.FreeAddress(t)
	at := func(c *gateway.Config) { c.HTTP.HTTP = address }
	first := testkit.StartGateway(t, at)
	publish(t, first.WHIP("live"), "audio")
	name := filepath.Join(t.TempDir(), "film.h264")
	video, err := VideoFile(name, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan Summary, 1)
	var before atomic.Int64      // the frames when the second connection was first heard of, and one
	again := make(chan struct{}) // pictures come by the second connection
	told := sync.OnceFunc(func() { close(again) })
	go func() { // waited for below
		s, err := Run(ctx, Options{Options: dial.Options{URL: first.WHEP("live")}, Video: video, Reconnect: true,
			Connected: func(time.Duration) { connected <- struct{}{} },
			Progress: func(s Summary) {
				if s.Connections == 2 && !before.CompareAndSwap(0, s.Frames+1) && s.Frames > before.Load()+10 {
					told()
				}
			}})
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	<-connected
	first.Close()
	testkit.StartGateway(t, at)
	select {
	case <-again:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not come back")
	}
	cancel()
	s := <-done
	if _, pictures := samples(t, name); s.Connections != 2 || int64(len(pictures)) != s.Frames {
		t.Errorf("%d pictures, %+v", len(pictures), s)
	}
}

func TestA406WithoutAnOfferIsFinal(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotAcceptable) }))
	defer server.Close()
	video, _ := Prefixed(filepath.Join(t.TempDir(), "x"), nil)
	_, err := run(t, Options{Options: dial.Options{URL: server.URL}, Video: video, Reconnect: true})
	if err == nil || !strings.Contains(err.Error(), "406") {
		t.Errorf("%v", err)
	}
}

func TestNothingToDoIsAnError(t *testing.T) {
	if _, err := Run(t.Context(), Options{}); !errors.Is(err, errNothing) {
		t.Error(err)
	}
	for _, name := range []string{"film.mp4", "film", "film.ogg"} {
		if _, err := VideoFile(name, nil, nil); err == nil {
			t.Errorf("%s was taken for video", name)
		}
	}
}

func TestPlainRTPGoesOutWithADescription(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	publish(t, g.WHIP("live"), "")
	description := filepath.Join(t.TempDir(), "live.sdp")
	var ports [2]net.PacketConn
	for i := range ports {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		ports[i] = conn
	}
	f := NewForward(description, nil)
	video, err := f.Video(ports[0].LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	audio, err := f.Audio(ports[1].LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { // waited for below
		_, err := Run(ctx, Options{Options: dial.Options{URL: g.WHEP("live")}, Video: video, Audio: audio, Reconnect: true})
		done <- err
	}()
	var sent [2][]rtp.Packet
	for i, conn := range ports {
		sent[i] = tenPackets(t, conn)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(description)
	if err != nil {
		t.Fatal(err)
	}
	described, err := push.ParseSDP(string(text))
	if err != nil || len(described) != 2 {
		t.Fatalf("%v: %s", err, text)
	}
	for i, conn := range ports {
		if described[i].Address != conn.LocalAddr().String() {
			t.Errorf("described %s, sent to %s", described[i].Address, conn.LocalAddr())
		}
		for n, p := range sent[i] {
			if int(p.PayloadType) != described[i].PayloadType || p.Extension {
				t.Errorf("%+v, described %+v", p.Header, described[i])
			}
			if n > 0 && p.SequenceNumber != sent[i][n-1].SequenceNumber+1 {
				t.Errorf("%d after %d", p.SequenceNumber, sent[i][n-1].SequenceNumber)
			}
		}
	}
}

// tenPackets are the first that come to a port.
func tenPackets(t *testing.T, conn net.PacketConn) []rtp.Packet {
	t.Helper()
	list := make([]rtp.Packet, 10)
	for n := range list {
		b := make([]byte, 1500)
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		size, _, err := conn.ReadFrom(b)
		if err == nil {
			err = list[n].Unmarshal(b[:size])
		}
		if err != nil {
			t.Fatalf("packet %d: %v", n, err)
		}
	}
	return list
}

func TestToPortsAReconnectionIsOneSender(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	o, err := NewForward("", nil).Audio(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	now := time.Now()
	for i, h := range []rtp.Header{{SequenceNumber: 7, Timestamp: 960, SSRC: 9}, {SequenceNumber: 8, Timestamp: 1920, SSRC: 9}, {SequenceNumber: 50_000, Timestamp: 77, SSRC: 10}} {
		if i != 1 {
			if err := o.begin(opus); err != nil {
				t.Fatal(err)
			}
		}
		if i == 2 {
			now = now.Add(time.Second)
		}
		if err := o.packet(now, &rtp.Packet{Header: h, Payload: []byte{1}}, 0); err != nil {
			t.Fatal(err)
		}
	}
	var p rtp.Packet
	for _, want := range []struct {
		number uint16
		stamp  uint32
	}{{7, 960}, {8, 1920}, {9, 1920 + 48_000}} {
		b := make([]byte, 1500)
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Unmarshal(b[:n]); err != nil || p.SequenceNumber != want.number || p.Timestamp != want.stamp || p.SSRC != 2 {
			t.Errorf("%v: %+v, want %+v", err, p.Header, want)
		}
	}
}
