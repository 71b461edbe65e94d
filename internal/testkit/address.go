package testkit

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

// Addresses that must be known before anybody listens there are below the ports that
// systems give out by themselves (32768 and more on Linux): nobody else gets one while
// a gateway is restarted, and a client that tries meanwhile does not connect to itself.
const (
	firstAddress = 10_000
	lastAddress  = 20_000
)

var handedOut atomic.Int64 //nolint:gochecknoglobals // tests of a process share its addresses

// FreeAddress is an address on this machine at which nobody listens: "127.0.0.1:10123".
// None is handed out twice. It may be called from any goroutine.
func FreeAddress(t testing.TB) string {
	t.Helper()
	begin := int64(os.Getpid() % 97 * 100) // packages are tested side by side
	for range lastAddress - firstAddress {
		port := firstAddress + (begin+handedOut.Add(1))%(lastAddress-firstAddress)
		address := net.JoinHostPort("127.0.0.1", strconv.FormatInt(port, 10))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no free address")
	return ""
}
