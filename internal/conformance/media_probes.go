package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func probeCases() []Case {
	return []Case{
		{ID: "T-127", Level: Advice, Clause: "Chrome probes with empty retransmissions; RFC 4588 4", Proves: []string{"M-005"},
			Title: "Retransmissions of nothing, with which publishers probe the network, reach no viewer.", check: checkProbes},
	}
}

// prober is the publisher's picture, and can send retransmissions of nothing.
type prober struct {
	*webrtc.TrackLocalStaticSample
	line atomic.Pointer[probeLine] // nil before there is a connection
	sent uint16
}

// probeLine is where retransmissions go.
type probeLine struct {
	writer      webrtc.TrackLocalWriter
	ssrc        uint32
	payloadType uint8 // 0 if none was agreed on
}

// Bind remembers what was negotiated.
func (p *prober) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	line := &probeLine{writer: c.WriteStream(), ssrc: uint32(c.SSRCRetransmission())}
	for _, codec := range c.CodecParameters() {
		if strings.EqualFold(codec.MimeType, webrtc.MimeTypeRTX) && line.ssrc != 0 {
			line.payloadType = uint8(codec.PayloadType)
		}
	}
	p.line.Store(line)
	return p.TrackLocalStaticSample.Bind(c)
}

// agreed reports whether retransmissions have a stream of their own.
func (p *prober) agreed() bool {
	line := p.line.Load()
	return line != nil && line.payloadType != 0
}

// probe sends two of them: one of padding, as Chrome does, and one without anything.
// Only one goroutine may call it.
func (p *prober) probe() error {
	const padding = 224
	line := p.line.Load()
	for _, size := range []byte{padding, 0} {
		h := rtp.Header{Version: 2, SSRC: line.ssrc, PayloadType: line.payloadType, SequenceNumber: p.sent, Padding: size > 0, PaddingSize: size}
		p.sent++
		if _, err := line.writer.WriteRTP(&h, nil); err != nil {
			return fmt.Errorf("probe: %w", err)
		}
	}
	return nil
}

func checkProbes(ctx context.Context, r *run) error {
	publisher, player, err := r.show(ctx, script{}, script{})
	if err != nil {
		return err
	}
	if player == nil {
		return skipf("no WHEP endpoint was given")
	}
	if !publisher.film.prober.agreed() {
		return skipf("the server does not take RTX of publishers")
	}
	before := player.watch.seen("video")
	gaps := holes(before.log)
	const probes, between = 40, 10 * time.Millisecond
	for range probes {
		if err := errors.Join(publisher.film.prober.probe(), pause(ctx, between)); err != nil {
			return err
		}
	}
	const more = 30
	if err := player.watch.shows(ctx, 5*time.Second, more); err != nil {
		return fmt.Errorf("after %d probes: %w", 2*probes, err)
	}
	r.judgeProbed(before, player.watch.seen("video"), 2*probes, gaps)
	return nil
}

// judgeProbed compares what a viewer had before probes with what it had after.
func (r *run) judgeProbed(before, after stream, probes, gaps int) {
	empty := 0
	for _, a := range after.log[len(before.log):] {
		if a.payload == 0 {
			empty++
		}
	}
	if empty > 0 {
		r.failf("%d packets without payload came to the viewer, of %d probes of the publisher", empty, probes)
	}
	if jumps := after.jumps - before.jumps; jumps > 0 {
		r.failf("%d probes made the viewer's numbers jump %d times", probes, jumps)
	}
	if n := holes(after.log) - gaps; n >= probes/2 {
		r.failf("%d probes left %d holes in what the viewer got", probes, n)
	}
}
