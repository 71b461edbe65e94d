package httpserver

import (
	"context"
	"net"
	"time"
)

// unacknowledgedFor is how long a client may acknowledge nothing that was sent to it
// (TCP_USER_TIMEOUT). It is for event streams: together with a write every five
// seconds a reader whose cable was pulled is missed within twenty, where the
// kernel would send again for a quarter of an hour.
const unacknowledgedFor = 12 * time.Second

// limitLoss is http.Server.ConnContext: it makes connections end whose client is gone.
func limitLoss(ctx context.Context, conn net.Conn) context.Context {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		limitUnacknowledged(tcp, unacknowledgedFor)
	}
	return ctx
}
