package doctor

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// answering starts a server that says body to everything.
func answering(t *testing.T, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	t.Cleanup(s.Close)
	return s.URL
}

// replying answers datagrams until the test ends.
func replying(t *testing.T, reply func([]byte, *net.UDPAddr) []byte) string {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with conn
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFromUDP(b)
			if err != nil {
				return
			}
			if answer := reply(b[:n], from); answer != nil {
				_, _ = conn.WriteToUDP([]byte("noise"), from)
				_, _ = conn.WriteToUDP(answer, from)
			}
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func TestAskSTUN(t *testing.T) {
	server := replying(t, func(b []byte, from *net.UDPAddr) []byte {
		m := &stun.Message{Raw: append([]byte(nil), b...)}
		if m.Decode() != nil {
			return nil
		}
		return stun.MustBuild(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.IP, Port: from.Port}).Raw
	})
	addr, err := askSTUN(t.Context(), "stun:"+server)
	if err != nil || addr.String() != "127.0.0.1" {
		t.Errorf("%v, %v", addr, err)
	}
}

func TestAskTimeRFC5905(t *testing.T) {
	late := 90 * time.Second
	server := replying(t, func(b []byte, _ *net.UDPAddr) []byte {
		answer := make([]byte, 48)
		answer[0], answer[1] = 4<<3|4, 2
		copy(answer[24:], b[40:48])
		putNTP(answer[32:], time.Now().Add(-late))
		putNTP(answer[40:], time.Now().Add(-late))
		return answer
	})
	ahead, err := askTime(t.Context(), server)
	if err != nil || (ahead-late).Abs() > time.Second {
		t.Errorf("%v ahead, %v; want about %v", ahead, err, late)
	}
}

func TestNTPTimesAcrossTheEra(t *testing.T) {
	for _, want := range []time.Time{time.Date(2026, 1, 2, 3, 4, 5, 500_000_000, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)} {
		b := make([]byte, 8)
		putNTP(b, want)
		if got := readNTP(b); got.Sub(want).Abs() > time.Microsecond {
			t.Errorf("%v came back as %v", want, got)
		}
	}
}

func TestAskGateway(t *testing.T) {
	r, err := askGateway(t.Context(), answering(t, `{"version":"2","whip":"http://h/whip/","forwarded":"ignored"}`))
	if err != nil || r != (Running{"2", "http://h/whip/", "ignored"}) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := askGateway(t.Context(), answering(t, "<html>")); err == nil {
		t.Error("a page passes for a gateway")
	}
}

func TestDialable(t *testing.T) {
	for address, want := range map[string]string{":80": "localhost:80", "0.0.0.0:1": "localhost:1", "[::]:2": "localhost:2", "192.0.2.1:3": "192.0.2.1:3", "host": "host"} {
		if got := dialable(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
