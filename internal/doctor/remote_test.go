package doctor

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headgate/headgate/whip"
)

func TestEndpoints(t *testing.T) {
	tests := []struct {
		target     Target
		whip, whep string
	}{
		{Target{URL: "https://h", Channel: "a b"}, "https://h/whip/a%20b", "https://h/whep/a%20b"},
		{Target{URL: "https://h/base/", Channel: "x"}, "https://h/base/whip/x", "https://h/base/whep/x"},
		{Target{URL: "https://h/whip/live", Channel: "x"}, "https://h/whip/live", "https://h/whep/live"},
		{Target{URL: "http://u:p@h:8889/live/whep?a=b#c"}, "http://h:8889/live/whip?a=b", "http://h:8889/live/whep?a=b"},
		{Target{URL: "https://h/whip/live", WHEP: "https://o/play"}, "https://h/whip/live", "https://o/play"},
	}
	for _, tc := range tests {
		e, err := tc.target.endpoints()
		if err != nil || e.whip != tc.whip || e.whep != tc.whep {
			t.Errorf("%+v: %s, %s, %v", tc.target, e.whip, e.whep, err)
		}
	}
	if e, err := (Target{URL: "https://h"}).endpoints(); err != nil || !strings.HasPrefix(e.whip, "https://h/whip/check-") || e.whip[9:] != strings.Replace(e.whep[9:], "whep", "whip", 1) {
		t.Errorf("a made-up channel: %s, %s, %v", e.whip, e.whep, err)
	}
	for _, bad := range []string{"h:8080", "ftp://h", "://", ""} {
		expect(t, Remote(t.Context(), Target{URL: bad}), "url-unusable")
	}
}

func TestDNS(t *testing.T) {
	finds := func(addrs ...string) func(context.Context, string, string) ([]netip.Addr, error) {
		return func(context.Context, string, string) (list []netip.Addr, err error) {
			for _, a := range addrs {
				list = append(list, netip.MustParseAddr(a))
			}
			if list == nil {
				err = errNo
			}
			return list, err
		}
	}
	expect(t, dns(t.Context(), "192.168.1.1", nil), "dns-not-needed")
	expect(t, dns(t.Context(), "h", finds("93.184.216.34", "10.0.0.1")), "dns-found")
	expect(t, dns(t.Context(), "localhost", finds("127.0.0.1")), "dns-found")
	expect(t, dns(t.Context(), "h", finds("10.0.0.1")), "dns-private")
	expect(t, dns(t.Context(), "h", finds()), "dns-missing")
}

func TestDials(t *testing.T) {
	u := &url.URL{Scheme: "https", Host: "h"}
	with := func(v4, v6 error) func(context.Context, string, string) (net.Conn, error) {
		return func(_ context.Context, network, address string) (net.Conn, error) {
			if address != "h:443" {
				t.Errorf("dialled %s", address)
			}
			if err := map[string]error{"tcp4": v4, "tcp6": v6}[network]; err != nil {
				return nil, err
			}
			ours, theirs := net.Pipe()
			_ = theirs.Close()
			return ours, nil
		}
	}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	none := &net.OpError{Op: "dial", Err: &net.AddrError{Err: "no suitable address found", Addr: "h"}}
	expect(t, dials(t.Context(), u, with(nil, nil)), "tcp-open")
	expect(t, dials(t.Context(), u, with(nil, none)), "tcp-open")
	expect(t, dials(t.Context(), u, with(nil, refused)), "tcp-partly")
	expect(t, dials(t.Context(), u, with(refused, none)), "tcp-closed")
}

// served starts a server and returns what a Target of it comes down to.
func served(t *testing.T, tls bool, handler http.HandlerFunc) endpoints {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	e, err := Target{URL: s.URL, Channel: "x", Insecure: true}.endpoints()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestServedCertificate(t *testing.T) {
	e := served(t, true, func(http.ResponseWriter, *http.Request) {})
	expect(t, servedCertificate(t.Context(), e.origin), "certificate-self-signed")
	plain := served(t, false, func(http.ResponseWriter, *http.Request) {})
	expect(t, servedCertificate(t.Context(), plain.origin), "certificate-not-needed")
	expect(t, servedCertificate(t.Context(), &url.URL{Scheme: "http", Host: "192.0.2.1"}), "plain-http")
	expect(t, servedCertificate(t.Context(), &url.URL{Scheme: "https", Host: plain.origin.Host}), "tls-failed")
}

func TestHTTP(t *testing.T) {
	answer := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Add(header[i], header[i+1])
			}
			if r.Method == http.MethodOptions {
				w.WriteHeader(map[bool]int{true: 405, false: 204}[status == 404])
				return
			}
			w.WriteHeader(status)
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"a gateway", answer(200, "Access-Control-Allow-Origin", "*", "Link", `<turn:t:3478>; rel="ice-server"`), "health-good remote-clock-agrees cors-open cors-open ice-servers"},
		{"one for itself", answer(200), "health-good remote-clock-agrees cors-closed cors-closed ice-servers-none"},
		{"another server", answer(404), "health-unknown remote-clock-agrees options-refused options-refused ice-servers-none"},
		{"a proxy without it", answer(502), "health-bad remote-clock-agrees cors-closed cors-closed ice-servers-none"},
		{"by a wrong name", answer(421), "host-unknown remote-clock-agrees cors-closed cors-closed ice-servers-none"},
		{"late", answer(200, "Date", "Fri, 20 Nov 2020 12:00:00 GMT"), "health-good remote-clock-off cors-closed cors-closed ice-servers-none"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			e := served(t, false, tc.handler)
			client := e.client()
			defer client.CloseIdleConnections()
			expect(t, speaksHTTP(t.Context(), client, e), tc.want)
		})
	}
	expect(t, []Finding{remoteClock("", someTime)}, "remote-clock-unknown")
	expect(t, []Finding{cors(t.Context(), http.DefaultClient, "http://127.0.0.1:1/")}, "options-failed")
	expect(t, speaksHTTP(t.Context(), http.DefaultClient, endpoints{origin: &url.URL{Scheme: "http", Host: "127.0.0.1:1"}}), "http-failed")
}

