//go:build unix

package peer

import (
	"syscall"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/internal/testkit/offers"
	"github.com/headgate/headgate/router"
)

// cpu is what this process has used, in user and system mode.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func reportCPU(b *testing.B, since time.Duration) {
	b.ReportMetric(float64(cpu()-since)/float64(b.N)/1e6, "cpu-ms/op")
}

// BenchmarkAnswer measures a POST of a browser's offer from its text to the
// answer's, and the DELETE.
func BenchmarkAnswer(b *testing.B) {
	h := newTestHost(b)
	publishOffer, playOffer := offers.Get("chrome-publish"), offers.Get("chrome-play")
	for name, answer := range map[string]func() (*Conn, error){
		"publish": func() (*Conn, error) {
			plan := publishPlan(b, publishOffer)
			return h.Publish(b.Context(), PublishParams{Plan: plan, Tracks: tracksFor(plan)})
		},
		"play": func() (*Conn, error) {
			return h.Play(b.Context(), PlayParams{Plan: playPlan(b, playOffer, playPolicy)})
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				c, err := answer()
				if err != nil {
					b.Fatal(err)
				}
				_ = c.Close()
			}
			reportCPU(b, start)
		})
	}
}

// BenchmarkConnect measures a viewer from the offer to DTLS, both sides in this
// process.
func BenchmarkConnect(b *testing.B) {
	h := newTestHost(b)
	b.ReportAllocs()
	start := cpu()
	for b.Loop() {
		c := newClient(b)
		v := play(b, h, c, playPolicy)
		c.waitState(webrtc.PeerConnectionStateConnected)
		_ = c.pc.GracefulClose()
		_ = v.conn.Close()
	}
	reportCPU(b, start)
}

// BenchmarkFrame measures frames of ten packets to a connected viewer, the socket
// and the client included; one operation is one packet.
func BenchmarkFrame(b *testing.B) {
	v := play(b, newTestHost(b), newClient(b), playPolicy)
	v.client.waitState(webrtc.PeerConnectionStateConnected)
	v.events.wait(b, DTLSConnected, 1)
	section := v.conn.Sections()[0]
	packet := outgoing(b, packetOf(b, section.SSRC, section.PayloadTypes[0].Number, 1, make([]byte, 1100)))
	box := egress.NewOutbox()
	frame := make([]router.Outgoing, 0, 10)
	b.ReportAllocs()
	start := cpu()
	for index := int64(1); b.Loop(); index++ {
		packet.Index = index // the header keeps its number: the client drops what it can't open
		frame = append(frame, packet)
		if len(frame) == cap(frame) {
			box.Put(v.conn.Line(), frame)
			box.Flush()
			frame = frame[:0]
		}
	}
	reportCPU(b, start)
}
