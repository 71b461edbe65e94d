package push

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/headgate/headgate/internal/mediafile"
)

// maxLate is how far a stream may fall behind its own timestamps before these are
// moved on: it stood still, or is slower than it says.
const maxLate = 100 * time.Millisecond

// pipe plays one stream as it comes: not faster than its timestamps say, and
// never faster than it comes.
//
// Ownership: the goroutine that reads ends with the stream, or when closer unblocks
// it; a read that nothing can unblock is left behind when the process ends.
type pipe struct {
	stream
	closer io.Closer
}

// Pipe feeds a stream that cannot be rewound. closer, which may be nil, ends a
// read that waits.
func Pipe(stream mediafile.Reader, closer io.Closer) (Feed, error) {
	s, err := newStream(stream)
	if err != nil {
		return nil, err
	}
	return &pipe{*s, closer}, nil
}

func (p *pipe) endless() bool      { return false }
func (p *pipe) live() bool         { return true }
func (p *pipe) outgoing() []*track { return []*track{p.track} }

type read struct {
	sample mediafile.Sample
	err    error
}

func (p *pipe) run(ctx context.Context, start time.Time) error {
	samples, done := make(chan read), make(chan struct{}) // unbuffered: the encoder waits, as for any slow reader
	ended := make(chan struct{})
	go p.read(samples, done, ended)
	defer func() {
		close(done)
		if p.closer != nil {
			_ = p.closer.Close() // only read from
		}
		select {
		case <-ended:
		case <-time.After(time.Second): // see the type's comment
		}
	}()
	for {
		select {
		case r := <-samples:
			if errors.Is(r.err, io.EOF) {
				return nil
			}
			if r.err != nil {
				return r.err
			}
			if err := p.play(ctx, start, r.sample); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *pipe) read(samples chan<- read, done <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	for {
		sample, err := p.next()
		select {
		case samples <- read{sample, err}:
		case <-done:
			return
		}
		if err != nil {
			return
		}
	}
}

// play sends a sample when it is due.
func (p *pipe) play(ctx context.Context, start time.Time, sample mediafile.Sample) error {
	if late := time.Since(start) - p.due; late > maxLate {
		p.due += late
	}
	timer := time.NewTimer(time.Until(start.Add(p.due)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	at := p.due
	p.due += sample.Duration
	return p.track.send(at, sample.Data, false)
}
