package testkit

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// lipsync follows what a player synchronises by: the sender reports and the
// newest packets of each SSRC. The receiver's lock guards it.
type lipsync struct {
	streams map[uint32]*syncedStream
}

type syncedStream struct {
	video  bool
	newest uint32 // RTP timestamp
	at     time.Time
	// ntp and stamp are the same moment in the newest report; ntp is 0 before the
	// first.
	ntp   uint64
	stamp uint32
}

func (l *lipsync) stream(ssrc uint32) *syncedStream {
	if l.streams == nil {
		l.streams = make(map[uint32]*syncedStream)
	}
	if l.streams[ssrc] == nil {
		l.streams[ssrc] = &syncedStream{}
	}
	return l.streams[ssrc]
}

func (l *lipsync) packet(now time.Time, h *rtp.Header, video bool) {
	s := l.stream(h.SSRC)
	s.video = video
	if s.at.IsZero() || int32(h.Timestamp-s.newest) > 0 {
		s.newest, s.at = h.Timestamp, now
	}
}

func (l *lipsync) report(b []byte) {
	packets, err := rtcp.Unmarshal(slices.Clone(b))
	if err != nil {
		return
	}
	for _, p := range packets {
		if sr, ok := p.(*rtcp.SenderReport); ok {
			s := l.stream(sr.SSRC)
			s.ntp, s.stamp = sr.NTPTime, sr.RTPTime
		}
	}
}

// delay is how long the newest packet took from its capture to its arrival, as
// the reports tell. The reports' clock need not be the player's: only the
// difference of two delays means something.
func (s *syncedStream) delay() time.Duration {
	rate := int64(48000)
	if s.video {
		rate = 90000
	}
	const epoch = 2208988800 // 1970 in seconds since 1900
	reported := time.Unix(int64(s.ntp>>32)-epoch, int64(s.ntp&0xffffffff)*int64(time.Second)>>32)
	captured := reported.Add(time.Duration(int64(int32(s.newest-s.stamp))) * time.Second / time.Duration(rate))
	return s.at.Sub(captured)
}

// LipSync is how far the picture is late against the sound when a player aligns
// them by sender reports, for publishers that send both as they capture them;
// ok is false before there were reports of both.
func (p *Player) LipSync() (skew time.Duration, ok bool) {
	r := p.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	var video, audio *syncedStream
	for _, s := range r.sync.streams {
		switch {
		case s.ntp == 0 || s.at.IsZero():
		case s.video:
			video = s
		default:
			audio = s
		}
	}
	if video == nil || audio == nil {
		return 0, false
	}
	return video.delay() - audio.delay(), true
}
