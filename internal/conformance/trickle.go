package conformance

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func trickleCases() []Case {
	return []Case{
		{ID: "T-62", Level: Must, Clause: rfc9725 + "4.3.2", Proves: []string{"N-100", "N-106", "N-116"},
			Title: "Candidates with the current tag are answered 204 without body and ETag.", check: checkTrickle},
		{ID: "T-63", Level: Must, Clause: rfc9725 + "4.3.1; RFC 6585 3", Proves: []string{"N-103"},
			Title: "A PATCH without If-Match is answered 428.", check: checkNoIfMatch},
		{ID: "T-64", Level: Must, Clause: rfc9725 + "4.3.1; " + rfc9110 + "13.1.1", Proves: []string{"N-104", "N-105"},
			Title: "A PATCH with another or a weak tag is answered 412, and its candidates are not used.", check: checkStaleTag},
		{ID: "T-65", Level: Must, Clause: rfc9110 + "13.1.1", Proves: []string{"N-105"},
			Title: "A list of tags matches if one does.", check: checkTagList},
		{ID: "T-66", Level: Advice, Clause: rfc9725 + "4.3.3, prose and figure 4", Proves: []string{"D2", "Q-MTX-2"},
			Title: "The wildcard, with and without quotes, is trickle while the credentials are the same.", check: checkWildcard},
		{ID: "T-67", Level: Must, Clause: rfc9725 + "4.3.2", Proves: []string{"N-107", "Q-EYE-3"},
			Title: "Candidates of no use are dropped in silence, and the good one among them is checked.", check: checkMixedCandidates},
		{ID: "T-68", Level: Must, Clause: rfc9725 + "4.3.1", Proves: []string{"N-101"},
			Title: "A PATCH of a wrong type or form is refused.", check: checkBadFragments},
		{ID: "T-69", Level: Must, Clause: "RFC 8840 4.4, 9.2; RFC 9143", Proves: []string{"N-110", "N-111", "N-112", "N-113", "N-115"},
			Title: "Fragments are understood in every shape that known clients send.", check: checkShapes},
		{ID: "T-70", Level: Must, Clause: "RFC 8840 8", Proves: []string{"N-113"},
			Title: "Credentials and end-of-candidates alone are a fragment.", check: checkEndOnly},
		{ID: "T-71", Level: Must, Clause: rfc9725 + "4.3.1", Proves: []string{"N-108"},
			Title: "PATCHes may overlap, and no candidate is lost.", check: checkOverlap},
		{ID: "N-109", Level: Advice, Clause: rfc9725 + "4.3.2", Proves: []string{"N-109"},
			Title: "A candidate that is told twice is no error.", check: checkRepetition},
		{ID: "N-111", Level: Must, Clause: "RFC 8840 9.2", Proves: []string{"N-111"},
			Title: "Unknown attributes are ignored, whatever their case.", check: checkUnknownAttributes},
		{ID: "N-114", Level: Must, Clause: "RFC 8838 14", Proves: []string{"N-114"},
			Title: "Candidates after end-of-candidates are no error.", check: checkAfterEnd},
	}
}

// fragment is one for the session with these candidates.
func (s *session) fragment(candidates ...string) fragment {
	d := parseDescription(s.offer)
	return fragment{
		ufrag: d.transport("ice-ufrag"), pwd: d.transport("ice-pwd"), options: d.transport("ice-options"),
		group: strings.Join(d.bundle(), " "), media: strings.TrimPrefix(d.media[0][0], "m="),
		mid: d.media[0].mid(), candidates: candidates,
	}
}

// aimless is a candidate at an address of documentation (RFC 5737).
const aimless = "1 1 udp 2130706431 198.51.100.7 50000 typ host"

// onSessions runs check on a new session of each side.
func (r *run) onSessions(ctx context.Context, check func(*session) error) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		if err := check(sess); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// wantPatch sends a fragment and wants a status; a server that does not do
// trickle ICE at all is skipped.
func (s *session) wantPatch(ctx context.Context, what, ifMatch, body string, want int) error {
	res, err := s.patch(ctx, ifMatch, body)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if res.status == want {
		return nil
	}
	if want == http.StatusNoContent && slices.Contains([]int{405, 422, 501}, res.status) {
		return skipf("the server does not do trickle ICE (%d)", res.status)
	}
	s.run.failf("%s, %s: %s, want %d", s.side.name, what, res.summary(), want)
	return nil
}

func checkTrickle(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		if err := sess.wantPatch(ctx, "the current tag", sess.etag, sess.fragment(aimless).String(), http.StatusNoContent); err != nil {
			return err
		}
		res, err := sess.patch(ctx, sess.etag, sess.fragment(aimless).String())
		if err != nil {
			return err
		}
		if len(res.body) > 0 || res.header.Get("ETag") != "" {
			r.failf("%s: %d bytes and ETag %q, want neither", sess.side.name, len(res.body), res.header.Get("ETag"))
		}
		return nil
	})
}

