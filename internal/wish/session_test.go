package wish_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/sdpfrag"
	"github.com/headgate/headgate/internal/wish"
	"github.com/headgate/headgate/internal/wish/wishtest"
)

// session is a gateway with one session on it.
func session(t *testing.T, backend *wishtest.Backend, header ...string) (g *gateway, location, etag string) {
	t.Helper()
	g = start(t, backend, nil)
	h := g.post("/whip/live", header...).header
	return g, h.Get("Location"), h.Get("ETag")
}

func (g *gateway) patch(location, ifMatch, body string, header ...string) reply {
	g.t.Helper()
	header = append([]string{"Content-Type", wish.FragmentType}, header...)
	if ifMatch != "" {
		header = append(header, "If-Match", ifMatch)
	}
	return g.do("PATCH", location, body, header...)
}

func TestGetSessionT02(t *testing.T) {
	g, location, _ := session(t, &wishtest.Backend{})
	for _, method := range []string{"GET", "HEAD"} {
		r := g.do(method, location, "")
		g.expect("N-001, N-002 "+method, r, 204, "Content-Length", "", "Cache-Control", "no-store")
		if r.body != "" {
			t.Errorf("%s has the body %q", method, r.body)
		}
	}
	g.expect("unknown", g.do("GET", "/session/abcdef", ""), 404, "Access-Control-Allow-Origin", "*")
}

func TestMethodsOfSessionT05(t *testing.T) {
	g, location, _ := session(t, &wishtest.Backend{})
	for _, method := range []string{"POST", "PUT", "TRACE"} {
		g.expect("N-004 "+method, g.do(method, location, "x"), 405, "Allow", "DELETE, GET, HEAD, OPTIONS, PATCH",
			"Access-Control-Allow-Origin", "*")
	}
	g.expect("N-005", g.do("BREW", location, ""), 501)
	g.expect("Q-MED-3 mute", g.do("POST", location, `{"muted":true}`, "Content-Type", "application/json"), 405)
	g.expect("the session is unharmed", g.do("GET", location, ""), 204)
}

func TestOptionsOfSessionT07(t *testing.T) {
	g, location, _ := session(t, &wishtest.Backend{Closed: true, Servers: iceServers}, bearer(wishtest.Publisher)...)
	for _, target := range []string{location, "/session/unknown"} {
		g.expect("N-082 OPTIONS", g.do("OPTIONS", target, ""), 200, "Accept-Patch", "application/trickle-ice-sdpfrag",
			"Allow", "DELETE, GET, HEAD, OPTIONS, PATCH", "Link", "")
	}
}

func TestTrickleT62(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	r := g.patch(location, etag, fragment(wishtest.Ufrag, wishtest.Pwd))
	g.expect("N-106", r, 204, "ETag", "", "Content-Length", "", "Content-Type", "", "Cache-Control", "no-store")
	if r.body != "" {
		t.Errorf("body %q", r.body)
	}
	p := g.backend.Patches()[0]
	if p.Fragment.Ufrag != wishtest.Ufrag || p.Fragment.Pwd != wishtest.Pwd || len(p.Fragment.Sections) != 1 {
		t.Errorf("fragment = %+v", p.Fragment)
	}
}

func TestPreconditionsT63toT66(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	body := fragment(wishtest.Ufrag, wishtest.Pwd)
	tests := []struct {
		name, ifMatch string
		status        int
	}{
		{"T-63 N-103 none", "", 428},
		{"T-64 N-104 wrong", `"nope"`, 412},
		{"T-64 N-105 weak", "W/" + etag, 412},
		{"T-65 N-105 list", `"x", ` + etag, 204},
		{"T-66 bare asterisk", "*", 204},
		{"T-66 quoted asterisk", `"*"`, 204},
		{"unquoted", strings.Trim(etag, `"`), 400},
		{"JavaScript", "undefined", 400},
	}
	for _, tc := range tests {
		applied := len(g.backend.Patches())
		g.expect(tc.name, g.patch(location, tc.ifMatch, body), tc.status)
		if got := len(g.backend.Patches()) - applied; got == 1 != (tc.status == 204) {
			t.Errorf("%s: %d patches were applied", tc.name, got)
		}
	}
	two := g.do("PATCH", location, body, "Content-Type", wish.FragmentType, "If-Match", `"x"`, "If-Match", etag)
	g.expect("N-105 list in two fields", two, 204)
}

