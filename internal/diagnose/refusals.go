package diagnose

import (
	"fmt"
	"strings"
)

// refusals explain a POST that was not answered 201.
var refusals = []entry{
	{"token-expired-before-post", func(s *Session) (string, string) {
		if !s.refusedWith("token-expired") || s.Token.ExpiredFor <= 0 {
			return "", ""
		}
		return fmt.Sprintf("The token expired %s before the POST.", took(s.Token.ExpiredFor)),
			"Get a new token, with a longer time (headgate token --ttl 12h)."
	}},
	{"token-not-yet-valid", func(s *Session) (string, string) {
		if !s.refusedWith("bad-token") || s.Token.StartsIn <= 0 {
			return "", ""
		}
		return fmt.Sprintf("The token is good only from %s after the POST on.", took(s.Token.StartsIn)),
			"Wait, or set the clocks: that of the gateway and that of whoever made the token differ (auth.skew is what may)."
	}},
	{"token-missing", refusal("no-token", "The %[1]s sent no token, and this gateway wants one.",
		"Put the token into the client's bearer token (OBS: Settings, Stream, Bearer Token; a page: #token=… in its address).")},
	{"token-unknown", refusal("bad-token", "The %[1]s sent a token that this gateway does not believe: it was made with another key, for somebody else, or is misspelt.",
		"Make the token with the key of this gateway (headgate token with the same --config, as the same user), or copy it again.")},
	{"token-wrong-channel", refusal("not-allowed", "The token is good, but not to %[2]s on channel %[3]q.",
		"Get a token for this channel (headgate token --publish CHANNEL, --play CHANNEL), or use the channel it was made for.")},
	{"token-replayed", refusal("token-replayed", "The token admits one login, and somebody used it before.",
		"Get a token of your own for every client.")},
	{"channel-idle", refusal("channel-idle", "Nobody was publishing on channel %[3]q when the player came.",
		"Start the publisher first, let the player try again, or set channels.idle to wait.")},
	{"channel-busy", func(s *Session) (string, string) {
		if !s.refusedWith("channel-busy") {
			return "", ""
		}
		by := "Somebody else"
		if s.Holder.Participant != "" {
			by = fmt.Sprintf("Participant %q", s.Holder.Participant)
		}
		if !s.Holder.Since.IsZero() {
			by += fmt.Sprintf(" (session %s, since %s)", s.Holder.Session, clock(s.Holder.Since))
		}
		return by + fmt.Sprintf(" is publishing on channel %q already.", s.Channel),
			"Stop that publisher, use another channel or participant, or name the channel in channels.standby."
	}},
	{"codec-missing-player", func(s *Session) (string, string) {
		if !s.refusedWith("codec-unsupported") || s.Publish {
			return "", ""
		}
		return fmt.Sprintf("The player has no %s, which channel %q carries; it offered %s.", or(s.Wanted), s.Channel, s.offered()),
			"Play in another browser, or publish a codec that every browser has (H.264 or VP8, and Opus)."
	}},
	{"codec-missing-publisher", func(s *Session) (string, string) {
		if !s.refusedWith("codec-unsupported") || !s.Publish {
			return "", ""
		}
		return fmt.Sprintf("The publisher offered %s, and this gateway takes %s.", s.offered(), or(s.Wanted)),
			"Choose another codec in the encoder, or allow this one (sessions.video, sessions.audio)."
	}},
	{"offer-not-usable", func(s *Session) (string, string) {
		switch s.Reason {
		case "bad-offer", "bad-direction", "too-many-tracks", "too-many-sections", "no-rtcp-mux", "no-bundle", "section-unsupported", "no-media":
			if s.Refused {
				return fmt.Sprintf("The %s's offer cannot be used here (%s).", s.who(), s.Reason),
					"The detail of the 400 or 422 says which part; docs/errors.md says what WHIP and WHEP want."
			}
		}
		return "", ""
	}},
	{"overloaded", refusal("overloaded", "The gateway sends as much as it can and let no more in.",
		"Use another gateway, a larger machine, or a lower bit rate; egress.workers uses more cores.")},
	{"too-many-sessions", refusal("session-limit", "The gateway holds as many sessions as it may.",
		"Raise sessions.max_sessions if the machine can do more.")},
	{"too-many-half-open", refusal("too-many-half-open", "Too many sessions from %[4]s have not connected yet.",
		"Let them connect or time out; if many clients share this address, name the proxy in http.trusted_proxies or raise sessions.max_half_open.")},
}

func (s *Session) refusedWith(code string) bool { return s.Refused && s.Reason == code }

// refusal explains one code. %[1] is the client, %[2] what it wanted to do, %[3]
// the channel, %[4] its address.
func refusal(code, sentence, remedy string) func(*Session) (string, string) {
	return func(s *Session) (string, string) {
		if !s.refusedWith(code) {
			return "", ""
		}
		if !strings.Contains(sentence, "%") {
			return sentence, remedy
		}
		action := "play"
		if s.Publish {
			action = "publish"
		}
		return fmt.Sprintf(sentence, s.who(), action, s.Channel, s.Client), remedy
	}
}

// offered lists the codecs of the offer.
func (s *Session) offered() string {
	all := append(append([]string{}, s.Offer.Video...), s.Offer.Audio...)
	if len(all) == 0 {
		return "no codec"
	}
	return and(all)
}
