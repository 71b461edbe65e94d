package wish_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headgate/headgate/internal/httpserver"
	"github.com/headgate/headgate/internal/signaling"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
	"github.com/headgate/headgate/whep"
	"github.com/headgate/headgate/whip"
)

// gateway is both protocols over a backend of the test, on loopback.
type gateway struct {
	t       *testing.T
	url     string
	backend *wishtest.Backend
	client  *http.Client
}

// start serves backend; change may alter the settings.
func start(t *testing.T, backend *wishtest.Backend, change func(*httpserver.Config, *wish.Config)) *gateway {
	t.Helper()
	hc := httpserver.DefaultConfig()
	wc := wish.Config{CORS: wish.CORS{AllowAny: true}}
	if change != nil {
		change(&hc, &wc)
	}
	server, err := httpserver.New(hc, httpserver.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	wc.Origin, wc.Gate, wc.Extensions = server.Origin, server.Gate, server.AnnouncesExtensions
	wish.Register(server.Echo(), wc, backend)
	whip.Register(server.Echo(), wc, backend)
	whep.Register(server.Echo(), wc, backend)
	ts := httptest.NewServer(server.Handler())
	t.Cleanup(ts.Close)
	client := ts.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &gateway{t: t, url: ts.URL, backend: backend, client: client}
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request to a path of the gateway, or to an absolute URL.
func (g *gateway) do(method, target, body string, header ...string) reply {
	g.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = g.url + target
	}
	req, err := http.NewRequestWithContext(g.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	res, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// post POSTs a good offer and expects it to be taken.
func (g *gateway) post(path string, header ...string) reply {
	g.t.Helper()
	r := g.do(http.MethodPost, path, wishtest.Offer, append([]string{"Content-Type", wish.SDPType}, header...)...)
	if r.status != http.StatusCreated {
		g.t.Fatalf("POST %s = %d %s", path, r.status, r.body)
	}
	return r
}

// bearer is the header of a token.
func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// fragment is the trickle body of RFC 9725 with the given credentials.
func fragment(ufrag, pwd string) string {
	return "a=group:BUNDLE 0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + pwd +
		"\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host\r\n"
}

var iceServers = []signaling.ICEServer{
	{URL: "stun:stun.example.com:3478"},
	{URL: "turn:turn.example.com:3478?transport=udp", Username: "u", Credential: "c"},
}

// bothProtocols runs a test for an endpoint of either protocol.
func bothProtocols(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	for _, endpoint := range []string{"/whip/live", "/whep/live"} {
		t.Run(endpoint[1:5], func(t *testing.T) { test(t, endpoint) })
	}
}

// expect compares what every answer has.
func (g *gateway) expect(what string, r reply, status int, header ...string) {
	g.t.Helper()
	if r.status != status {
		g.t.Errorf("%s: status %d, want %d (%s)", what, r.status, status, r.body)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if got := r.header.Get(header[i]); got != header[i+1] {
			g.t.Errorf("%s: %s = %q, want %q", what, header[i], got, header[i+1])
		}
	}
}
