package conformance

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/headgate/headgate/internal/testkit/offers"
)

func answerCases() []Case {
	return []Case{
		{ID: "T-44", Level: Must, Clause: rfc9725 + "4.2; RFC 8829 5.3.1; RFC 8285 6", Proves: []string{"N-029", "M-103", "M-090"},
			Title: "The answers to the offers of known clients repeat sections, mids, payload types, extensions and feedback, and add nothing.", check: checkStructure},
		{ID: "N-050", Level: Must, Clause: rfc9725 + "4.4.1" + both + "4.5.1; RFC 9143 7.3", Proves: []string{"N-050", "N-051", "N-053"},
			Title: "Everything is bundled on one transport with rtcp-mux; no group is answered where none was offered.", check: checkBundle},
		{ID: "N-054", Level: Should, Clause: rfc9725 + "4.4.1" + both + "4.5.1, against RFC 8858 4.3", Proves: []string{"N-054", "D1"},
			Title: "The answer has rtcp-mux-only.", check: checkMuxOnly},
		{ID: "N-058", Level: Must, Clause: "RFC 8839 5.3", Proves: []string{"N-058", "N-068"},
			Title: "ice-lite stands at session level, and a lite agent has host candidates only.", check: checkLite},
		{ID: "N-059", Level: Should, Clause: "RFC 8838 5; RFC 8839 5.6", Proves: []string{"N-059", "N-060"},
			Title: "The answer tells that trickle is understood and that its own candidates are complete.", check: checkOptionsLine},
		{ID: "N-062", Level: Must, Clause: "RFC 8866; RFC 9143 7.3.3", Proves: []string{"N-062"},
			Title: "A section that is refused alone still has its place and its mid.", check: checkRejectedSection},
		{ID: "T-45", Level: Must, Clause: rfc9725 + "4.3.2" + both + "4.4.2; RFC 8445 5.1", Proves: []string{"N-030", "N-064", "N-065"},
			Title: "All candidates are in the answer, the first a UDP host candidate that FFmpeg can use.", check: checkCandidates},
		{ID: "T-46", Level: Advice, Clause: "FFmpeg's buffer of 8192 bytes", Proves: []string{"N-063"},
			Title: "No answer is larger than 8191 bytes.", check: checkSize},
		{ID: "T-49", Level: Advice, Clause: "RFC 6184 8.2.2; OBS, Firefox", Proves: []string{"M-094", "M-095"},
			Title: "High profile declared as baseline plays on Firefox's constrained baseline, mode 1.", check: checkHighProfile},
		{ID: "T-50", Level: Must, Clause: "WHEP 4.5.2; RFC 8830", Proves: []string{"N-061", "W-23", "M-009", "M-072"},
			Title: "The sections of a viewer's answer are one stream with one CNAME; retransmissions have declared SSRCs.", check: checkOneStream},
		{ID: "T-51", Level: Advice, Clause: "browsers on a channel without sound", Proves: []string{"W-26"},
			Title: "A player that offers sound and pictures sees a channel without sound within 2 s.", check: checkVideoOnly},
	}
}

// knownOffers are those of the known clients that belong to a side.
func knownOffers(publish bool) []string {
	return slices.DeleteFunc(offers.Names(), func(name string) bool {
		return strings.HasSuffix(name, "-play") == publish
	})
}

