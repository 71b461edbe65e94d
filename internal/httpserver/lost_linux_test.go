package httpserver

import (
	"crypto/tls"
	"net"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"golang.org/x/sys/unix"

	"github.com/headgate/headgate/internal/wish/wishtest"
)

func TestConnectionsToNobodyEnd(t *testing.T) {
	for scheme, r := range map[string]*rig{"http": newRig(t, &wishtest.Backend{}, nil), "https": tlsRig(t, nil)} {
		limits := make(chan int, 1)
		r.Echo().GET("/limit", func(c echo.Context) error {
			conn, _, err := http.NewResponseController(c.Response()).Hijack()
			if err != nil {
				limits <- -1
				return err
			}
			defer conn.Close()
			limits <- userTimeout(conn)
			return nil
		})
		origin, _ := r.run()
		client := r.client(&http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})
		_, _, _ = r.get(client, origin+"/limit") // there is no answer
		if got := <-limits; got != 12_000 {
			t.Errorf("%s: TCP_USER_TIMEOUT is %d ms", scheme, got)
		}
	}
}

func userTimeout(conn net.Conn) (ms int) {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = over.NetConn()
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return -1
	}
	_ = raw.Control(func(fd uintptr) {
		if ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT); err != nil {
			ms = -1
		}
	})
	return ms
}
