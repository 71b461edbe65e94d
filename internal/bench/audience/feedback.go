package audience

import (
	"math/rand/v2"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// Intervals of libwebrtc: reports go out at random between half and one and a half
// of theirs.
const (
	videoReports = time.Second
	audioReports = 5 * time.Second
	// ownSSRC is what libwebrtc sends feedback as while it sends no media.
	ownSSRC = 1
)

// Transport-wide feedback takes a share of what the receiver believes it may send,
// if a message is transportBytes long, within bounds. One that sends nothing never
// learns better than what libwebrtc starts with, so it is every 50 ms.
const (
	transportShare      = 0.05
	transportBytes      = 20 + 8 + 10 + 30 // IPv4, UDP, SRTP and the message
	leastTransportPause = 50 * time.Millisecond
	mostTransportPause  = 250 * time.Millisecond
	startBits           = 300_000
)

// transportPause is the time between two messages at this uplink in bits a second.
func transportPause(uplink float64) time.Duration {
	if uplink <= 0 {
		return mostTransportPause
	}
	pause := transportBytes * 8 / (transportShare * uplink) * float64(time.Second)
	return time.Duration(min(max(pause, float64(leastTransportPause)), float64(mostTransportPause)))
}

// feedback decides which RTCP a viewer sends and when. Time is passed in.
type feedback struct {
	mode     Feedback
	audioDue time.Time
	videoDue time.Time
	// recorder is nil unless transport-wide feedback was negotiated.
	recorder     *twcc.Recorder
	transportDue time.Time
	transports   uint64 // messages since Reset
	remb         bool
	rembAt       time.Time
	rembBytes    uint64
}

func (f *feedback) begin(now time.Time, mode Feedback, a *answer) {
	*f = feedback{mode: mode, audioDue: now.Add(jittered(audioReports)), videoDue: now.Add(jittered(videoReports)), rembAt: now}
	transport := false
	for _, t := range a.types {
		f.remb = f.remb || t.remb && mode.offersREMB()
		transport = transport || t.transportCC
	}
	if mode == FeedbackLibwebrtc && transport && a.transportCC != 0 {
		f.recorder, f.remb = twcc.NewRecorder(ownSSRC), false
		f.transportDue = now.Add(transportPause(startBits))
	}
}

func jittered(d time.Duration) time.Duration { return d/2 + time.Duration(rand.Int64N(int64(d))) }

// arrived notes a packet with its transport-wide number.
func (f *feedback) arrived(now time.Time, h header, b []byte, id uint8) {
	if f.recorder == nil {
		return
	}
	if seq, ok := h.extension16(b, id); ok {
		f.recorder.Record(h.ssrc, seq, now.UnixMicro())
	}
}

// due returns the RTCP datagrams to send now, mostly none.
func (f *feedback) due(now time.Time, streams []*stream, bytes uint64) (datagrams [][]rtcp.Packet) {
	if f.mode == FeedbackNone {
		return nil
	}
	for _, s := range streams {
		if nack := s.nackDue(now); nack != nil {
			datagrams = append(datagrams, []rtcp.Packet{nack})
		}
		if s.wantsKeyFrame(now) {
			datagrams = append(datagrams, []rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: ownSSRC, MediaSSRC: s.ssrc}})
		}
	}
	if !now.Before(f.videoDue) {
		f.videoDue = now.Add(jittered(videoReports))
		datagrams = append(datagrams, f.report(now, streams, true, bytes))
	}
	if !now.Before(f.audioDue) {
		f.audioDue = now.Add(jittered(audioReports))
		datagrams = append(datagrams, f.report(now, streams, false, bytes))
	}
	if f.recorder != nil && !now.Before(f.transportDue) {
		f.transportDue = now.Add(transportPause(startBits))
		for _, p := range f.recorder.BuildFeedbackPacket() {
			f.transports++
			datagrams = append(datagrams, []rtcp.Packet{p})
		}
	}
	return datagrams
}

// report is a receiver report about the streams of one kind, with the REMB that
// goes along.
func (f *feedback) report(now time.Time, streams []*stream, video bool, bytes uint64) []rtcp.Packet {
	rr := &rtcp.ReceiverReport{SSRC: ownSSRC}
	var about []uint32
	for _, s := range streams {
		if s.video == video && !s.rtx && s.seq.started {
			rr.Reports = append(rr.Reports, s.report.block(now, s))
			about = append(about, s.ssrc)
		}
	}
	compound := []rtcp.Packet{rr}
	if video && f.remb && len(about) > 0 {
		compound = append(compound, &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: ownSSRC, Bitrate: f.estimate(now, bytes), SSRCs: about})
	}
	return compound
}

// estimate is what libwebrtc's estimator comes to where nothing is congested: half
// as much again as arrives, and 10 kbit/s.
func (f *feedback) estimate(now time.Time, bytes uint64) float32 {
	over := now.Sub(f.rembAt).Seconds()
	rate := float64(0)
	if bytes > f.rembBytes && over > 0 {
		rate = 8 * float64(bytes-f.rembBytes) / over
	}
	f.rembAt, f.rembBytes = now, bytes
	return float32(max(1.5*rate+10_000, startBits))
}
