package diagnose

import (
	"fmt"
	"time"
)

// media explains what is wrong with what a publisher sends.
var media = []entry{
	{"no-media", func(s *Session) (string, string) {
		if s.Publisher == nil || s.Publisher.Packets > 0 || s.connectedFor() < mediaPatience {
			return "", ""
		}
		return fmt.Sprintf("The publisher has been connected for %s and sent no packet of media.", took(s.connectedFor())),
			"Start the encoder's sources, and see that it is not paused or muted as a whole."
	}},
	{"undecodable", func(s *Session) (string, string) {
		p := s.Publisher
		if p == nil || s.connectedFor() < mediaPatience/2 || p.Unbound+p.Malformed < 50 || 2*(p.Unbound+p.Malformed) < p.Packets {
			return "", ""
		}
		return fmt.Sprintf("%d of %d packets of the publisher have a payload type or stream that was not negotiated.", p.Unbound+p.Malformed, p.Packets),
			"Let the encoder send what the answer says (payload types, a=ssrc or a=mid); update it, and send the offer unchanged."
	}},
	{"no-key-frame", func(s *Session) (string, string) {
		l := s.layer("video")
		if l == nil || l.KeyFrames > 0 || l.Packets == 0 || s.connectedFor() < mediaPatience {
			return "", ""
		}
		return fmt.Sprintf("%d packets of video came in %s, but no key frame: no player can begin.", l.Packets, took(s.connectedFor())),
			"Set the encoder's key frame interval to 1 or 2 seconds."
	}},
	{"no-video", func(s *Session) (string, string) {
		if !s.lacks("video", s.Offer.HasVideo) {
			return "", ""
		}
		return fmt.Sprintf("The publisher announced a picture, but in %s only sound came.", took(s.connectedFor())),
			"See that the encoder's picture is not paused; offer no video if there is none."
	}},
	{"h264-b-frames", func(s *Session) (string, string) {
		if !s.any(func(l *Layer) bool { return l.BFrames }) {
			return "", ""
		}
		return "The picture has B-frames: browsers will stutter, or show it late.",
			"Set bframes=0 (OBS: Max B-frames 0, or tune zerolatency; ffmpeg: -bf 0)."
	}},
	{"h264-profile-unusual", func(s *Session) (string, string) {
		l := s.find(func(l *Layer) bool { return l.Profile != 0 && profileName(l.Profile) == "" })
		if l == nil {
			return "", ""
		}
		return fmt.Sprintf("The picture is H.264 of profile %s, which browsers do not decode.", unusualName(l.Profile)),
			"Set the profile to baseline, main or high, with 8 bits and 4:2:0 (ffmpeg: -profile:v high -pix_fmt yuv420p)."
	}},
	{"h264-level-too-low", func(s *Session) (string, string) {
		l := s.find(func(l *Layer) bool { return l.Profile != 0 && macroblocks(l) > maxMacroblocks(l.Level) })
		if l == nil {
			return "", ""
		}
		return fmt.Sprintf("The picture of %d × %d says it is H.264 of level %d.%d, which allows less: hardware decoders may refuse it.",
				l.Width, l.Height, l.Level/10, l.Level%10),
			"Let the encoder choose the level, or set one that fits (4.0 for 1080p at 30 frames, 4.2 at 60, 5.1 for 4K)."
	}},
	{"uplink-loss-high", func(s *Session) (string, string) {
		l := s.find(func(l *Layer) bool { return l.Packets > 200 && 20*l.Missing > l.Packets })
		if l == nil {
			return "", ""
		}
		return fmt.Sprintf("%s of the publisher's packets of %s did not come at first; %s of those came when asked for again.",
				percent(l.Missing, l.Packets+l.Lost), l.Kind, percent(l.Repaired, l.Missing)),
			"Lower the encoder's bit rate, or use a cable instead of a radio; the network between encoder and gateway loses packets."
	}},
	{"publisher-clock-broken", func(s *Session) (string, string) {
		l := s.find(func(l *Layer) bool { return l.ClockFaults >= 5 })
		if l == nil {
			return "", ""
		}
		return fmt.Sprintf("%d reports of the publisher about its clock contradict one another; picture and sound may drift apart.", l.ClockFaults),
			"Set the clock of the encoder's machine steadily (one NTP service, no jumps), or update the encoder."
	}},
	{"no-audio", func(s *Session) (string, string) {
		if !s.lacks("audio", s.Offer.HasAudio) {
			return "", ""
		}
		return fmt.Sprintf("The publisher announced sound, but in %s only a picture came.", took(s.connectedFor())),
			"Choose a sound source in the encoder; offer no audio if there is none."
	}},
}

// layer returns the first of a kind.
func (s *Session) layer(kind string) *Layer {
	return s.find(func(l *Layer) bool { return l.Kind == kind })
}

