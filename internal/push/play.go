package push

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/headgate/headgate/internal/mediafile"
)

// stream is one file on its way to its track.
type stream struct {
	file  mediafile.Reader
	track *webrtc.TrackLocalStaticSample
	due   time.Duration // when the next sample is sent, since the start
	ended bool
	count *int
	bytes *int64
}

// play sends both files in real time, on one timeline: when both have ended and
// Loop is set, both begin again together, so that they never drift apart.
func (p *publisher) play(ctx context.Context, opt Options, summary *Summary) error {
	var streams []*stream
	if opt.Video != nil {
		streams = append(streams, &stream{file: opt.Video, track: p.video, count: &summary.VideoFrames, bytes: &summary.Bytes})
	}
	if opt.Audio != nil {
		streams = append(streams, &stream{file: opt.Audio, track: p.audio, count: &summary.AudioPackets, bytes: &summary.Bytes})
	}
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := earliest(streams)
		if next == nil {
			if !opt.Loop {
				return nil
			}
			if err := rewind(streams); err != nil {
				return err
			}
			continue
		}
		timer.Reset(time.Until(start.Add(next.due)))
		select {
		case <-timer.C:
			if err := next.send(); err != nil {
				return err
			}
		case s := <-p.states:
			if err := broken(s); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// earliest returns the stream whose sample is due first, nil when all ended.
func earliest(streams []*stream) *stream {
	var first *stream
	for _, s := range streams {
		if !s.ended && (first == nil || s.due < first.due) {
			first = s
		}
	}
	return first
}

// rewind starts all streams again at the time the longest one ended.
func rewind(streams []*stream) error {
	var end time.Duration
	for _, s := range streams {
		end = max(end, s.due)
	}
	for _, s := range streams {
		if err := s.file.Rewind(); err != nil {
			return err
		}
		s.due, s.ended = end, false
	}
	return nil
}

func (s *stream) send() error {
	sample, err := s.file.Next()
	if errors.Is(err, io.EOF) {
		s.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	s.due += sample.Duration
	*s.count++
	*s.bytes += int64(len(sample.Data))
	return s.track.WriteSample(media.Sample{Data: sample.Data, Duration: sample.Duration})
}