func checkNoIfMatch(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		return sess.wantPatch(ctx, "no If-Match", "", sess.fragment(aimless).String(), http.StatusPreconditionRequired)
	})
}

func checkStaleTag(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		birds, err := r.canaries(parseDescription(sess.offer).transport("ice-ufrag"), 2)
		if err != nil {
			return err
		}
		unwanted := sess.fragment(r.candidatesOf(birds[0], sess.answer)...).String()
		for _, tag := range []string{`"nope"`, "W/" + sess.etag} {
			if err := sess.wantPatch(ctx, "If-Match: "+tag, tag, unwanted, http.StatusPreconditionFailed); err != nil {
				return err
			}
		}
		// That the server would have looked is shown by a second one.
		wanted := sess.fragment(r.candidatesOf(birds[1], sess.answer)...).String()
		if err := sess.wantPatch(ctx, "the current tag", sess.etag, wanted, http.StatusNoContent); err != nil {
			return err
		}
		if err := allHit(ctx, 3*time.Second, birds[1]); err != nil && !lite(sess.answer) {
			r.lack("the same without a check by the client")
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return err
		}
		if birds[0].hits.Load() > 0 {
			r.failf("%s: a candidate that came with a wrong tag is checked", sess.side.name)
		}
		return nil
	})
}

// lite tells a lite agent, which checks nothing.
func lite(answer string) bool { return len(values(parseDescription(answer).session, "ice-lite")) > 0 }

func checkTagList(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		return sess.wantPatch(ctx, "a list", `"x", `+sess.etag, sess.fragment(aimless).String(), http.StatusNoContent)
	})
}

func checkWildcard(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		for _, wildcard := range []string{"*", `"*"`} {
			if err := sess.wantPatch(ctx, "If-Match: "+wildcard, wildcard, sess.fragment(aimless).String(), http.StatusNoContent); err != nil {
				return err
			}
		}
		return sess.wantPatch(ctx, "the tag afterwards", sess.etag, sess.fragment(aimless).String(), http.StatusNoContent)
	})
}

func checkMixedCandidates(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		good, err := r.canary(parseDescription(sess.offer).transport("ice-ufrag"))
		if err != nil {
			return err
		}
		mixed := append([]string{
			"1 1 udp 2130706431 3f1b2d4c-7a3e-4c0b-9d52-1a2b3c4d5e6f.local 50000 typ host",
			"2 1 tcp 1518280447 198.51.100.7 9 typ host tcptype active",
			"3 1 udp 2130706431 198.51.100.7 50001 typ telepathic",
			"4 0 udp 2130706431 198.51.100.7 50002 typ host",
			"5 1 dccp 2130706431 198.51.100.7 50003 typ host",
			"6 1 udp 2130706431 no-such-host.invalid 50004 typ host",
			"7 1 udp 2130706431 198.51.100.7 0 typ host",
			"8",
		}, r.candidatesOf(good, sess.answer)...)
		if err := sess.wantPatch(ctx, "mixed candidates", sess.etag, sess.fragment(mixed...).String(), http.StatusNoContent); err != nil {
			return err
		}
		if lite(sess.answer) || len(r.deviations) > 0 {
			r.lack("checks by a lite agent")
			return nil
		}
		if err := allHit(ctx, 5*time.Second, good); err != nil {
			r.failf("%s: the good candidate was not checked in 5 s", sess.side.name)
		}
		return nil
	})
}

func checkBadFragments(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		type bad struct {
			what, contentType, body string
			status                  int
		}
		for _, b := range []bad{
			{"a fragment of type text/plain", "text/plain", sess.fragment(aimless).String(), 415},
			{"JSON", "application/json", `{"candidate":"candidate:` + aimless + `","sdpMid":"0"}`, 415},
			{"SDP", sdpType, sess.offer, 415},
			{"m=garbage", fragmentType, "m=garbage\r\n", 400},
			{"JSON in a fragment's type", fragmentType, `{"candidate":"x"}`, 400},
			{"an empty body", fragmentType, "", 400},
		} {
			req := sess.request("PATCH")
			req.contentType, req.body, req.header = b.contentType, b.body, map[string]string{"If-Match": sess.etag}
			res, err := r.do(ctx, req)
			if err != nil {
				return err
			}
			switch {
			case res.status/100 != 4:
				r.failf("%s, %s: %s, want 4xx", sess.side.name, b.what, res.summary())
			case b.contentType == sdpType && res.status == http.StatusUnprocessableEntity:
				// The type is known, but no counter-offer waits for an answer.
			case res.status != b.status:
				r.lesserf(Advice, "%s, %s: %s, want %d", sess.side.name, b.what, res.summary(), b.status)
			case b.status == 415 && !listed(res.header, "Accept-Patch", fragmentType):
				r.lesserf(Should, "%s, %s: 415 without Accept-Patch (RFC 5789 2.2)", sess.side.name, b.what)
			}
		}
		return sess.alive(ctx, "bad PATCHes")
	})
}

