package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/headgate/headgate/internal/dial"
	"github.com/headgate/headgate/internal/mediafile"
)

// A Feed is where media comes from: files, a pipe, or a port. It is used for one
// Run.
type Feed interface {
	// outgoing are its tracks.
	outgoing() []*track
	// run sends until the media ends, which is nil, or ctx does.
	run(ctx context.Context, start time.Time) error
	// endless says that it never ends by itself, so that nobody waits for it.
	endless() bool
	// live says that somebody else encodes it now and could make a key frame.
	live() bool
}

// stream is one file on its way to its track.
type stream struct {
	file  mediafile.Reader
	track *track
	first *mediafile.Sample // read to learn the profile
	due   time.Duration     // when the next sample is sent, since the start
	ended bool
}

func newStream(file mediafile.Reader) (*stream, error) {
	sample, err := file.Next()
	if err != nil {
		return nil, fmt.Errorf("the first frame: %w", err)
	}
	t, err := newTrack(dial.Codec{MimeType: file.MimeType(), Parameters: formatOf(file.MimeType(), sample.Data)})
	return &stream{file: file, track: t, first: &sample}, err
}

// next returns the next sample.
func (s *stream) next() (mediafile.Sample, error) {
	if s.first != nil {
		sample := *s.first
		s.first = nil
		return sample, nil
	}
	return s.file.Next()
}

// files plays files in real time, on one timeline: when all have ended and loop is
// set, all begin again together, so that they never drift apart.
type files struct {
	streams []*stream
	loop    bool
}

// Files feeds a video and an audio file, one of which may be nil. With loop they
// begin again at the end of the longer one.
func Files(video, audio mediafile.Reader, loop bool) (Feed, error) {
	f := &files{loop: loop}
	for _, file := range []mediafile.Reader{video, audio} {
		if file == nil {
			continue
		}
		s, err := newStream(file)
		if err != nil {
			return nil, err
		}
		f.streams = append(f.streams, s)
	}
	if len(f.streams) == 0 {
		return nil, errNothing
	}
	return f, nil
}

func (f *files) endless() bool { return f.loop }
func (f *files) live() bool    { return false }

func (f *files) outgoing() (tracks []*track) {
	for _, s := range f.streams {
		tracks = append(tracks, s.track)
	}
	return tracks
}

func (f *files) run(ctx context.Context, start time.Time) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := earliest(f.streams)
		if next == nil {
			if !f.loop {
				return nil
			}
			if err := rewind(f.streams); err != nil {
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
		if s.due == end && end == 0 {
			return errNothing // a loop over nothing would never wait
		}
		s.due, s.ended = end, false
	}
	return nil
}

func (s *stream) send() error {
	sample, err := s.next()
	if errors.Is(err, io.EOF) {
		s.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	at := s.due
	s.due += sample.Duration
	return s.track.send(at, sample.Data, false)
}
