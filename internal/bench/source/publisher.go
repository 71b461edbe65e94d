package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/mediafile"
)

// Publisher sends one stream to one endpoint until it is closed.
//
// Ownership: one goroutine per connection sends. It ends with Close or Restart,
// which wait for it. Restart and Close must not run beside each other; the other
// methods may be called at any time.
type Publisher struct {
	cfg             Config
	endpoint, token string

	conn *connection
	work sync.WaitGroup
	stop context.CancelFunc

	now  atomic.Pointer[sending]
	late atomic.Int64 // ns
}

// sending is what one connection sends.
type sending struct {
	layers  []*layer
	films   []*film
	video   string // MIME type
	tracks  []track
	streams []*stream
	before  Stats         // of earlier connections
	ended   chan struct{} // closed when sending is over
	err     error         // why, written before; nil after Close
}

// Stats are what a publisher did so far.
type Stats struct {
	Packets, Bytes int64 // without headers
	Frames         int64 // of the highest layer
	KeyFrames      int64
	// KeyFrameRequests counts PLI and FIR of all layers.
	KeyFrameRequests int64
}

// Publish connects to endpoint and begins to send. It returns once media can
// flow; ctx bounds only that. A server's refusal is a *whip.StatusError.
func Publish(ctx context.Context, cfg Config, endpoint, token string) (*Publisher, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Publisher{cfg: cfg, endpoint: endpoint, token: token}
	if err := p.start(ctx, Stats{}); err != nil {
		return nil, err
	}
	return p, nil
}

// start opens a connection and sends on it. Frames are numbered on from those
// sent before.
func (p *Publisher) start(ctx context.Context, before Stats) error {
	s, err := p.prepare(before)
	if err != nil {
		return err
	}
	conn, err := connect(ctx, p.cfg, p.endpoint, p.token, s.video, s.streams, s.asked)
	if err != nil {
		return err
	}
	sendCtx, stop := context.WithCancel(context.Background())
	p.conn, p.stop = conn, stop
	p.now.Store(s)
	p.work.Go(func() {
		defer close(s.ended)
		s.err = p.send(sendCtx, s, conn)
	})
	return nil
}

// prepare makes the streams of one connection. Publishers that start together do
// not send together: each waits for a part of a frame.
func (p *Publisher) prepare(before Stats) (*sending, error) {
	s := &sending{before: before, ended: make(chan struct{}), video: webrtc.MimeTypeH264}
	name := fmt.Sprintf("bench-%08x", rand.Uint32())
	wait := rand.N(time.Second / time.Duration(p.cfg.FramesPerSecond))
	switch {
	case p.cfg.Video != nil:
		if err := s.addFilm(p.cfg.Video, newStream(webrtc.RTPCodecTypeVideo, "", name), wait, noKeys); err != nil {
			return nil, err
		}
	case len(p.cfg.Films) > 0:
		for i, rid := range RIDs() {
			if err := s.addFilm(p.cfg.Films[i], newStream(webrtc.RTPCodecTypeVideo, rid, name), wait, p.cfg.MinKeyInterval); err != nil {
				return nil, err
			}
		}
	default:
		s.addLayers(p.cfg, name, wait)
	}
	if p.cfg.Audio {
		out := newStream(webrtc.RTPCodecTypeAudio, "", name)
		s.tracks, s.streams = append(s.tracks, newSound(out, wait, p.cfg.Level)), append(s.streams, out)
	}
	for _, out := range s.streams {
		out.source = p.cfg.Identity
	}
	return s, nil
}

// addFilm opens a file. Several must have one codec.
func (s *sending) addFilm(open func() (mediafile.Reader, error), out *stream, wait, keys time.Duration) error {
	file, err := open()
	if err != nil {
		return err
	}
	f, err := newFilm(file, out, wait, keys)
	if err != nil {
		return err
	}
	if len(s.films) > 0 && file.MimeType() != s.video {
		return errors.New("all layers must have one codec")
	}
	s.video = file.MimeType()
	f.number.Store(uint32(s.before.Frames)) //nolint:gosec // counts frames
	s.films, s.tracks, s.streams = append(s.films, f), append(s.tracks, f), append(s.streams, out)
	return nil
}