func (s *Session) find(is func(*Layer) bool) *Layer {
	if s.Publisher == nil {
		return nil
	}
	for i := range s.Publisher.Layers {
		if l := &s.Publisher.Layers[i]; is(l) {
			return l
		}
	}
	return nil
}

func (s *Session) any(is func(*Layer) bool) bool { return s.find(is) != nil }

// lacks tells that one kind was announced and never came, while the other did.
func (s *Session) lacks(kind string, announced bool) bool {
	other := s.find(func(l *Layer) bool { return l.Kind != kind && l.Packets > 0 })
	return announced && other != nil && s.layer(kind) == nil && s.connectedFor() >= mediaPatience
}

// profileName names the profiles that browsers decode (H.264 annex A.2).
func profileName(profile uint8) string {
	switch profile {
	case 66:
		return "baseline"
	case 77:
		return "main"
	case 100:
		return "high"
	}
	return ""
}

func unusualName(profile uint8) string {
	switch profile {
	case 88:
		return "extended"
	case 110:
		return "high 10"
	case 122:
		return "high 4:2:2"
	case 244:
		return "high 4:4:4"
	}
	return fmt.Sprint(profile)
}

func macroblocks(l *Layer) int { return (l.Width + 15) / 16 * ((l.Height + 15) / 16) }

// maxMacroblocks is MaxFS of H.264 table A-1.
func maxMacroblocks(level uint8) int {
	sizes := []struct {
		level uint8
		most  int
	}{{10, 99}, {20, 396}, {21, 792}, {30, 1620}, {31, 3600}, {32, 5120}, {41, 8192}, {42, 8704}, {50, 22080}, {52, 36864}}
	for _, s := range sizes {
		if level <= s.level {
			return s.most
		}
	}
	return 139264
}

// advice is what works and could be better, least important last.
var advice = []entry{
	{"media-over-tcp", func(s *Session) (string, string) {
		if c := s.Offer.Candidates; s.ICE.Protocol != "tcp" || s.DTLS.Connected.IsZero() || s.Ended || c.TCP > 0 && c.total() == c.TCP {
			return "", ""
		}
		return fmt.Sprintf("Media of the %s goes over TCP, because no UDP passes: every lost packet delays what follows.", s.who()),
			fmt.Sprintf("Open UDP port %d in every firewall between.", s.port())
	}},
	{"key-frame-interval-long", func(s *Session) (string, string) {
		l := s.find(func(l *Layer) bool { return l.Kind == "video" && l.Deaf && s.keyFramesEvery(l) > 4*time.Second })
		if l == nil {
			return "", ""
		}
		return fmt.Sprintf("There are %s between key frames, and the encoder makes none when asked: players join slowly and recover late.", took(s.keyFramesEvery(l))),
			"Set the encoder's key frame interval to 1 or 2 seconds (OBS: Keyframe Interval 2 s; ffmpeg: -g with twice the frame rate)."
	}},
	{"simulcast-layer-missing", func(s *Session) (string, string) {
		p := s.Publisher
		if p == nil || len(p.Awaited) == 0 || s.layer("video") == nil || s.connectedFor() < layerPatience {
			return "", ""
		}
		return fmt.Sprintf("%d of %d announced layers of the picture did not come in %s: %s.", len(p.Awaited), len(p.RIDs), took(s.connectedFor()), and(p.Awaited)),
			"Nothing, if what comes is enough. Browsers send three layers from 960 × 540 on, two from 480 × 270 on, and large ones only where their network carries them: publish a larger picture, or offer fewer layers."
	}},
	{"opus-mono-in-stereo", func(s *Session) (string, string) {
		if !s.Offer.Stereo || !s.any(func(l *Layer) bool { return l.Sounds >= 5 && l.Stereo == 0 }) {
			return "", ""
		}
		return "The publisher announced stereo, but its sound is mono.",
			"Choose stereo in the encoder's audio settings, if the source has two channels."
	}},
	{"stereo-not-signalled", func(s *Session) (string, string) {
		if s.Offer.Stereo || !s.any(func(l *Layer) bool { return l.Sounds >= 5 && 2*l.Stereo > l.Sounds }) {
			return "", ""
		}
		return "The sound is stereo, but the publisher's offer does not say so: some players make it mono.",
			"Put sprop-stereo=1 into the offer's a=fmtp of Opus, if the encoder has a setting for it; players ask for stereo=1."
	}},
}

// keyFramesEvery is the interval of key frames: the last one, or the time since.
func (s *Session) keyFramesEvery(l *Layer) time.Duration {
	if l.LastKeyFrame.IsZero() {
		return 0
	}
	return max(l.KeyInterval, s.At.Sub(l.LastKeyFrame))
}
