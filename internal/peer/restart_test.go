package peer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/router"
)

// credentialsOf finds the ICE credentials in SDP.
func credentialsOf(t *testing.T, sdp string) (ufrag, pwd string) {
	t.Helper()
	ufrag, pwd = credentials(sdp)
	if ufrag == "" || pwd == "" {
		t.Fatalf("no credentials in\n%s", sdp)
	}
	return ufrag, pwd
}

// restarted is the answer a client makes itself from the last one and a fragment
// (RFC 9725 section 4.3.3).
func restarted(answer string, f sdpfrag.Fragment) string {
	answer = replaceLines(answer, "a=ice-ufrag:", func(string) string { return "a=ice-ufrag:" + f.Ufrag })
	answer = replaceLines(answer, "a=ice-pwd:", func(string) string { return "a=ice-pwd:" + f.Pwd })
	return replaceCandidates(answer, f.Sections[0].Candidates)
}

func (p *publishing) restart(t *testing.T, rewrite ...func(string, bool) string) sdpfrag.Fragment {
	t.Helper()
	ufrag, pwd := credentialsOf(t, p.client.offer(&webrtc.OfferOptions{ICERestart: true}))
	before := p.conn.paths.lastSeen()
	f, err := p.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if after := p.conn.paths.lastSeen(); after.Before(before) {
		t.Errorf("the restart forgot when the client was last seen: %v, before %v", after, before)
	}
	p.client.take(rewritten(restarted(p.client.sdp, f), true, rewrite))
	return f
}

// T-72, N-130 to N-137: nothing but ICE changes.
func TestRestartWithMediaFlowing(t *testing.T) {
	h := newTestHost(t)
	n := newNAT(t, h.Addr())
	var mu sync.Mutex
	hellos := 0
	n.watch(func(_ bool, b []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		if isClientHello(b) {
			hellos++
		}
		return true
	})
	p := publish(t, h, newClient(t), n.inAnswer)
	p.events.wait(t, DTLSConnected, 1)
	var log burstLog
	for _, track := range p.tracks {
		if track.Kind() == router.Video {
			defer track.Subscribe(&log)()
		}
	}
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstPacket, 1)
	eventually(t, "media before", func() bool { return len(log.list()) > 20 })
	before, oldUfrag := string(p.conn.Answer()), p.conn.RemoteUfrag()
	mu.Lock()
	hellos = 0
	mu.Unlock()

	f := p.restart(t, n.inAnswer)
	ufrag, pwd := credentialsOf(t, before)
	if f.Ufrag == ufrag || f.Pwd == pwd || f.Ufrag == "" {
		t.Errorf("our credentials did not change: %+v", f)
	}
	if len(f.Sections) != 1 || len(f.Sections[0].Candidates) == 0 || !f.EndOfCandidates || f.Lite {
		t.Errorf("fragment %+v", f)
	}
	if p.conn.RemoteUfrag() == oldUfrag || p.conn.RemotePwd() == "" {
		t.Error("the client's credentials did not change")
	}
	p.events.wait(t, ICERestarted, 1)
	p.events.wait(t, ICEConnected, 2)
	at := len(log.list())
	eventually(t, "media after", func() bool { return len(log.list()) > at+50 })
	if p.events.count(DTLSStarted) != 1 || p.events.count(DTLSConnected) != 1 {
		t.Errorf("DTLS ran again: %v", p.events.kinds())
	}
	mu.Lock()
	defer mu.Unlock()
	if hellos > 0 {
		t.Errorf("%d ClientHellos", hellos)
	}
	seqs := log.list()
	for i := range seqs[1:] {
		if seqs[i+1] <= seqs[i] {
			t.Fatalf("numbering begins anew: %d after %d", seqs[i+1], seqs[i])
		}
	}
}

// T-75, N-138: the last of two restarts counts, also when the first was never
// used.
func TestTwoRestarts(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	p.events.wait(t, DTLSConnected, 1)
	stop := p.video.flow(t, h264Key)
	p.events.wait(t, FirstPacket, 1)
	first, err := p.conn.Restart(t.Context(), "abandoned", "abandonedabandonedabandoned", nil)
	if err != nil {
		t.Fatal(err)
	}
	second := p.restart(t)
	if first.Ufrag == second.Ufrag {
		t.Error("both have the same credentials")
	}
	p.events.wait(t, ICERestarted, 2)
	p.events.wait(t, ICEConnected, 2)
	packets := p.conn.Ingest().Stats().Packets
	eventually(t, "media goes on", func() bool { return p.conn.Ingest().Stats().Packets > packets+20 })
	stop()
}