func TestRestartT72T73(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	r := g.patch(location, "*", "a=ice-ufrag:"+wishtest.NewUfrag+"\r\na=ice-pwd:"+wishtest.NewPwd+"\r\n")
	g.expect("N-132 restart", r, 200, "Content-Type", "application/trickle-ice-sdpfrag", "Cache-Control", "no-store")
	fresh := r.header.Get("ETag")
	if fresh == "" || fresh == etag {
		t.Errorf("ETag = %q after %q", fresh, etag)
	}
	f, err := sdpfrag.Parse([]byte(r.body))
	if err != nil || f.Ufrag != "srv2" || !f.EndOfCandidates || !strings.HasSuffix(r.body, "\r\n") {
		t.Errorf("body %q: %v", r.body, err)
	}
	body := fragment(wishtest.NewUfrag, wishtest.NewPwd)
	g.expect("T-73 old ETag", g.patch(location, etag, body), 412)
	g.expect("T-73 new ETag", g.patch(location, fresh, body), 204)
}

func TestPatchRefusesT68(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	good := fragment(wishtest.Ufrag, wishtest.Pwd)
	tests := []struct {
		name, body string
		header     []string
		status     int
		accept     string
	}{
		{"N-101 no type", good, nil, 415, wish.FragmentType},
		{"N-101 JSON", `{"candidate":"x"}`, []string{"Content-Type", "application/json"}, 415, wish.FragmentType},
		{"W-12 SDP outside a counter-offer", wishtest.Answer, []string{"Content-Type", wish.SDPType}, 422, ""},
		{"gzip", good, []string{"Content-Type", wish.FragmentType, "Content-Encoding", "gzip"}, 415, wish.FragmentType},
		{"N-101 garbage", "m=garbage", []string{"Content-Type", wish.FragmentType}, 400, ""},
		{"short password", fragment("EsAw", "abc"), []string{"Content-Type", wish.FragmentType}, 400, ""},
		{"not text", "\xff\xfe", []string{"Content-Type", wish.FragmentType}, 400, ""},
		{"too large", good + strings.Repeat("a=x\r\n", 20_000), []string{"Content-Type", wish.FragmentType}, 413, ""},
	}
	for _, tc := range tests {
		r := g.do("PATCH", location, tc.body, append(tc.header, "If-Match", etag)...)
		g.expect(tc.name, r, tc.status, "Accept-Patch", tc.accept, "Content-Type", "application/problem+json", "ETag", "")
	}
	if n := len(g.backend.Patches()); n != 0 {
		t.Errorf("%d patches were applied", n)
	}
	g.expect("N-010", g.patch(location, etag, good, "Content-Type", "Application/Trickle-ICE-sdpfrag; charset=utf-8"), 204)
	g.expect("line feeds only", g.patch(location, etag, strings.ReplaceAll(good, "\r", "")), 204)
}

func TestConcurrentPatchesT71(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if r := g.patch(location, etag, fragment(wishtest.Ufrag, wishtest.Pwd)); r.status != 204 {
				t.Errorf("N-108: status %d", r.status)
			}
		})
	}
	all.Wait()
	if n := len(g.backend.Patches()); n != 20 {
		t.Errorf("N-108: %d of 20 patches arrived", n)
	}
}

func TestDeleteT81T82(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	r := g.do("DELETE", location, "", "If-Match", `"wrong"`)
	g.expect("N-150, N-151, N-152", r, 200, "Content-Length", "0", "Cache-Control", "no-store")
	g.expect("N-153 again", g.do("DELETE", location, ""), 404)
	g.expect("N-118", g.patch(location, etag, fragment(wishtest.Ufrag, wishtest.Pwd)), 404)
	g.expect("GET", g.do("GET", location, ""), 404)
}

