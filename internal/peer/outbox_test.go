package peer

import (
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/router"
)

// send sends a whole RTP packet as a worker does. Its sequence number is its index.
func send(t testing.TB, c *Conn, packet []byte) {
	t.Helper()
	before := c.Line().Failed()
	box := egress.NewOutbox()
	box.Put(c.Line(), []router.Outgoing{outgoing(t, packet)})
	box.Flush()
	if c.Line().Failed() != before {
		t.Fatal("the packet was not sent")
	}
}

// sendReport sends a sender report as a worker does.
func sendReport(t testing.TB, c *Conn, sr *rtcp.SenderReport) {
	t.Helper()
	b, err := sr.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	box := egress.NewOutbox()
	box.PutRTCP(c.Line(), &router.OutgoingRTCP{SSRC: sr.SSRC, Packet: b})
	box.Flush()
}

func outgoing(t testing.TB, packet []byte) router.Outgoing {
	t.Helper()
	var h rtp.Header
	n, err := h.Unmarshal(packet)
	if err != nil {
		t.Fatal(err)
	}
	return router.Outgoing{SSRC: h.SSRC, Header: uint16(n), Index: int64(h.SequenceNumber), Prefix: packet[:n], Shared: packet[n:]}
}