// Restarts and candidates may come at once (N-108).
func TestRestartsAtOnce(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	p.events.wait(t, DTLSConnected, 1)
	var work sync.WaitGroup
	for i := range 4 {
		work.Go(func() {
			if _, err := p.conn.Restart(t.Context(), "ufrag"+uintString(uint32(i)), strings.Repeat("p", 22+i), []string{hostLine(i)}); err != nil {
				t.Error(err)
			}
			p.conn.AddCandidates([]string{hostLine(100 + i)}, false)
		})
	}
	work.Wait()
	p.restart(t)
	p.events.wait(t, ICEConnected, 2)
}

// T-74, N-135: a refused restart leaves the old ICE session and media alone.
func TestBadRestartLeavesMediaFlowing(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	p.events.wait(t, DTLSConnected, 1)
	p.video.flow(t, h264Key)
	p.events.wait(t, FirstPacket, 1)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx        context.Context
		ufrag, pwd string
		want       error
	}{
		"password of 3":     {t.Context(), "fresh", "abc", ErrBadCredentials},
		"ufrag of 3":        {t.Context(), "abc", strings.Repeat("p", 22), ErrBadCredentials},
		"a line break":      {t.Context(), "fre\nsh", strings.Repeat("p", 22), ErrBadCredentials},
		"nothing new":       {t.Context(), p.conn.RemoteUfrag(), p.conn.RemotePwd(), ErrBadCredentials},
		"a request is over": {over, "fresh", strings.Repeat("p", 22), context.Canceled},
	} {
		if _, err := p.conn.Restart(tc.ctx, tc.ufrag, tc.pwd, nil); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	packets := p.conn.Ingest().Stats().Packets
	eventually(t, "media goes on", func() bool { return p.conn.Ingest().Stats().Packets > packets+20 })
	if p.events.count(ICEConnected) != 1 || p.events.count(ICERestarted) != 0 {
		t.Errorf("ICE was touched: %v", p.events.kinds())
	}
}

func TestRestartOfAViewer(t *testing.T) {
	h := newTestHost(t)
	v := play(t, h, newClient(t), playPolicy)
	v.connected(t)
	sections, stream := v.conn.Sections(), v.conn.StreamID()
	if taken, _ := v.conn.AddCandidates([]string{hostLine(1)}, true); taken != 1 {
		t.Error("a candidate was refused")
	}
	ufrag, pwd := credentialsOf(t, v.client.offer(&webrtc.OfferOptions{ICERestart: true}))
	f, err := v.conn.Restart(t.Context(), ufrag, pwd, nil)
	if err != nil {
		t.Fatal(err)
	}
	if taken, dropped := v.conn.AddCandidates([]string{hostLine(2) + " ufrag " + ufrag, hostLine(3) + " ufrag old"}, true); taken != 1 || dropped != 1 { // N-134
		t.Errorf("in the new generation: %d taken, %d dropped", taken, dropped)
	}
	v.client.take(restarted(v.client.sdp, f))
	v.events.wait(t, ICEConnected, 2)
	if after := v.conn.Sections(); len(after) != len(sections) || after[0].SSRC != sections[0].SSRC || v.conn.StreamID() != stream {
		t.Error("the sections changed")
	}
	if v.events.count(DTLSConnected) != 1 {
		t.Errorf("DTLS ran again: %v", v.events.kinds())
	}
}

func TestRestartAfterClose(t *testing.T) {
	h := newTestHost(t)
	p := publish(t, h, newClient(t))
	_ = p.conn.Close()
	if _, err := p.conn.Restart(t.Context(), "fresh", strings.Repeat("p", 22), nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if taken, _ := p.conn.AddCandidates([]string{hostLine(1)}, true); taken != 1 {
		t.Error("candidates after the end are an error")
	}
}
