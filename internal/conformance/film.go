package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"github.com/headgate/headgate/internal/mediafile"
)

// film is what a scripted publisher sends: the built-in clip in a loop, from its
// first picture (a key frame) whenever one is asked for.
type film struct {
	video, audio *webrtc.TrackLocalStaticSample
	wantKey      atomic.Bool
}

// publish adds the tracks and begins to send; before the connection is up
// nothing leaves.
func (p *peer) publish(ctx context.Context) error {
	p.film = &film{}
	if !p.script.noAudio {
		if err := p.addTrack(webrtc.MimeTypeOpus, "audio", &p.film.audio); err != nil {
			return err
		}
	}
	if !p.script.noVideo {
		if err := p.addTrack(webrtc.MimeTypeH264, "video", &p.film.video); err != nil {
			return err
		}
	}
	video, audio, err := mediafile.Clip()
	if err != nil {
		return err
	}
	if p.film.video != nil {
		p.work.Go(func() { p.film.show(ctx, p.film.video, video, p.script.highProfile) })
	}
	if p.film.audio != nil {
		p.work.Go(func() { p.film.show(ctx, p.film.audio, audio, false) })
	}
	return nil
}

func (p *peer) addTrack(mime, id string, track **webrtc.TrackLocalStaticSample) error {
	t, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, id, "conformance")
	if err != nil {
		return err
	}
	tr, err := p.pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return err
	}
	*track = t
	p.work.Go(func() { p.film.listen(tr.Sender()) })
	return nil
}

// listen reads feedback until the connection ends.
func (f *film) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				f.wantKey.Store(true)
			}
		}
	}
}

// show sends a file in real time until ctx ends.
func (f *film) show(ctx context.Context, track *webrtc.TrackLocalStaticSample, file mediafile.Reader, high bool) {
	isVideo := track.Kind() == webrtc.RTPCodecTypeVideo
	next := time.NewTimer(0)
	defer next.Stop()
	for due := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		sample, err := f.frame(file, isVideo)
		if err != nil {
			return // the clip is built in: it cannot be
		}
		if high {
			sample.Data = stampHigh(sample.Data)
		}
		_ = track.WriteSample(media.Sample{Data: sample.Data, Duration: sample.Duration}) // not connected yet, or no more
		due = due.Add(sample.Duration)
		next.Reset(time.Until(due))
	}
}

func (f *film) frame(file mediafile.Reader, isVideo bool) (mediafile.Sample, error) {
	if isVideo && f.wantKey.Swap(false) {
		if err := file.Rewind(); err != nil {
			return mediafile.Sample{}, err
		}
	}
	sample, err := file.Next()
	if !errors.Is(err, io.EOF) {
		return sample, err
	}
	if err := file.Rewind(); err != nil {
		return mediafile.Sample{}, err
	}
	return file.Next()
}

// stampHigh puts the sequence parameter set of a High profile stream in place of
// the one in an access unit: what an encoder sends that declares another
// profile.
func stampHigh(unit []byte) []byte {
	high := []byte{0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x07, 0x8c, 0x18, 0xcb}
	startCode := []byte{0, 0, 0, 1}
	nals := bytes.Split(unit, startCode)
	for i, nal := range nals {
		if len(nal) > 0 && nal[0]&0x1f == 7 {
			nals[i] = high
		}
	}
	return bytes.Join(nals, startCode)
}

// live makes the channel live with the kit's own publisher, once per case, and
// waits until viewers are taken.
func (r *run) live(ctx context.Context) error {
	if r.publisher != nil {
		return nil
	}
	return r.liveWith(ctx, script{})
}

// liveWith is live with a publisher that behaves in its own way.
func (r *run) liveWith(ctx context.Context, how script) error {
	p, err := r.connect(ctx, r.whip(), how)
	if err != nil {
		return fmt.Errorf("make the channel live: %w", err)
	}
	r.publisher = p
	s, err := r.whep()
	if err != nil {
		return nil //nolint:nilerr // nobody is going to play
	}
	if err := r.taken(ctx, s); err != nil {
		return fmt.Errorf("the channel does not become live on WHEP: %w", err)
	}
	return nil
}