// forKnownOffers POSTs the offers of all known clients.
func (r *run) forKnownOffers(ctx context.Context, look func(what string, sess *session)) error {
	for _, s := range r.sides() {
		for _, name := range knownOffers(s.publish) {
			if err := r.with(ctx, s, name, static(name), func(sess *session) { look(s.name+" "+name, sess) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkStructure(ctx context.Context, r *run) error {
	return r.forKnownOffers(ctx, func(what string, sess *session) {
		for _, difference := range compare(parseDescription(sess.offer), parseDescription(sess.answer)) {
			r.failf("%s: %s", what, difference)
		}
	})
}

func checkBundle(ctx context.Context, r *run) error {
	err := r.forKnownOffers(ctx, func(what string, sess *session) {
		answer := parseDescription(sess.answer)
		var accepted []string
		for i, m := range answer.media {
			if !m.rejected() {
				accepted = append(accepted, m.mid())
			}
			if m.isMedia() && !m.rejected() && !m.has("rtcp-mux") {
				r.failf("%s: section %d has no rtcp-mux", what, i)
			}
		}
		bundle := answer.bundle()
		slices.Sort(accepted)
		sorted := slices.Sorted(slices.Values(bundle))
		if !slices.Equal(sorted, accepted) {
			r.failf("%s: BUNDLE %v for the accepted sections %v", what, bundle, accepted)
		}
		r.wantOneTransport(what, answer)
	})
	if err != nil {
		return err
	}
	s := r.whip()
	lone := removeLines(onlySections(s.offer, "video"), "a=group:BUNDLE")
	return r.with(ctx, s, "one section without BUNDLE", lone, func(sess *session) {
		if group := parseDescription(sess.answer).bundle(); group != nil {
			r.failf("an offer without BUNDLE is answered with BUNDLE %v", group)
		}
	})
}

// wantOneTransport wants the same credentials and fingerprint wherever they
// stand.
func (r *run) wantOneTransport(what string, answer description) {
	for _, name := range []string{"ice-ufrag", "ice-pwd", "fingerprint"} {
		all := values(answer.session, name)
		for _, m := range answer.media {
			all = append(all, m.values(name)...)
		}
		slices.Sort(all)
		if n := len(slices.Compact(all)); n != 1 {
			r.failf("%s: %d different %s", what, n, name)
		}
	}
}

func checkMuxOnly(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		for i, m := range parseDescription(sess.answer).media {
			if m.isMedia() && !m.rejected() && !m.has("rtcp-mux-only") {
				r.failf("%s: section %d has no rtcp-mux-only", s.name, i)
			}
		}
	}
	return nil
}

func checkLite(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		answer := parseDescription(sess.answer)
		for i, m := range answer.media {
			if m.has("ice-lite") {
				r.failf("%s: ice-lite in section %d", s.name, i)
			}
		}
		lite := len(values(answer.session, "ice-lite")) > 0
		for _, c := range answer.candidates() {
			if lite && !strings.Contains(c, " typ host") {
				r.failf("%s: a lite agent with the candidate %s", s.name, c)
			}
		}
		r.notef("%s: the agent is %s", s.name, map[bool]string{true: "lite", false: "full"}[lite])
	}
	return nil
}

func checkOptionsLine(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		answer := parseDescription(sess.answer)
		options := strings.Fields(answer.transport("ice-options"))
		for _, option := range []string{"trickle", "ice2"} {
			if !slices.Contains(options, option) {
				r.failf("%s: ice-options are %v, without %s", s.name, options, option)
			}
		}
		if !strings.Contains(sess.answer, "a=end-of-candidates") {
			r.failf("%s: no end-of-candidates", s.name)
		}
	}
	return nil
}

func checkRejectedSection(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	d := parseDescription(s.offer)
	d.media = append(d.media, section{"m=text 9 UDP/TLS/RTP/SAVPF 98", "c=IN IP4 0.0.0.0", "a=mid:words", "a=recvonly", "a=rtcp-mux",
		"a=ice-ufrag:" + d.transport("ice-ufrag"), "a=ice-pwd:" + d.transport("ice-pwd"), "a=setup:actpass", "a=rtpmap:98 t140/1000"})
	if err := r.live(ctx); err != nil {
		return err
	}
	offer := d.regrouped().String()
	res, err := r.postOffer(ctx, s, offer)
	if err != nil {
		return err
	}
	sess, err := r.adopt(s, offer, res)
	if err != nil {
		if res.status/100 != 4 {
			r.failf("%s, want 201 or 4xx", res.summary())
		}
		r.notef("the whole offer is refused")
		return nil
	}
	answer := parseDescription(sess.answer)
	for _, difference := range compare(d, answer) {
		r.failf("%s", difference)
	}
	if slices.Contains(answer.bundle(), "words") {
		r.failf("the refused section is in the BUNDLE group")
	}
	return nil
}

func checkCandidates(ctx context.Context, r *run) error {
	for _, s := range r.sides() {
		sess, err := r.openStatic(ctx, s)
		if err != nil {
			return err
		}
		candidates := parseDescription(sess.answer).candidates()
		if len(candidates) == 0 {
			r.failf("%s: the answer has no candidate, and nothing can be added later", s.name)
			continue
		}
		for i, c := range candidates {
			r.judgeCandidate(s.name, i == 0, strings.Fields(c))
		}
		if !strings.Contains(sess.answer, "a=end-of-candidates") {
			r.lesserf(Should, "%s: no end-of-candidates", s.name)
		}
	}
	return nil
}

// judgeCandidate looks at one candidate of an answer.
func (r *run) judgeCandidate(what string, first bool, f []string) {
	if len(f) < 8 || f[6] != "typ" {
		r.failf("%s: %v is no candidate", what, f)
		return
	}
	text := strings.Join(f, " ")
	addr, err := netip.ParseAddr(f[4])
	switch {
	case err != nil:
		r.failf("%s: %s names no address", what, text)
		return
	case f[1] != "1":
		r.failf("%s: component %s in %s, with rtcp-mux", what, f[1], text)
	case addr.IsLoopback() && !r.target.onLoopback():
		r.failf("%s: a loopback address in %s", what, text)
	case netip.MustParsePrefix("172.17.0.0/16").Contains(addr):
		r.lesserf(Should, "%s: the address of a container in %s", what, text)
	}
	if first && (!strings.EqualFold(f[2], "udp") || f[7] != "host" || !addr.Is4()) {
		r.lesserf(Advice, "%s: the first candidate is %s; FFmpeg wants UDP, host, IPv4", what, text)
	}
	if public := r.target.PublicAddress; public != "" && f[7] == "host" && f[4] != public && f[4]+":"+f[5] != public {
		r.failf("%s: %s does not show the public address %s", what, text, public)
	}
}

func checkSize(ctx context.Context, r *run) error {
	largest, candidates := 0, 0
	err := r.forKnownOffers(ctx, func(what string, sess *session) {
		if n := len(sess.answer); n >= 8192 {
			r.failf("%s: %d bytes", what, n)
		} else if n > largest {
			largest, candidates = n, len(parseDescription(sess.answer).candidates())
		}
	})
	r.notef("largest with %d candidates", candidates)
	return err
}

func checkHighProfile(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	if err := r.liveWith(ctx, script{highProfile: true}); err != nil {
		return err
	}
	err = r.with(ctx, s, "Firefox", static("firefox-play"), func(sess *session) {
		video := parseDescription(sess.answer).video()
		if video.rejected() || !slices.Contains(video.codecs(), "h264") {
			r.failf("Firefox's offer is answered with %v", video.codecs())
			return
		}
		if fmtp := video.fmtpOf("h264"); !strings.Contains(fmtp, "packetization-mode=1") {
			r.failf("Firefox's offer is answered with H.264 %q, want packetization-mode=1", fmtp)
		}
	})
	if err != nil {
		return err
	}
	player, err := r.connect(ctx, s, script{})
	if err != nil {
		return err
	}
	return player.watch.shows(ctx, 5*time.Second, 10)
}

// fmtpOf returns the parameters of the first payload type of a codec.
func (m section) fmtpOf(codec string) string {
	for i, name := range m.codecs() {
		if name != codec || i >= len(m.payloadTypes()) {
			continue
		}
		for _, v := range m.values("fmtp") {
			if pt, parameters, _ := strings.Cut(v, " "); pt == m.payloadTypes()[i] {
				return parameters
			}
		}
	}
	return ""
}

func checkOneStream(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	return r.with(ctx, s, "a player", s.offer, func(sess *session) {
		var streams, names []string
		for i, m := range parseDescription(sess.answer).media {
			if m.direction() != "sendonly" || m.rejected() {
				continue
			}
			if !m.has("msid") {
				r.failf("section %d has no msid", i)
			}
			for _, v := range m.values("msid") {
				streams = append(streams, strings.Fields(v)[0])
			}
			for _, v := range m.values("ssrc") {
				if _, name, ok := strings.Cut(v, " cname:"); ok {
					names = append(names, name)
				}
			}
			r.judgeGroups(i, m)
		}
		slices.Sort(streams)
		slices.Sort(names)
		if n := len(slices.Compact(streams)); n != 1 {
			r.failf("the sections belong to %d streams", n)
		}
		if n := len(slices.Compact(names)); n > 1 {
			r.lesserf(Should, "the sections have %d CNAMEs", n)
		}
	})
}

// judgeGroups wants every SSRC of a group to be declared, as Chrome does, and
// retransmissions to be in one.
func (r *run) judgeGroups(i int, m section) {
	declared := func(ssrc string) bool {
		return slices.ContainsFunc(m.values("ssrc"), func(v string) bool { return strings.HasPrefix(v, ssrc+" ") })
	}
	for _, group := range m.values("ssrc-group") {
		for _, ssrc := range strings.Fields(group)[1:] {
			if !declared(ssrc) {
				r.lesserf(Advice, "section %d: SSRC %s of a group has no a=ssrc; Chrome refuses that", i, ssrc)
			}
		}
	}
	if slices.Contains(m.codecs(), "rtx") && !m.has("ssrc-group") {
		r.lesserf(Advice, "section %d: RTX without a declared SSRC; Firefox drops it", i)
	}
}

func checkVideoOnly(ctx context.Context, r *run) error {
	s, err := r.whep()
	if err != nil {
		return err
	}
	if err := r.liveWith(ctx, script{noAudio: true}); err != nil {
		return err
	}
	player, err := r.connect(ctx, s, script{})
	if err != nil {
		return err
	}
	if err := player.watch.shows(ctx, 2*time.Second, 5); err != nil {
		return err
	}
	for _, m := range parseDescription(player.session.answer).media {
		if m.kind() == "audio" {
			r.notef("the audio section is answered %s", m.direction())
		}
	}
	return nil
}
