package audience

import (
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// Stats are sums over viewers since the last Reset, those who left included.
type Stats struct {
	// Viewers is how many there are now, of those Ended how many the server has
	// closed, and Silent how many have had no answer to a check for 30 s.
	Viewers, Ended, Silent int

	// Packets and Bytes are all RTP packets that arrived, retransmissions and
	// duplicates included, and their payloads as they are on the wire (sealed,
	// without RTP header and extensions). What Loss drops is in Dropped only.
	Packets, Bytes uint64
	// Expected counts the numbers from each stream's first packet to its newest,
	// Lost those of them that have not arrived so far.
	Expected, Lost uint64
	// Duplicates arrived again, Reordered late but unasked, Retransmitted were asked
	// for: by RTX, or again under their own number.
	Duplicates, Reordered, Retransmitted uint64
	// Dropped is what Config.Loss took away.
	Dropped uint64
	// Overflow is what the system dropped because a viewer's socket was full: the
	// client's fault, not the server's. Such packets are in Lost too. Always 0 where
	// the system does not tell.
	Overflow uint64

	// Frames are video frames of which anything is known, FramesBroken those that
	// never became complete. FramesSkipped were left out by the server without a gap
	// in the numbers, as told by the usual step of timestamps.
	Frames, FramesBroken, FramesSkipped uint64
	// Freezes are pauses between shown frames as WebRTC's freezeCount has them;
	// pictures standing still at this moment are included.
	Freezes uint64
	// KeyFramesMissing is how many viewers have not had a whole key frame yet.
	KeyFramesMissing int

	// Undecipherable packets could not be decrypted: a fault of ours or the server's.
	Undecipherable uint64
	// NACKs counts numbers asked for, PLIs requests for key frames.
	NACKs, PLIs uint64
	// Transports counts messages of transport-wide feedback that were sent.
	Transports uint64

	// StepsBack counts packets in order whose timestamp was before that of the packet
	// before them: never allowed.
	StepsBack uint64
	// LongestFreeze is the longest of Freezes, Frozen their time together less a usual
	// pause each. FramesStood are pictures left out by pauses in which the layer
	// changed.
	LongestFreeze, Frozen time.Duration
	FramesStood           uint64

	// OnLayer is how many viewers were last seen on each layer of simulcast, lowest
	// first, LayerFrames how many of the frames that were looked into are of each.
	// Only stamps of this package's sources tell layers.
	OnLayer     [stamp.MaxLayers]int
	LayerFrames [stamp.MaxLayers]uint64
	// Switches counts changes of layer, Mixed frames with packets of two, which only
	// witnesses can tell.
	Switches, Mixed uint64
	// Wishes counts selections by Viewer.Select, WishesUnmet those overtaken by the
	// next before they came true. SwitchDelay is the time from the beginning of its
	// POST to the first packet of the layer asked for.
	Wishes, WishesUnmet uint64
	SwitchDelay         Histogram

	// Casts counts changes of who is in a slot's section, as sources with numbers tell,
	// CaughtUp is the time from the newcomer's first packet until one came that was less
	// than 50 ms old: until then it is replayed, and its packets are not in Delay.
	Casts    uint64
	CaughtUp Histogram
	// PictureGap and SoundGap are the times from the last packet of whoever was in the
	// section to the first one of who came.
	PictureGap, SoundGap Histogram
	// Own counts the frames that viewers were sent of themselves: never allowed.
	// Shown is how many sections have media of somebody now.
	Own   uint64
	Shown int
	// Delay is the time from a frame's stamp to the moment its first packet was read
	// from the socket, of sampled frames of all streams.
	Delay Histogram
}

// LossRatio is Lost by Expected, 0 if nothing was expected.
func (s *Stats) LossRatio() float64 {
	if s.Expected == 0 {
		return 0
	}
	return float64(s.Lost) / float64(s.Expected)
}

func (s *Stats) add(o *Stats) {
	s.Viewers += o.Viewers
	s.Ended += o.Ended
	s.Silent += o.Silent
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Expected += o.Expected
	s.Lost += o.Lost
	s.Duplicates += o.Duplicates
	s.Reordered += o.Reordered
	s.Retransmitted += o.Retransmitted
	s.Dropped += o.Dropped
	s.Overflow += o.Overflow
	s.Frames += o.Frames
	s.FramesBroken += o.FramesBroken
	s.FramesSkipped += o.FramesSkipped
	s.Freezes += o.Freezes
	s.KeyFramesMissing += o.KeyFramesMissing
	s.Undecipherable += o.Undecipherable
	s.NACKs += o.NACKs
	s.PLIs += o.PLIs
	s.Delay.Merge(&o.Delay)
	s.addLayers(o)
}

func (s *Stats) addLayers(o *Stats) {
	s.Transports += o.Transports
	s.StepsBack += o.StepsBack
	s.LongestFreeze = max(s.LongestFreeze, o.LongestFreeze)
	s.Frozen += o.Frozen
	s.FramesStood += o.FramesStood
	for i := range s.OnLayer {
		s.OnLayer[i] += o.OnLayer[i]
		s.LayerFrames[i] += o.LayerFrames[i]
	}
	s.Switches += o.Switches
	s.Mixed += o.Mixed
	s.Wishes += o.Wishes
	s.WishesUnmet += o.WishesUnmet
	s.SwitchDelay.Merge(&o.SwitchDelay)
	s.Casts += o.Casts
	s.CaughtUp.Merge(&o.CaughtUp)
	s.PictureGap.Merge(&o.PictureGap)
	s.SoundGap.Merge(&o.SoundGap)
	s.Own += o.Own
	s.Shown += o.Shown
}

// ViewerStats are those of one viewer.
type ViewerStats struct {
	Stats
	// Since is when they began: at Reset or at the viewer's first packet.
	Since time.Time
	// Streams are the viewer's, in the order in which they began.
	Streams []StreamStats
}

// StreamStats are those of one SSRC of media.
type StreamStats struct {
	SSRC  uint32
	Video bool
	Codec string // in lower case, as the answer names it
	// Packets and Bytes are as in Stats, its retransmissions included.
	Packets, Bytes uint64
	// BitsPerSecond are the Bytes by the time since ViewerStats.Since.
	BitsPerSecond float64
}

// Timings are durations since a Join began its POST; 0 means not yet.
type Timings struct {
	// Answered is when the 201 was read, ICEConnected when a nominated check was
	// answered, DTLSConnected when keys were there.
	Answered, ICEConnected, DTLSConnected time.Duration
	// FirstPacket is the first RTP packet, FirstKeyFrame the end of the first video
	// frame that can be decoded: a whole key frame. LiveEdge is the first packet of
	// the first frame from that key frame on whose stamp was less than 250 ms old.
	FirstPacket, FirstKeyFrame, LiveEdge time.Duration
}

// live is how old a frame at the live edge may be.
const live = 250 * time.Millisecond
