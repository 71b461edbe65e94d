//go:build !linux

package httpserver

import (
	"net"
	"time"
)

// limitUnacknowledged does nothing where there is no TCP_USER_TIMEOUT: connections
// end when the system gives up sending again.
func limitUnacknowledged(*net.TCPConn, time.Duration) {}