func (s *sending) addLayers(cfg Config, name string, wait time.Duration) {
	for _, shape := range shapes(cfg.Simulcast) {
		out := newStream(webrtc.RTPCodecTypeVideo, shape.rid, name)
		l := newLayer(cfg, shape, out, wait)
		l.number.Store(uint32(s.before.Frames)) //nolint:gosec // counts frames
		s.layers = append(s.layers, l)
		s.tracks, s.streams = append(s.tracks, l), append(s.streams, out)
	}
}

// asked passes a request for a key frame on.
func (s *sending) asked(about *stream) {
	for _, l := range s.layers {
		if l.stream == about {
			l.ask()
		}
	}
	for _, f := range s.films {
		if f.stream == about {
			f.ask()
		}
	}
}

// send sends what is due until ctx ends.
func (p *Publisher) send(ctx context.Context, s *sending, conn *connection) error {
	start := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := s.earliest()
		now := time.Now()
		if wait := next.due() - now.Sub(start); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-conn.down:
				return conn.reason()
			case <-ctx.Done():
				return nil
			}
			continue
		}
		p.late.Store(max(p.late.Load(), int64(now.Sub(start)-next.due()))) // a Late in between is but a little late
		next.send(now)
		for _, f := range s.films {
			if f.err != nil {
				return f.err
			}
		}
	}
}

func (s *sending) earliest() track {
	first := s.tracks[0]
	for _, t := range s.tracks[1:] {
		if t.due() < first.due() {
			first = t
		}
	}
	return first
}

// Err returns why the publisher stopped by itself: the connection is over, or the
// file cannot be read. It is nil while all is well.
func (p *Publisher) Err() error {
	s := p.now.Load()
	select {
	case <-s.ended:
		return s.err
	default:
		return nil
	}
}

// Restart ends the session as an encoder does that is stopped, and publishes anew
// at once: new SSRCs, numbers and time stamps. After an error only Close may
// follow.
func (p *Publisher) Restart(ctx context.Context) error {
	if err := p.halt(ctx); err != nil {
		return err
	}
	return p.start(ctx, p.Stats())
}

// halt ends the connection, once.
func (p *Publisher) halt(ctx context.Context) error {
	if p.conn == nil {
		return nil
	}
	p.stop()
	p.work.Wait()
	conn := p.conn
	p.conn = nil
	return conn.close(ctx)
}

// Close ends the session and waits for everything. It must be called once.
func (p *Publisher) Close(ctx context.Context) error {
	if err := p.halt(ctx); err != nil && p.Err() == nil {
		return fmt.Errorf("end the publisher's session: %w", err)
	}
	return nil
}

// LastKey is when the newest key frame of the highest layer was sent, zero if
// none was yet. Of files it is not known.
func (p *Publisher) LastKey() time.Time {
	s := p.now.Load()
	if len(s.layers) == 0 {
		return time.Time{}
	}
	if ns := s.layers[len(s.layers)-1].lastKey.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Late is by how much a packet was sent too late at most since Late was called
// before: the machine that sends is too busy to measure with when that grows.
func (p *Publisher) Late() time.Duration { return time.Duration(p.late.Swap(0)) }

// Stats returns what was done so far, restarts included.
func (p *Publisher) Stats() Stats {
	s := p.now.Load()
	sum := s.before
	for _, out := range s.streams {
		sum.Packets += out.packets.Load()
		sum.Bytes += out.bytes.Load()
	}
	for _, l := range s.layers {
		sum.KeyFrameRequests += l.asked.Load()
	}
	if n := len(s.layers); n > 0 {
		sum.Frames = int64(s.layers[n-1].number.Load())
		sum.KeyFrames += s.layers[n-1].keys.Load()
	}
	for _, f := range s.films {
		sum.Frames = int64(f.number.Load())
		sum.KeyFrameRequests += f.asked.Load()
		sum.KeyFrames += f.keys.Load()
	}
	return sum
}
