package sockets

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strconv"
	"syscall"
)

// Explain adds to the error of listening on address what to do about it. setting
// is what names the address, for example http.https.
func Explain(err error, address, setting string) error {
	if err == nil {
		return nil
	}
	if remedy := remedyFor(err, address, setting); remedy != "" {
		return fmt.Errorf("listen on %s: %w; %s", address, err, remedy)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}

func remedyFor(err error, address, setting string) string {
	_, port, _ := net.SplitHostPort(address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("another program has port %s (`ss -lnptu 'sport = :%s'` tells which): stop it, or choose another port in %s", port, port, setting)
	case errors.Is(err, fs.ErrPermission) && privileged(port):
		return fmt.Sprintf("ports below 1024 want a permission: `setcap cap_net_bind_service=+ep` on the program, "+
			"AmbientCapabilities=CAP_NET_BIND_SERVICE or a socket unit in systemd, or a higher port in %s", setting)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("this machine has no such address: name one of its own in %s, or none (:%s) for all", setting, port)
	case errors.Is(err, syscall.EMFILE):
		return "the process may have no more open files: raise LimitNOFILE= or `ulimit -n`"
	}
	return ""
}

func privileged(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && n < 1024
}