func TestSessionsAreGuardedT23(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{Closed: true}, bearer(wishtest.Publisher)...)
	body := fragment(wishtest.Ufrag, wishtest.Pwd)
	g.expect("N-190 PATCH without token", g.patch(location, etag, body), 401, "WWW-Authenticate", `Bearer realm="headgate"`)
	g.expect("N-158 DELETE without token", g.do("DELETE", location, ""), 401)
	g.expect("N-190 GET without token", g.do("GET", location, ""), 401)
	g.expect("N-196 PATCH of a stranger", g.patch(location, etag, body, bearer(wishtest.Stranger)...), 403)
	g.expect("N-196 DELETE of a stranger", g.do("DELETE", location, "", bearer(wishtest.Stranger)...), 403)
	g.expect("unharmed", g.do("GET", location, "", bearer(wishtest.Publisher)...), 204)
	g.expect("DELETE of the owner", g.do("DELETE", location, "", bearer(wishtest.Publisher)...), 200)
}

func TestOddSecretsAreNobodys(t *testing.T) {
	g, location, _ := session(t, &wishtest.Backend{})
	id := strings.TrimPrefix(location, g.url+"/session/")
	for _, odd := range []string{"", "%2e%2e", "..", id + "/", id + "/x", id + "%00", id + "%2F", fmt.Sprintf("%%%02x", id[0]) + id[1:],
		id + ".", id + "%20", strings.Repeat("a", 129), "../whip/live"} {
		r := g.do("DELETE", "/session/"+odd, "")
		if r.status != 404 {
			t.Errorf("DELETE of %q = %d", odd, r.status)
		}
	}
	g.expect("the session is unharmed", g.do("GET", location, ""), 204)
}

// raw sends request to the gateway as it is and returns all it answers until it
// closes the connection.
func (g *gateway) raw(request string) string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), 10*time.Second)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		g.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		g.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(answer)
}

func TestRaw204HasNoBodyN011(t *testing.T) {
	g, location, etag := session(t, &wishtest.Backend{})
	path := strings.TrimPrefix(location, g.url)
	body := fragment(wishtest.Ufrag, wishtest.Pwd)
	answer := g.raw(fmt.Sprintf("PATCH %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\nIf-Match: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, wish.FragmentType, etag, len(body), body))
	head, rest, found := strings.Cut(answer, "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 204 ") || !found || rest != "" {
		t.Errorf("answer %q", answer)
	}
	for _, no := range []string{"content-length", "transfer-encoding", "etag"} {
		if strings.Contains(strings.ToLower(head), "\r\n"+no+":") {
			t.Errorf("204 has %s: %q", no, head)
		}
	}
}

func TestRawChunkedAndExpectN012(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	head := "POST /whip/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/sdp\r\n"
	chunked := head + "Transfer-Encoding: chunked\r\n\r\n"
	for _, part := range []string{wishtest.Offer[:7], wishtest.Offer[7:]} {
		chunked += fmt.Sprintf("%x\r\n%s\r\n", len(part), part)
	}
	answer := g.raw(chunked + "0\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil || res.StatusCode != 201 {
		t.Fatalf("N-012 chunked: %q, %v", answer, err)
	}
	res.Body.Close()
	if !strings.Contains(answer, "\r\nLocation: http://localhost/session/") {
		t.Errorf("Q-OBS-3: no blank after Location, or not absolute: %q", answer)
	}
	answer = g.raw(head + fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", len(wishtest.Offer), wishtest.Offer))
	if !strings.HasPrefix(answer, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 ") {
		t.Errorf("N-012 100-continue: %q", answer)
	}
	answer = g.raw(head + "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 413 ") {
		t.Errorf("413 before the body: %q", answer)
	}
	endless := head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1000\r\n"+strings.Repeat("x", 4096)+"\r\n", 40) + "0\r\n\r\n"
	if answer = g.raw(endless); !strings.HasPrefix(answer, "HTTP/1.1 413 ") {
		t.Errorf("chunked 413: %q", answer)
	}
}

func TestConnectionSurvives413N009(t *testing.T) {
	g := start(t, &wishtest.Backend{}, nil)
	large := strings.Repeat("a=x\r\n", 1<<20/5)
	two := "POST /whip/live HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n%s\r\n%s"
	answer := g.raw(fmt.Sprintf(two, len(large), "", large) + fmt.Sprintf(two, len(wishtest.Offer), "Connection: close\r\n", wishtest.Offer))
	if !strings.HasPrefix(answer, "HTTP/1.1 413 ") || !strings.Contains(answer, "HTTP/1.1 201 ") {
		t.Errorf("answers: %q", answer)
	}
}
