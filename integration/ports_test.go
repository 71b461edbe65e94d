package integration

import (
	"net"
	"os"
	"strconv"
	"testing"
)

// Ports that must be known before anybody listens on them. They are below those that systems give out by themselves (32768 on Linux), so that no
// browser's connection takes one in between, and none is handed out twice.
const (
	firstPort = 20_000
	lastPort  = 30_000
)

// nextPort is where the next search begins. Runs in one network begin at different places.
var nextPort = firstPort + os.Getpid()%900*10

// freePair returns an even port that nobody uses, with the odd one after it, by UDP and by TCP. RTP wants such pairs.
func freePair(t *testing.T) int {
	t.Helper()
	for range lastPort - firstPort {
		port := nextPort
		if nextPort += 2; nextPort >= lastPort {
			nextPort = firstPort
		}
		if unused(port) && unused(port+1) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// freePort is one for whatever.
func freePort(t *testing.T) string {
	t.Helper()
	return strconv.Itoa(freePair(t))
}

// unused tells that a port can be listened on at all addresses.
func unused(port int) bool {
	address := ":" + strconv.Itoa(port)
	l, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	_ = l.Close()
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}
