package peer

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
)

// T-80, N-150, N-154: the client sees DTLS end and the port goes silent.
func TestCloseSendsCloseNotify(t *testing.T) {
	h := newTestHost(t)
	n := newNAT(t, h.Addr())
	p := publish(t, h, newClient(t), n.inAnswer)
	p.client.waitState(webrtc.PeerConnectionStateConnected)
	p.events.wait(t, DTLSConnected, 1)
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
	var mu sync.Mutex
	alerts := 0
	n.watch(func(fromServer bool, b []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		if fromServer && len(b) > 0 && b[0] == 21 { // a DTLS alert
			alerts++
		}
		return true
	})
	if err := p.conn.Close(); err != nil {
		t.Fatal(err)
	}
	p.client.waitState(webrtc.PeerConnectionStateClosed)
	mu.Lock()
	defer mu.Unlock()
	if alerts == 0 {
		t.Error("no alert")
	}
	if k := p.events.kinds(); k[len(k)-1] == RemoteClosed || k[len(k)-1] == ICEFailed {
		t.Errorf("our own close is told as the client's: %v", k)
	}
	for _, track := range p.tracks {
		if len(track.Layers()) > 0 {
			t.Error("layers are left")
		}
	}
}

// T-83, N-159: the client hangs up without a DELETE.
func TestRemoteClose(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	v := play(t, h, newClient(t), playPolicy)
	for _, x := range []struct {
		c *client
		e *recorder
	}{{p.client, p.events}, {v.client, v.events}} {
		x.c.waitState(webrtc.PeerConnectionStateConnected)
		x.e.wait(t, DTLSConnected, 1)
		if err := x.c.pc.GracefulClose(); err != nil {
			t.Fatal(err)
		}
		x.e.wait(t, RemoteClosed, 1)
	}
	if _, err := p.conn.Restart(t.Context(), "fresh", strings.Repeat("p", 22), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("restart: %v", err)
	}
}

// T-137, N-066: who does not have the key of the offer's fingerprint gets and
// gives nothing.
func TestWrongFingerprint(t *testing.T) {
	for _, setup := range []string{"active", "passive"} {
		h := newTestHost(t)
		p := publish(t, h, newClient(t), func(sdp string, answer bool) string {
			if answer {
				return sdp
			}
			sdp = replaceLines(sdp, "a=setup:", func(string) string { return "a=setup:" + setup })
			return replaceLines(sdp, "a=fingerprint:", func(line string) string {
				last := line[len(line)-1]
				return line[:len(line)-1] + map[bool]string{true: "1", false: "0"}[last == '0']
			})
		})
		p.video.flow(t, h264Key)
		p.events.wait(t, DTLSFailed, 1)
		if d := p.events.detail(DTLSFailed); !strings.Contains(d, "fingerprint") {
			t.Errorf("%s: %q", setup, d)
		}
		if n := p.conn.Ingest().Stats().Packets; n > 0 {
			t.Errorf("%s: %d packets were taken", setup, n)
		}
	}
}

// N-055, N-056, Q-JAN-1, T9: every role a client may offer.
func TestSetupRoles(t *testing.T) {
	h := newTestHost(t)
	for setup, want := range map[string]struct{ publish, play string }{
		"actpass": {"active", "passive"}, "active": {"passive", "passive"}, "passive": {"active", "active"},
	} {
		t.Run(setup, func(t *testing.T) {
			offer := func(sdp string, answer bool) string {
				if answer {
					return sdp
				}
				return replaceLines(sdp, "a=setup:", func(string) string { return "a=setup:" + setup })
			}
			p := publish(t, h, newClient(t), offer)
			v := play(t, h, newClient(t), playPolicy, offer)
			for answer, want := range map[string]string{string(p.conn.Answer()): want.publish, string(v.conn.Answer()): want.play} {
				if strings.Count(answer, "a=setup:"+want+"\r\n") != strings.Count(answer, "a=setup:") {
					t.Errorf("want %s in\n%s", want, answer)
				}
			}
			p.events.wait(t, DTLSConnected, 1)
			v.events.wait(t, DTLSConnected, 1)
			v.client.waitState(webrtc.PeerConnectionStateConnected)
			p.video.flow(t, h264Key)
			p.events.wait(t, FirstKeyFrame, 1)
		})
	}
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors can't be counted here")
	}
	return len(entries)
}