// taken waits until a viewer is not refused because the channel is idle.
func (r *run) taken(ctx context.Context, s side) error {
	return eventually(ctx, 5*time.Second, func() (bool, error) {
		res, err := r.postOffer(ctx, s, s.offer)
		if err != nil {
			return false, err
		}
		if sess, err := r.adopt(s, s.offer, res); err == nil {
			sess.discard()
			return true, nil
		}
		if res.status == 409 || res.status == 404 {
			return false, nil
		}
		return false, refusedError{s.name, res}
	})
}

// watch is what a scripted viewer sees. It is safe for concurrent use.
type watch struct {
	mu      sync.Mutex
	streams map[string]*stream // by kind
}

// stream is one track as it arrived.
type stream struct {
	ssrc          uint32
	payloadType   uint8
	packets, keys int
	// jumps counts numbers that do not continue the stream at all, backwards
	// timestamps that went back by more than reordering explains.
	jumps, backwards int
	firstAt, lastAt  time.Time
	longest          time.Duration
	seq              uint16
	timestamp        uint32
}

// play asks for the tracks and watches them.
func (p *peer) play() error {
	p.watch = &watch{streams: make(map[string]*stream)}
	p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { p.watch.read(track) })
	recvonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}
	if !p.script.noAudio {
		if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, recvonly); err != nil {
			return err
		}
	}
	if !p.script.noVideo {
		if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, recvonly); err != nil {
			return err
		}
	}
	return nil
}

// read runs in the stack's goroutine for the track, which ends with the
// connection.
func (w *watch) read(track *webrtc.TrackRemote) {
	s := &stream{ssrc: uint32(track.SSRC())}
	w.mu.Lock()
	w.streams[track.Kind().String()] = s
	w.mu.Unlock()
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		w.mu.Lock()
		s.take(time.Now(), packet.SequenceNumber, packet.Timestamp, packet.PayloadType, packet.Payload)
		w.mu.Unlock()
	}
}

func (s *stream) take(now time.Time, seq uint16, timestamp uint32, payloadType uint8, payload []byte) {
	if s.packets == 0 {
		s.firstAt = now
	} else {
		s.longest = max(s.longest, now.Sub(s.lastAt))
		const far = 2000
		if step := int16(seq - s.seq); step > far || step < -far {
			s.jumps++
		}
		if int32(timestamp-s.timestamp) < -90_000 {
			s.backwards++
		}
	}
	s.packets++
	s.lastAt, s.seq, s.timestamp, s.payloadType = now, seq, timestamp, payloadType
	if startsKeyFrame(payload) {
		s.keys++
	}
}

// startsKeyFrame recognises what a decoder can begin with in H.264: parameter
// sets or an IDR slice, alone, aggregated or in a first fragment.
func startsKeyFrame(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch t := b[0] & 0x1f; t {
	case 5, 7:
		return true
	case 24:
		return b[3]&0x1f == 7 || b[3]&0x1f == 5
	case 28:
		return b[1]&0x80 != 0 && b[1]&0x1f == 5
	}
	return false
}

// seen is a copy of what arrived of a kind.
func (w *watch) seen(kind string) stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.streams[kind]; s != nil {
		return *s
	}
	return stream{}
}

// forget starts the longest gap anew.
func (w *watch) forget(kind string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.streams[kind]; s != nil {
		s.longest = 0
	}
}

// shows waits until a picture can be decoded and n more packets came.
func (w *watch) shows(ctx context.Context, limit time.Duration, n int) error {
	start := w.seen("video").packets
	err := eventually(ctx, limit, func() (bool, error) {
		s := w.seen("video")
		return s.keys > 0 && s.packets >= start+n, nil
	})
	if err != nil {
		s := w.seen("video")
		return fmt.Errorf("no picture in %v: %d packets, %d key frames", limit, s.packets-start, s.keys)
	}
	return nil
}