func TestLoopsAreJudged(t *testing.T) {
	bad := func(k kind, err error) outcome {
		return outcome{kind: k, err: err, tried: []string{"udp 192.0.2.1 port 8190"}}
	}
	good := func(k kind) outcome { return outcome{kind: k, connect: time.Second} }
	status := func(code int) error { return &whip.StatusError{Method: "POST", Status: code} }
	tests := []struct {
		name string
		all  []outcome
		want string
	}{
		{"all", []outcome{good(byUDP), good(byTCP), good(byTURN)}, "path-works path-works path-works"},
		{"no UDP", []outcome{bad(byUDP, errBlocked), good(byTCP), bad(byTURN, errNoTURN)}, "udp-blocked path-works turn-none"},
		{"UDP only", []outcome{good(byUDP), bad(byTCP, errBlocked), bad(byTURN, errBlocked)}, "path-works tcp-blocked turn-blocked"},
		{"no TCP offered", []outcome{good(byUDP), bad(byTCP, errNotOffered)}, "path-works path-not-offered"},
		{"nothing", []outcome{bad(byUDP, errBlocked), bad(byTCP, errNoMedia)}, "udp-blocked path-silent nothing-passes"},
		{"lossy", []outcome{{kind: byUDP, loss: 0.1}}, "path-lossy"},
		{"slow", []outcome{{kind: byUDP, delay: time.Second}}, "path-slow"},
		{"no token", []outcome{{kind: byUDP, err: status(401), publishing: true}}, "token-refused"},
		{"no endpoint", []outcome{bad(byUDP, status(404))}, "endpoint-missing"},
		{"busy", []outcome{bad(byUDP, status(503))}, "server-busy"},
		{"odd", []outcome{bad(byUDP, status(422))}, "session-refused"},
		{"broken", []outcome{bad(byUDP, errNo)}, "session-refused"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) { expect(t, judgeLoops(tc.all), tc.want) })
	}
}

func TestLoopsEndWithARefusal(t *testing.T) {
	n := 0
	run := func(context.Context, *http.Client, endpoints, kind) outcome {
		n++
		return outcome{err: []error{errBlocked, errNo}[n-1]}
	}
	if all := runLoops(t.Context(), nil, endpoints{}, run); len(all) != 2 {
		t.Errorf("%d loops", len(all))
	}
}

func TestStampsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number, sent := rapid.Uint32().Draw(t, "number"), time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "sent"))
		b := stamp(number, sent)
		n, at, ok := readStamp(b)
		if !ok || n != number || at != sent || len(b) > 1275 || (len(b) == largeBytes) != (number%largeEvery == 0) {
			t.Fatalf("%d at %v came back as %d at %v, %v", number, sent, n, at, ok)
		}
		cut := rapid.IntRange(0, stampBytes-1).Draw(t, "cut")
		if _, _, ok := readStamp(b[:cut]); ok {
			t.Fatalf("%d bytes pass for a stamp", cut)
		}
	})
}

func TestReceiverNumbers(t *testing.T) {
	r := &receiver{first: make(chan struct{}), seen: make(map[uint32]bool)}
	for _, n := range []uint32{10, 12, 11, 11, 19} {
		r.note(n, time.Duration(n)*time.Millisecond)
	}
	delay, loss := r.numbers()
	if delay != 12*time.Millisecond || loss < 0.59 || loss > 0.61 {
		t.Errorf("delay %v, loss %v", delay, loss)
	}
	stopped := false
	if !r.watch(t.Context(), time.Minute, 0, func() { stopped = true }) || !stopped {
		t.Error("what came is not seen")
	}
	empty := &receiver{first: make(chan struct{})}
	if empty.watch(t.Context(), time.Millisecond, 0, nil) {
		t.Error("nothing passes for something")
	}
}

func TestNarrowedAnswers(t *testing.T) {
	const answer = "v=0\r\na=candidate:1 1 udp 1 192.0.2.1 5 typ host\r\na=candidate:2 1 TCP 1 192.0.2.1 6 typ host tcptype passive\r\na=candidate:x\r\na=end-of-candidates\r\n"
	for k, want := range map[kind]string{byUDP: "udp 192.0.2.1 port 5", byTCP: "tcp 192.0.2.1 port 6", byTURN: "udp 192.0.2.1 port 5"} {
		text := narrowed(answer, k)
		if got := strings.Join(candidatesIn(text), " "); got != want || !strings.HasSuffix(text, "a=end-of-candidates\r\n") {
			t.Errorf("%s: %s of %q", k, got, text)
		}
	}
}

func TestRemoteStopsWhereItCannotGoOn(t *testing.T) {
	e := served(t, true, func(http.ResponseWriter, *http.Request) {})
	expect(t, Remote(t.Context(), Target{URL: "http://127.0.0.1:1"}), "dns-not-needed tcp-closed")
	findings := Remote(t.Context(), Target{URL: e.origin.String()})
	if got := ids(findings); got != "dns-not-needed tcp-open certificate-self-signed http-failed" {
		t.Errorf("an untrusted certificate: %s", got)
	}
}
