package diagnose

import (
	"fmt"
	"time"
)

// endings explain a session that was connected and ended otherwise than by its
// client.
var endings = []entry{
	{"consent-lost", func(s *Session) (string, string) {
		if s.DTLS.Connected.IsZero() || s.Reason != "ice-failed" && s.Reason != "lost" {
			return "", ""
		}
		return fmt.Sprintf("The %s was connected for %s; then nothing came from %s for %s.", s.who(),
				took(s.ICE.LastHeard.Sub(s.DTLS.Connected)), s.from(), took(s.At.Sub(s.ICE.LastHeard))),
			"Look at the client and its network: it stopped, lost its connection, or moved to another one without restarting ICE; it may simply come again."
	}},
	{"replaced", ended("replaced", "A newer publisher with the same login took this session's place.",
		"If that was not meant, two encoders use one key: give each a token or a participant of its own.")},
	{"duplicate-id", ended("duplicate-id", "The same participant joined with another login, which ended this session.",
		"Give every device a participant of its own, or set channels.duplicates to refuse.")},
	{"token-ended", ended("token-expired", "The token's time was over, which ended the session.",
		"Use a longer token (headgate token --ttl 12h), or send a newer one with a PATCH or GET before the old one ends.")},
	{"publication-ended", ended("idle", "The publisher of channel %q did not come back, which ended the player's session.",
		"Play again when it is live; channels.viewer_linger says how long players wait.")},
	{"bitrate-above-cap", func(s *Session) (string, string) {
		if s.Cap.Bits == 0 || s.Ended && s.Reason != "bitrate" {
			return "", ""
		}
		what := "; the session ends if that goes on"
		if s.Ended {
			what = ", which ended the session"
		}
		return fmt.Sprintf("The publisher sent %s for %s, but may send %s on channel %q%s.", Rate(s.Cap.Bits), took(s.Cap.Span), Rate(s.Cap.Most), s.Channel, what),
			fmt.Sprintf("Set the encoder's bit rates to at most %d kbit/s, picture and sound together (OBS: Settings, Output, Bitrate, with rate control CBR; ffmpeg: -b:v with -maxrate and -bufsize, -b:a), or raise channels.max_bitrate.", s.Cap.Most/1000)
	}},
	{"codec-changed", ended("codec-changed", "The publisher came back with a codec that the player did not negotiate.",
		"Play again; let the encoder keep its codec when it restarts.")},
}

// ended explains one reason for which a session ends.
func ended(code, sentence, remedy string) func(*Session) (string, string) {
	return func(s *Session) (string, string) {
		if s.Refused || !s.Ended || s.Reason != code {
			return "", ""
		}
		if code == "idle" {
			return fmt.Sprintf(sentence, s.Channel), remedy
		}
		return sentence, remedy
	}
}

// mediaPatience is how long a connected client may be without what it announced.
const mediaPatience = 10 * time.Second

// layerPatience is how long layers of simulcast may take that come at all: browsers
// begin with the lowest and find out what their network carries.
const layerPatience = 15 * time.Second

// connectedFor is how long media could flow: to the end of the session, or to now.
func (s *Session) connectedFor() time.Duration {
	if s.DTLS.Connected.IsZero() {
		return 0
	}
	return s.At.Sub(s.DTLS.Connected)
}
