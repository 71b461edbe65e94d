package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	prober       *prober // is video
	wantKey      atomic.Bool
	// rare leaves out the key frames that nobody asks for, deaf means that asking
	// is of no use.
	rare     atomic.Bool
	deaf     bool
	keys     atomic.Int32 // that were sent
	feedback feedback
}

// publish adds the tracks and begins to send; before the connection is up
// nothing leaves.
func (p *peer) publish(ctx context.Context) error {
	if p.script.studio != nil {
		return p.script.studio.publish(ctx, p)
	}
	p.film = &film{deaf: p.script.deaf}
	if !p.script.noAudio {
		if err := p.addTrack(webrtc.MimeTypeOpus, "audio", &p.film.audio); err != nil {
			return err
		}
	}
	switch {
	case p.script.noVideo:
	case p.script.layers:
		if err := p.publishLayers(ctx); err != nil {
			return err
		}
	default:
		if err := p.addTrack(webrtc.MimeTypeH264, "video", &p.film.video); err != nil {
			return err
		}
	}
	video, audio, err := mediafile.Clip()
	if err != nil {
		return err
	}
	if p.film.video != nil {
		stamp := asItIs
		if p.script.highProfile {
			stamp = stampHigh
		}
		p.work.Go(func() { p.film.show(ctx, p.film.video, true, video, stamp) })
	}
	if p.film.audio != nil {
		p.work.Go(func() { p.film.show(ctx, p.film.audio, false, audio, asItIs) })
	}
	return nil
}

func (p *peer) addTrack(mime, id string, track **webrtc.TrackLocalStaticSample) error {
	t, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: mime}, id, "conformance")
	if err != nil {
		return err
	}
	bound := &prober{TrackLocalStaticSample: t}
	if track == &p.film.video {
		p.film.prober = bound
	}
	tr, err := p.pc.AddTransceiverFromTrack(bound, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
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
		f.obey(packets)
	}
}

// listenLayer is listen for one layer of simulcast.
func (f *film) listenLayer(sender *webrtc.RTPSender, rid string) {
	for {
		packets, _, err := sender.ReadSimulcastRTCP(rid)
		if err != nil {
			return
		}
		f.obey(packets)
	}
}

func (f *film) obey(packets []rtcp.Packet) {
	f.feedback.take(packets)
	if f.deaf {
		return
	}
	for _, packet := range packets {
		switch packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			f.wantKey.Store(true)
		}
	}
}

// sampleWriter is a track that takes whole frames.
type sampleWriter interface{ WriteSample(media.Sample) error }

func asItIs(unit []byte) []byte { return unit }

// show sends a file in real time until ctx ends, every frame changed by stamp.
func (f *film) show(ctx context.Context, track sampleWriter, isVideo bool, file mediafile.Reader, stamp func([]byte) []byte) {
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
		_ = track.WriteSample(media.Sample{Data: stamp(sample.Data), Duration: sample.Duration}) // not connected yet, or no more
		due = due.Add(sample.Duration)
		next.Reset(time.Until(due))
	}
}

func (f *film) frame(file mediafile.Reader, isVideo bool) (mediafile.Sample, error) {
	asked := isVideo && f.wantKey.Swap(false)
	if asked {
		if err := file.Rewind(); err != nil {
			return mediafile.Sample{}, err
		}
	}
	sample, err := nextInLoop(file)
	if err != nil || !isVideo || !startsKeyFrame(afterStartCode(sample.Data)) {
		return sample, err
	}
	if f.rare.Load() && !asked {
		return nextInLoop(file)
	}
	f.keys.Add(1)
	return sample, nil
}

func afterStartCode(unit []byte) []byte { return bytes.TrimPrefix(unit, []byte{0, 0, 0, 1}) }

func nextInLoop(file mediafile.Reader) (mediafile.Sample, error) {
	sample, err := file.Next()
	if !errors.Is(err, io.EOF) {
		return sample, err
	}
	if err := file.Rewind(); err != nil {
		return mediafile.Sample{}, err
	}
	return file.Next()
}

// stampHigh puts the sequence parameter set of a High profile stream into an access
// unit: what an encoder sends that declares another profile.
func stampHigh(unit []byte) []byte {
	return withParameterSet(unit, []byte{0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x6c, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x1e, 0x07, 0x8c, 0x18, 0xcb})
}

// withParameterSet puts a sequence parameter set in place of the one in an access
// unit, if it has one.
func withParameterSet(unit, sps []byte) []byte {
	startCode := []byte{0, 0, 0, 1}
	nals := bytes.Split(unit, startCode)
	for i, nal := range nals {
		if len(nal) > 0 && nal[0]&0x1f == 7 {
			nals[i] = sps
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
		if isOffer(res) {
			_, err := r.adoptCounter(s, res)
			return err == nil, err
		}
		if res.status == 409 || res.status == 404 {
			return false, nil
		}
		return false, refusedError{s.name, res}
	})
}
