package conformance

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/pion/webrtc/v4"
)

func checkStrayRID(ctx context.Context, r *run) error {
	if err := r.filming(ctx, &studio{rids: []string{""}, stamp: "0"}); err != nil {
		return err
	}
	if strings.Contains(r.publisher.session.answer, "a=simulcast") {
		r.failf("the publisher's answer has a=simulcast, which was not offered")
	}
	viewer, err := r.viewing(ctx, script{engine: viewerEngine}, 60)
	if err != nil {
		return err
	}
	video := parseDescription(viewer.session.answer).video()
	judge := headerJudge{r, video, video.extensions()}
	var streams []uint32
	for _, e := range viewer.watch.ledger.got(webrtc.RTPCodecTypeVideo) {
		judge.packet(e)
		if !slices.Contains(streams, e.SSRC) {
			streams = append(streams, e.SSRC)
		}
	}
	if len(streams) > 1 {
		r.failf("the picture arrives as %d streams", len(streams))
	}
	return nil
}

func checkStereo(ctx context.Context, r *run) error {
	if err := r.filming(ctx, &studio{rids: []string{""}}); err != nil {
		return err
	}
	viewer, err := r.viewing(ctx, script{engine: viewerEngine}, 40)
	if err != nil {
		return err
	}
	for _, sess := range []*session{r.publisher.session, viewer.session} {
		r.judgeStereo(sess)
	}
	for _, e := range viewer.watch.ledger.got(webrtc.RTPCodecTypeAudio) {
		if !e.marked || !bytes.Equal(e.payload, opusPayload(e.mark)) {
			r.failOnce("the sound does not arrive byte for byte")
		}
	}
	return nil
}

// judgeStereo looks at Opus in an answer to an offer with stereo=1 and sprop-stereo=1.
func (r *run) judgeStereo(sess *session) {
	for _, m := range parseDescription(sess.answer).media {
		if m.kind() != "audio" {
			continue
		}
		if !slices.ContainsFunc(m.values("rtpmap"), func(v string) bool { return strings.HasSuffix(strings.ToLower(v), " opus/48000/2") }) {
			r.failf("%s: the answer has no opus/48000/2", sess.side.name)
		}
		parameters := strings.Join(m.values("fmtp"), ";")
		switch {
		case strings.Contains(parameters, "stereo=0"):
			r.failf("%s: stereo=1 is answered %q", sess.side.name, parameters)
		case !strings.Contains(parameters, "stereo=1"):
			r.lesserf(Advice, "%s: stereo=1 is answered %q", sess.side.name, parameters)
		}
	}
}
