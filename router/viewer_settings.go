package router

import "time"

// ViewerSettings are the timing and the bounds of a viewer. The zero value stands
// for DefaultViewerSettings; to change one thing start from those.
type ViewerSettings struct {
	// ReportEvery is the mean interval of a section's sender reports.
	ReportEvery time.Duration
	// ReportsEndAfter is how long nothing may be sent before reports pause.
	ReportsEndAfter time.Duration

	// KeyFrameWait is how long a key frame is waited for before an older group is
	// replayed.
	KeyFrameWait time.Duration
	// KeyFrameRepeat is how often a section that still waits asks again. Layers
	// merge and limit what their viewers ask.
	KeyFrameRepeat time.Duration
	// SwitchHold is how long the old source is shown while a new one's key frame
	// is awaited.
	SwitchHold time.Duration
	// FrameWait is how long the rest of the old layer's frame is waited for when
	// another layer is ready to take over (M-045).
	FrameWait time.Duration

	// ReplayYoung is the age up to which a group is replayed at once.
	ReplayYoung time.Duration
	// ReplaySpeed is how many times faster than it was captured a group is
	// replayed, at least 2. The byte rate of a replay is therefore at most
	// ReplaySpeed times that of the layer, key frames apart.
	ReplaySpeed int
	// PathBitsPerSecond is what the viewer's path carries, 0 to find out. A replay
	// takes at most 0.8 of it.
	PathBitsPerSecond int
	// ReplayCatchUp is how long a replay may take to reach the live edge, once it
	// is known what the path carries. One that would take longer ends.
	ReplayCatchUp time.Duration
	// StuckReplayEvery is the least time between two replays that a viewer's PLI
	// may cause when the publisher is deaf to requests.
	StuckReplayEvery time.Duration

	// KeyFrameEvery and KeyFrameBurst are a viewer's allowance of key-frame
	// requests (M-026): one per KeyFrameEvery on average, KeyFrameBurst at once.
	KeyFrameEvery time.Duration
	KeyFrameBurst int
	// KeyFrameSpacing is the least time between two of them.
	KeyFrameSpacing time.Duration

	// NACKTries is how often one packet may be sent again (M-011), and NACKSpacing
	// the least time between two tries; a measured round trip raises it.
	NACKTries   int
	NACKSpacing time.Duration
	// NACKWait is how long a viewer's request for a packet that the gateway itself
	// lacks stays pending (M-010): about a round trip to the publisher.
	NACKWait time.Duration
	// RetransmitShare and RetransmitFloor bound what retransmissions take of a
	// section: a share of its own bit rate, but at least the floor in bits per
	// second.
	RetransmitShare float64
	RetransmitFloor int
	// NACKsPerSecond bounds how many requested numbers are looked at per section.
	NACKsPerSecond int
}

// DefaultViewerSettings returns what suits viewers on the open internet.
func DefaultViewerSettings() ViewerSettings {
	return ViewerSettings{
		ReportEvery:      time.Second,
		ReportsEndAfter:  5 * time.Second,
		KeyFrameWait:     500 * time.Millisecond,
		KeyFrameRepeat:   time.Second,
		SwitchHold:       2 * time.Second,
		FrameWait:        30 * time.Millisecond,
		ReplayYoung:      1500 * time.Millisecond,
		ReplaySpeed:      8,
		ReplayCatchUp:    4 * time.Second,
		StuckReplayEvery: 5 * time.Second,
		KeyFrameEvery:    2 * time.Second,
		KeyFrameBurst:    5,
		KeyFrameSpacing:  300 * time.Millisecond,
		NACKTries:        5,
		NACKSpacing:      10 * time.Millisecond,
		NACKWait:         100 * time.Millisecond,
		RetransmitShare:  0.5,
		RetransmitFloor:  300_000,
		NACKsPerSecond:   2000,
	}
}
