package diagnose

import "fmt"

// watching explains what a player suffers from.
var watching = []entry{
	{"gateway-too-slow", func(s *Session) (string, string) {
		if s.Viewer == nil || !s.Viewer.Saturated || s.Ended {
			return "", ""
		}
		return "The gateway does not keep up: its processor is full, and pictures are left out.",
			"Use a larger machine or more of them, or a lower bit rate; egress.workers uses more cores."
	}},
	{"viewer-too-slow", func(s *Session) (string, string) {
		if s.Viewer == nil || s.Viewer.Stalls == 0 || s.ICE.Protocol != "tcp" {
			return "", ""
		}
		return fmt.Sprintf("The player's TCP connection takes less than the stream has: its picture was stopped %d times so far.", s.Viewer.Stalls),
			"Let the player use UDP, or a faster network; publish a lower bit rate, or simulcast with a smaller layer."
	}},
	{"bandwidth-too-low", func(s *Session) (string, string) {
		v := s.Viewer
		if v == nil || v.Estimate == 0 || !v.Paused && (v.Stalls < 3 || s.ICE.Protocol == "tcp") {
			return "", ""
		}
		return fmt.Sprintf("The way to the player carries about %d kbit/s, less than the smallest picture there is: it was stopped %d times so far.", v.Estimate/1000, v.Stalls),
			"Use a better network at the player; publish simulcast with a smaller layer, or a lower bit rate."
	}},
	{"viewer-loss-high", func(s *Session) (string, string) {
		v := s.Viewer
		if v == nil || v.Packets < 200 || v.FractionLost < 0.05 && 20*v.Retransmitted < v.Packets {
			return "", ""
		}
		return fmt.Sprintf("The player loses many packets: %d of %d were sent again, and its last report says %.0f %%.", v.Retransmitted, v.Packets, 100*v.FractionLost),
			"Use a better network at the player, or publish a lower bit rate."
	}},
	{"nothing-on-air", func(s *Session) (string, string) {
		if s.Viewer == nil || s.Viewer.OnAir || s.Viewer.Packets > 0 || s.connectedFor() < mediaPatience {
			return "", ""
		}
		return fmt.Sprintf("The player is connected and waits: nobody publishes on channel %q.", s.Channel),
			"Start the publisher, and see that it uses the same channel name."
	}},
	{"nothing-to-show", func(s *Session) (string, string) {
		if s.Viewer == nil || !s.Viewer.OnAir || s.Viewer.Packets > 0 || s.connectedFor() < mediaPatience {
			return "", ""
		}
		return fmt.Sprintf("Channel %q has a publisher, but nothing of it could be sent to this player for %s.", s.Channel, took(s.connectedFor())),
			"Look at the publisher's own diagnosis: it sends no media, no key frame, or a codec that this player did not negotiate."
	}},
}
