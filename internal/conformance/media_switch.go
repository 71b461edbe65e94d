package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pion/webrtc/v4"
)

func switchCases() []Case {
	return []Case{
		{ID: "T-128", Level: Must, Clause: "RFC 3550 5.1; RFC 7741 4.2", Proves: []string{"M-040", "M-041", "M-042", "M-043", "M-044", "M-045", "M-046"},
			Title: "Switches of layers are one stream to a viewer: SSRC, sequence numbers, timestamps and VP8 picture numbers go on.", check: checkSwitches},
		{ID: "T-129", Level: Must, Clause: "RFC 3550 5.1", Proves: []string{"M-042", "Q-OBS-10"},
			Title: "A switch to a layer without sender reports is no more than a frame wrong in time.", check: checkUnreportedLayer},
		{ID: "T-131", Level: Must, Clause: "RFC 3550 6.4.1, 6.5.1", Proves: []string{"M-071", "M-072", "M-073"},
			Title: "Sender reports keep the publisher's distance of picture and sound, also after switches, and count what the viewer was sent.", check: checkLipSync},
	}
}

// chooser selects layers for a viewer by the layer extension.
type chooser struct {
	viewer *peer
	target string
	media  int
}

// chooser skips where the server has no layer extension.
func (p *peer) chooser() (chooser, error) {
	_, target, err := p.session.need(layerURN)
	media := slices.IndexFunc(parseDescription(p.session.answer).media, func(m section) bool { return m.kind() == "video" })
	return chooser{p, target, media}, err
}

// take selects a layer and waits until it is sent.
func (c chooser) take(ctx context.Context, rid string) error {
	body := fmt.Sprintf(`{"mediaId":%q,"rid":%q}`, strconv.Itoa(c.media), rid)
	layer := uint8(slices.Index(layerNames(), rid)) //nolint:gosec // a few
	r := c.viewer.run
	var answer *response
	err := eventually(ctx, 10*time.Second, func() (bool, error) { // it may not know the layer yet
		var err error
		answer, err = r.do(ctx, request{method: http.MethodPost, url: c.target, token: c.viewer.session.side.token, body: body, contentType: jsonType})
		return err == nil && answer.ok(), err
	})
	if err != nil {
		return fmt.Errorf("select layer %s: %w", rid, err)
	}
	err = eventually(ctx, 8*time.Second, func() (bool, error) {
		e, ok := c.viewer.watch.ledger.last(webrtc.RTPCodecTypeVideo)
		return ok && e.mark.layer == layer, nil
	})
	if err != nil {
		r.failf("layer %s was selected (%d) and is not sent in 8 s", rid, answer.status)
	}
	return ctx.Err()
}

// switching is a viewer of marked layers that were selected one after the other, and
// the packets of the picture in order.
func (r *run) switching(ctx context.Context, s *studio, rids ...string) ([]entry, error) {
	if err := r.filming(ctx, s); err != nil {
		return nil, err
	}
	viewer, err := r.viewing(ctx, script{engine: plainEngine}, 20)
	if err != nil {
		return nil, err
	}
	choice, err := viewer.chooser()
	if err != nil {
		return nil, err
	}
	for _, rid := range rids {
		if err := choice.take(ctx, rid); err != nil {
			return nil, err
		}
		if err := viewer.receives(ctx, 15); err != nil {
			return nil, err
		}
	}
	return viewer.watch.ledger.inOrder(webrtc.RTPCodecTypeVideo), nil
}

func checkSwitches(ctx context.Context, r *run) error {
	s := &studio{rids: layerNames()}
	packets, err := r.switching(ctx, s, "q", "f", "q", "h", "f")
	if err != nil {
		return err
	}
	r.judgeSeams(s, packets)
	return nil
}

func checkUnreportedLayer(ctx context.Context, r *run) error {
	s := &studio{rids: layerNames(), unreported: "h"}
	packets, err := r.switching(ctx, s, "q", "h", "q", "h")
	if err != nil {
		return err
	}
	r.judgeSeams(s, packets)
	return nil
}
