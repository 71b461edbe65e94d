package conformance

import (
	"context"
	"slices"
)

func checkFigure2(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "figure 2", static("rfc9725"), func(sess *session) {
		answer := parseDescription(sess.answer)
		if len(answer.media) != 2 || answer.media[1].rejected() {
			r.failf("the video section is not accepted")
		}
		r.wantBundle("figure 2", answer, "0", "1")
	})
}

func (r *run) wantBundle(what string, answer description, tags ...string) {
	if !slices.Equal(answer.bundle(), tags) {
		r.failf("%s: the answer has BUNDLE %v, want %v", what, answer.bundle(), tags)
	}
}

func checkFFmpeg8(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "FFmpeg 8.0", static("ffmpeg8-video-only"), func(sess *session) {
		answer := parseDescription(sess.answer)
		if setup := answer.transport("setup"); setup != "active" {
			r.failf("setup:passive is answered setup:%s", setup)
		}
		r.wantBundle("FFmpeg 8.0", answer, "1")
	})
}

func checkSetup(ctx context.Context, r *run) error {
	s := r.whip()
	err := r.with(ctx, s, "setup:actpass", s.offer, func(sess *session) {
		if setup := parseDescription(sess.answer).transport("setup"); setup != "active" && setup != "passive" {
			r.failf("setup:actpass is answered setup:%s", setup)
		}
	})
	if err != nil {
		return err
	}
	sess, err := r.mayRefuse(ctx, s, "setup:active", replaceLine(s.offer, "a=setup:", "a=setup:active"))
	if sess == nil || err != nil {
		return err
	}
	if setup := parseDescription(sess.answer).transport("setup"); setup != "passive" {
		r.failf("setup:active is answered setup:%s", setup)
	}
	return nil
}

func checkNoMux(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		if err := r.ready(ctx, s); err != nil {
			return err
		}
		if err := r.refuse(ctx, s, "no rtcp-mux", removeLines(s.offer, "a=rtcp-mux"), 400, 422); err != nil {
			return err
		}
		if err := r.refuse(ctx, s, "no BUNDLE", removeLines(s.offer, "a=group:BUNDLE"), 400, 422); err != nil {
			return err
		}
	}
	return nil
}

func checkOBS(ctx context.Context, r *run) error {
	return r.with(ctx, r.whip(), "OBS", static("obs"), func(sess *session) {
		answer := parseDescription(sess.answer)
		r.wantBundle("OBS", answer, "0", "1")
		for _, name := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
			if answer.transport(name) == "" {
				r.failf("OBS: the answer has no %s", name)
			}
		}
	})
}
