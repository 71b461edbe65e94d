package conformance

import (
	"context"
	"slices"
	"strings"
)

// simulcastOf reads a=simulcast of a section: the value, and how many there are.
func (m section) simulcastOf() (value string, n int) {
	all := m.values("simulcast")
	if len(all) == 0 {
		return "", 0
	}
	return all[0], len(all)
}

func (d description) video() section {
	for _, m := range d.media {
		if m.kind() == "video" {
			return m
		}
	}
	return section{"m="}
}

func checkSimulcast(ctx context.Context, r *run) error {
	offer := static("obs-simulcast")
	return r.with(ctx, r.whip(), "OBS simulcast", offer, func(sess *session) {
		video := parseDescription(sess.answer).video()
		value, n := video.simulcastOf()
		if n == 0 {
			r.notef("the server does not take simulcast")
			r.lesserf(Advice, "answered without a=simulcast; OBS gives up")
			return
		}
		if n != 1 || strings.Join(strings.Fields(value), " ") != "recv 0;1;2" {
			r.failf("answered with %d simulcast lines, %q, want one: recv 0;1;2", n, value)
		}
		for _, rid := range []string{"0", "1", "2"} {
			if !slices.ContainsFunc(video.values("rid"), func(v string) bool { return v == rid+" recv" || strings.HasPrefix(v, rid+" recv ") }) {
				r.failf("no a=rid:%s recv", rid)
			}
		}
		for _, extension := range []string{"1 urn:ietf:params:rtp-hdrext:sdes:mid", "2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"} {
			if !slices.Contains(video.values("extmap"), extension) {
				r.failf("the extension %q was not kept", extension)
			}
		}
	})
}

func checkBadSimulcast(ctx context.Context, r *run) error {
	offer := static("obs-simulcast")
	doubled := editLines(offer, func(line string) []string {
		if strings.HasPrefix(line, "a=simulcast:") {
			return []string{line, "a=simulcast:send 0;1"}
		}
		return []string{line}
	})
	moved := parseDescription(removeLines(offer, "a=simulcast:"))
	moved.session = append(moved.session, "a=simulcast:send 0;1;2")
	for what, text := range map[string]string{"two lines": doubled, "at session level": moved.String()} {
		res, err := r.postOffer(ctx, r.whip(), text)
		if err != nil {
			return err
		}
		sess, err := r.adopt(r.whip(), text, res)
		if err != nil {
			if res.status/100 != 4 {
				r.failf("%s: %s", what, res.summary())
			}
			r.notef("%s: refused", what)
			continue
		}
		if strings.Contains(sess.answer, "a=simulcast") {
			r.failf("%s: the answer has a=simulcast", what)
		}
		if _, err := sess.delete(ctx); err != nil {
			return err
		}
	}
	return nil
}

// simulcastSpellings are values of a=simulcast and what they offer.
func simulcastSpellings() map[string][]string {
	return map[string][]string{
		"send h;hi;f":            {"h", "hi", "f"},
		"send ~h;hi;f":           {"h", "hi", "f"},
		"send h,hi;f":            {"h", "hi", "f"},
		"send h;hi;f recv 9":     {"h", "hi", "f"},
		"recv 9 send h;hi;f":     {"h", "hi", "f"},
		"send ~h,~hi;f recv 8;9": {"h", "hi", "f"},
	}
}

func checkSimulcastGrammar(ctx context.Context, r *run) error {
	base := withDirection(removeLines(static("obs-simulcast"), "a=rid:", "a=simulcast:"), "sendrecv")
	for spelling, rids := range simulcastSpellings() {
		var lines []string
		for _, rid := range rids {
			lines = append(lines, "a=rid:"+rid+" send")
		}
		lines = append(lines, "a=rid:8 recv", "a=rid:9 recv", "a=simulcast:"+spelling)
		offer := base + strings.Join(lines, "\r\n") + "\r\n"
		err := r.with(ctx, r.whip(), spelling, offer, func(sess *session) {
			video := parseDescription(sess.answer).video()
			value, n := video.simulcastOf()
			if n == 0 {
				r.lesserf(Advice, "%q is answered without simulcast", spelling)
				return
			}
			_, list, _ := strings.Cut(strings.TrimSpace(value), "recv")
			list, _, _ = strings.Cut(list, "send")
			for _, rid := range strings.FieldsFunc(list, func(c rune) bool { return c == ';' || c == ',' || c == ' ' || c == '~' }) {
				if !slices.Contains(rids, rid) {
					r.failf("%q is answered with the stream %s, which was not offered", spelling, rid)
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
