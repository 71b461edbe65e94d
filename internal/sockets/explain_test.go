package sockets

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestExplain(t *testing.T) {
	wrapped := func(errno syscall.Errno) error {
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", errno)}
	}
	for _, tc := range []struct {
		err     error
		address string
		want    string
	}{
		{wrapped(syscall.EADDRINUSE), ":443", "another program has port 443 (`ss -lnptu 'sport = :443'` tells which): stop it, or choose another port in http.https"},
		{wrapped(syscall.EACCES), "[::]:443", "setcap cap_net_bind_service=+ep"},
		{wrapped(syscall.EPERM), ":80", "a higher port in http.https"},
		{wrapped(syscall.EADDRNOTAVAIL), "192.0.2.1:8443", "no such address: name one of its own in http.https, or none (:8443)"},
		{wrapped(syscall.EMFILE), ":443", "LimitNOFILE="},
	} {
		err := Explain(tc.err, tc.address, "http.https")
		if err == nil || !strings.Contains(err.Error(), tc.want) || !errors.Is(err, tc.err) || !strings.HasPrefix(err.Error(), "listen on "+tc.address+": ") {
			t.Errorf("%v: got %v, want %q", tc.err, err, tc.want)
		}
	}
	for _, address := range []string{":8080", ":0", "nonsense"} {
		if err := Explain(wrapped(syscall.EACCES), address, "http.http"); strings.Contains(err.Error(), "1024") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if Explain(nil, ":1", "x") != nil {
		t.Error("an error of nothing")
	}
}

func TestExplainARealOne(t *testing.T) {
	var lc net.ListenConfig
	first, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	address := first.Addr().String()
	_, err = lc.Listen(t.Context(), "tcp", address)
	if err = Explain(err, address, "http.http"); err == nil || !strings.Contains(err.Error(), "another program has port") {
		t.Errorf("got %v", err)
	}
}