// T-86, N-037, N-157: offers that nobody comes back for leave nothing behind.
func TestAbandonedOffersLeaveNothing(t *testing.T) {
	const offers = 500
	h := newTestHost(t)
	c, player := newClient(t), newClient(t)
	c.publishTrack(webrtc.MimeTypeH264)
	player.recvonly(webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio)
	offer, playOffer := c.offer(nil), player.offer(nil)
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for batch := range offers / 50 {
		var conns []*Conn
		for i := range 50 {
			var conn *Conn
			var err error
			if i%2 == 0 {
				plan := publishPlan(t, offer)
				conn, err = h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan)})
			} else {
				conn, err = h.Play(t.Context(), PlayParams{Plan: playPlan(t, playOffer, playPolicy)})
			}
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		if n := openFiles(t); n > files {
			t.Fatalf("batch %d: %d descriptors, %d before", batch, n, files)
		}
		for _, conn := range conns {
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(h.conns) != 0 {
		t.Errorf("%d connections are left", len(h.conns))
	}
	eventually(t, "the goroutines are back", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestHostCloseEndsEverything(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	p.events.wait(t, DTLSConnected, 1)
	p.client.waitState(webrtc.PeerConnectionStateConnected)
	idle, err := h.Play(t.Context(), PlayParams{Plan: playOfferPlan(t)})
	if err != nil {
		t.Fatal(err)
	}
	silent := dialTCP(t, h.tcp.mux.LocalAddr()) // never says anything
	start := time.Now()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
	p.client.waitState(webrtc.PeerConnectionStateClosed)
	_ = silent.SetReadDeadline(time.Now().Add(patience))
	if _, err := silent.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the silent connection is open: %v", err)
	}
	_ = idle.Close() // again
	if _, err := h.Play(t.Context(), PlayParams{Plan: playOfferPlan(t)}); !errors.Is(err, ErrClosed) {
		t.Errorf("play after close: %v", err)
	}
	if _, err := h.Publish(t.Context(), PublishParams{Plan: playOfferPlan(t)}); !errors.Is(err, ErrClosed) {
		t.Errorf("publish after close: %v", err)
	}
	_ = h.Close()
}

func playOfferPlan(t *testing.T) *negotiate.Plan {
	c := newClient(t)
	c.recvonly(webrtc.RTPCodecTypeVideo)
	return playPlan(t, c.offer(nil), playPolicy)
}

// Closing during every stage must neither hang nor leak.
func TestCloseAtAnyTime(t *testing.T) {
	h := newTestHost(t)
	for _, until := range []EventKind{Gathered, ICEChecking, ICEConnected, DTLSStarted, DTLSConnected} {
		p := publish(t, h, newClient(t))
		p.events.wait(t, until, 1)
		var work sync.WaitGroup
		for range 3 {
			work.Go(func() { _ = p.conn.Close() })
		}
		work.Wait()
		after := len(p.events.kinds())
		_ = p.client.pc.GracefulClose()
		if n := len(p.events.kinds()); n != after {
			t.Errorf("%v: notified after Close", until)
		}
	}
}

// Data channels are accepted and closed at once: nobody speaks on them.
func TestDataChannelIsRefused(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	d, err := c.pc.CreateDataChannel("chat", nil)
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	d.OnClose(func() { close(closed) })
	p := publish(t, h, c)
	p.events.wait(t, DataChannelRefused, 1)
	if l := p.events.detail(DataChannelRefused); l != "chat" {
		t.Errorf("label %q", l)
	}
	select {
	case <-closed:
	case <-time.After(patience):
		t.Error("the channel is open")
	}
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstKeyFrame, 1)
}

// A session that does not listen can't stop the connection.
func TestSlowNotify(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	video := c.publishTrack(webrtc.MimeTypeH264)
	plan := publishPlan(t, c.offer(nil))
	release, told := make(chan struct{}), make(chan Event, 2*eventQueue)
	conn, err := h.Publish(t.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan), Loopback: true, Notify: func(e Event) {
		<-release
		told <- e
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.take(string(conn.Answer()))
	for i := range 3 * eventQueue {
		conn.AddCandidates([]string{"garbage " + uintString(uint32(i))}, false)
	}
	video.flow(t, h264Key)
	eventually(t, "media flows all the same", func() bool { return conn.Ingest().Stats().Packets > 0 })
	close(release)
	kinds := map[EventKind]bool{}
	eventually(t, "what matters was kept", func() bool {
		for {
			select {
			case e := <-told:
				kinds[e.Kind] = true
				continue
			default:
			}
			return kinds[DTLSConnected] && kinds[FirstPacket]
		}
	})
}
