package audience_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/whep"
)

// onAir starts a gateway with a publisher.
func onAir(t *testing.T) *testkit.Gateway {
	t.Helper()
	g := testkit.StartGateway(t, nil)
	p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live")})
	wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
	return g
}

func TestManyJoinAtOnceAndTheAudienceCloses(t *testing.T) {
	g := onAir(t)
	a, err := audience.New(audience.Config{})
	if err != nil {
		t.Fatal(err)
	}
	const many = 20
	var work sync.WaitGroup
	for range many {
		work.Go(func() {
			if _, err := a.Join(within(t, 30*time.Second), g.WHEP("live"), ""); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	wait(t, 10*time.Second, "everybody sees something", func() bool {
		s := a.Snapshot()
		return s.Viewers == many && s.KeyFramesMissing == 0
	})
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if n := len(g.Sessions()); n != 1 {
		t.Errorf("%d sessions are left", n)
	}
	if s := a.Snapshot(); s.Viewers != 0 || s.Packets == 0 {
		t.Errorf("after Close: %+v", s)
	}
	if _, err := a.Join(t.Context(), g.WHEP("live"), ""); err == nil {
		t.Error("joined a closed audience")
	}
}

func TestLeavingTwiceIsOnce(t *testing.T) {
	g := onAir(t)
	a := start(t, audience.Config{})
	v := join(t, a, g.WHEP("live"), 1)[0]
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() {
			if err := v.Leave(within(t, 5*time.Second)); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if s := v.Stats(); s.Viewers != 0 || len(s.Streams) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestGRO(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	p := testkit.Publish(t, testkit.PublisherOptions{Endpoint: g.WHIP("live"), Picture: testkit.HD()})
	wait(t, 10*time.Second, "on air", func() bool { return p.Frame() > 2 })
	a := start(t, audience.Config{GRO: true, SampleEvery: 1})
	join(t, a, g.WHEP("live"), 3)
	wait(t, 10*time.Second, "1000 packets", func() bool { return a.Snapshot().Packets > 1000 })
	if s := a.Snapshot(); s.Lost != 0 || s.Undecipherable != 0 || s.KeyFramesMissing != 0 || s.Frames < 50 {
		t.Errorf("%+v", s)
	}
}

func TestTheDeafReadNothingAndStay(t *testing.T) {
	g := onAir(t)
	a := start(t, audience.Config{DeafToMedia: true})
	join(t, a, g.WHEP("live"), 2)
	b := start(t, audience.Config{})
	join(t, b, g.WHEP("live"), 1)
	wait(t, 10*time.Second, "the other hears", func() bool { return b.Snapshot().Packets > 100 })
	// What came during the handshake was read.
	if s := a.Snapshot(); s.Packets > 50 || s.Viewers != 2 || s.Silent != 0 || s.Ended != 0 {
		t.Errorf("%+v", s)
	}
}

func TestARefusalIsAStatus(t *testing.T) {
	g := testkit.StartGateway(t, nil)
	a := start(t, audience.Config{})
	_, err := a.Join(t.Context(), g.WHEP("nobody"), "")
	if status, ok := errors.AsType[*whep.StatusError](err); !ok || status.Status != http.StatusConflict {
		t.Errorf("%v", err)
	}
}

// TestAJoinThatFailsDeletesItsSession has servers that answer and are not there.
func TestAJoinThatFailsDeletesItsSession(t *testing.T) {
	const answer = "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AB\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
	for name, tc := range map[string]struct {
		answer string
		want   string
	}{
		"no candidate":          {answer, "candidate"},
		"nobody at the address": {answer + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", "no candidate answers"},
	} {
		t.Run(name, func(t *testing.T) {
			var deleted atomic.Int32
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodDelete {
					deleted.Add(1)
					return
				}
				w.Header().Set("Location", "/session/1")
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, tc.answer)
				time.AfterFunc(300*time.Millisecond, cancel) // from the answer on: before it there is no session to delete
			}))
			defer server.Close()
			a := start(t, audience.Config{})
			if _, err := a.Join(ctx, server.URL, ""); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v", err)
			}
			if n := deleted.Load(); n != 1 {
				t.Errorf("%d DELETEs", n)
			}
		})
	}
}

func TestCloseEndsAJoinUnderWay(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-release
	}))
	defer server.Close()
	defer close(release)
	a, err := audience.New(audience.Config{})
	if err != nil {
		t.Fatal(err)
	}
	joined := make(chan error, 1)
	go func() {
		_, err := a.Join(context.Background(), server.URL, "")
		joined <- err
	}()
	<-arrived
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if err := <-joined; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestConfigsThatMakeNoSense(t *testing.T) {
	for _, cfg := range []audience.Config{{Sweep: -1}, {SampleEvery: -1}, {Loss: -0.1}, {Loss: 1}} {
		if a, err := audience.New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
			_ = a.Close()
		}
	}
}