// shapes are the fragments of 1.16 of the checklist: what known clients send.
func (s *session) shapes() map[string]string {
	d := parseDescription(s.offer)
	credentials := "a=ice-ufrag:" + d.transport("ice-ufrag") + "\r\na=ice-pwd:" + d.transport("ice-pwd") + "\r\n"
	candidate := "a=candidate:" + aimless + "\r\n"
	chrome := "a=candidate:1 1 udp 2122260223 198.51.100.7 50001 typ host generation 0 ufrag " + d.transport("ice-ufrag") + " network-id 1 network-cost 10\r\n"
	mid := d.media[0].mid()
	var each strings.Builder
	for i, m := range d.media {
		fmt.Fprintf(&each, "m=%s 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:%s\r\na=candidate:1 %d udp 2130706431 198.51.100.7 50002 typ host\r\n", m.kind(), m.mid(), i%2)
	}
	last := d.media[len(d.media)-1]
	plain := credentials + "m=audio 9 RTP/AVP 0\r\na=mid:" + mid + "\r\n" + candidate
	return map[string]string{
		"simple-whip-client":         credentials + "m=audio 9 RTP/AVP 0\r\na=mid:" + mid + "\r\n" + candidate + chrome,
		"no mid":                     credentials + "m=audio 9 RTP/AVP 0\r\n" + candidate,
		"medooze":                    credentials + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" + mid + "\r\n" + candidate,
		"Eyevinn":                    credentials + each.String(),
		"MediaMTX":                   credentials + last[0] + "\r\na=mid:1\r\n" + candidate,
		"an unknown mid":             credentials + last[0] + "\r\na=mid:7\r\n" + candidate,
		"credentials only":           credentials,
		"Chrome's extensions":        credentials + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:" + mid + "\r\n" + chrome,
		"LF only":                    strings.ReplaceAll(plain, "\r\n", "\n"),
		"no end of line":             strings.TrimSuffix(plain, "\r\n"),
		"credentials in the section": "m=audio 9 RTP/AVP 0\r\na=mid:" + mid + "\r\n" + credentials + candidate,
		"another kind, right mid":    credentials + "m=video 9 RTP/AVP 0\r\na=mid:" + mid + "\r\n" + candidate,
		"end at session level":       credentials + "a=end-of-candidates\r\nm=audio 9 RTP/AVP 0\r\na=mid:" + mid + "\r\n" + candidate,
		"end in the section":         plain + "a=end-of-candidates\r\n",
	}
}

func checkShapes(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		for what, body := range sess.shapes() {
			if err := sess.wantPatch(ctx, what, sess.etag, body, http.StatusNoContent); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkEndOnly(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		f := sess.fragment()
		body := "a=ice-ufrag:" + f.ufrag + "\r\na=ice-pwd:" + f.pwd + "\r\na=end-of-candidates\r\n"
		return sess.wantPatch(ctx, "the end alone", sess.etag, body, http.StatusNoContent)
	})
}

const overlapping = 20

func checkOverlap(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		birds, err := r.canaries(parseDescription(sess.offer).transport("ice-ufrag"), overlapping)
		if err != nil {
			return err
		}
		answers := make([]*response, overlapping)
		err = together(overlapping, func(i int) (err error) {
			body := sess.fragment(r.candidatesOf(birds[i], sess.answer)[0]).String()
			answers[i], err = sess.patch(ctx, sess.etag, body)
			return err
		})
		if err != nil {
			return err
		}
		for _, res := range answers {
			if res.status != http.StatusNoContent {
				r.failf("%s: %s, want 204", sess.side.name, res.summary())
			}
		}
		if lite(sess.answer) || len(r.deviations) > 0 {
			return nil
		}
		if err := allHit(ctx, 8*time.Second, birds...); err != nil {
			missing := slices.DeleteFunc(birds, func(c *canary) bool { return c.hits.Load() > 0 })
			r.failf("%s: %d of %d candidates were not checked", sess.side.name, len(missing), overlapping)
		}
		return nil
	})
}

func checkRepetition(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		for range 2 {
			if err := sess.wantPatch(ctx, "the same again", sess.etag, sess.fragment(aimless, aimless).String(), http.StatusNoContent); err != nil {
				return err
			}
		}
		return nil
	})
}

func checkUnknownAttributes(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		body := "a=foo:bar\r\na=Foo\r\n" + sess.fragment(aimless).String() + "a=quux:1 2 3\r\na=RTCP-MUX\r\na=rtcp-mux-only\r\n"
		return sess.wantPatch(ctx, "unknown attributes", sess.etag, body, http.StatusNoContent)
	})
}

func checkAfterEnd(ctx context.Context, r *run) error {
	return r.onSessions(ctx, func(sess *session) error {
		f := sess.fragment(aimless)
		f.end = true
		if err := sess.wantPatch(ctx, "the end", sess.etag, f.String(), http.StatusNoContent); err != nil {
			return err
		}
		return sess.wantPatch(ctx, "one more", sess.etag, sess.fragment(strings.Replace(aimless, "50000", "50009", 1)).String(), http.StatusNoContent)
	})
}
