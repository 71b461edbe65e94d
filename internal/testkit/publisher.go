package testkit

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/whip"
)

// PublisherOptions say how a Publisher behaves.
type PublisherOptions struct {
	Endpoint, Token string
	Picture         Picture // zero means Small
	// Deaf ignores PLI and FIR, as OBS and ffmpeg do.
	Deaf bool
	// NoRTX answers NACK with plain duplicates, as OBS does.
	NoRTX bool
	// NoAudio and NoVideo leave a section out.
	NoAudio, NoVideo bool
	// SoundEvery is the time between two packets of audio; 0 means 20 ms. Opus in
	// silence (DTX) sends one every 400 ms.
	SoundEvery time.Duration
	// Levels offers the audio-level extension (RFC 6464) and says with each packet of
	// sound how loud it is: silent, until Loud says otherwise.
	Levels bool
	// FirstFrame numbers the first frame, so that an Eye can follow a second
	// publisher.
	FirstFrame uint32
	// Hesitates is how long the first check comes after the 201. Such a publisher
	// offers no candidates, so that nobody else begins.
	Hesitates time.Duration
	// Accent is how the publisher's numbers differ from those of others.
	Accent Accent
	// Simulcast is how the picture is sent in layers.
	Simulcast Simulcast
	// Relays are TURN servers; with any of them media takes no other way.
	Relays []webrtc.ICEServer
	// Data are the labels of data channels to open.
	Data []string
	// Quirks are what is wrong with the publisher.
	Quirks Quirks
	// Net is a virtual network; nil means loopback.
	Net transport.Net
	// HTTP does the requests; nil means http.DefaultClient.
	HTTP *http.Client
}

// Publisher sends a synthetic stream by WHIP until it is closed.
//
// Ownership: its goroutines end with Close or Vanish, which wait for them.
type Publisher struct {
	t       testing.TB
	opt     PublisherOptions
	pc      *webrtc.PeerConnection
	session *whip.Session
	stop    context.CancelFunc
	work    sync.WaitGroup
	once    sync.Once

	wantKey atomic.Bool
	frame   atomic.Uint32
	plis    atomic.Int64
	silent  atomic.Bool
	level   atomic.Uint32 // of sound, in -dBov
	voice   atomic.Pointer[[][]byte]
	spoken  int     // packets of voice
	levelID uint8   // of the extension, 0 without
	layers  *layers // nil without Simulcast
	data    map[string]*Data
}

// Publish makes a publisher and starts to send once it is connected. It is
// closed when the test ends.
func Publish(t testing.TB, opt PublisherOptions) *Publisher {
	t.Helper()
	p, err := TryPublish(t, opt)
	must(t, err)
	return p
}

// TryPublish is Publish for servers that may refuse.
func TryPublish(t testing.TB, opt PublisherOptions) (*Publisher, error) {
	t.Helper()
	if opt.Picture == (Picture{}) {
		opt.Picture = Small()
	}
	opt.Accent = opt.Accent.complete()
	if opt.Simulcast.OBS {
		opt.Deaf, opt.NoRTX = true, true
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Publisher{t: t, opt: opt, stop: stop}
	p.connection()
	p.frame.Store(opt.FirstFrame)
	p.silent.Store(opt.Quirks.Muted)
	t.Cleanup(p.Vanish)
	connected := whenConnected(p.pc)
	video, audio := p.tracks()
	p.data = openData(t, p.pc, opt.Data)
	text := offer(t, p.pc)
	p.level.Store(127)
	p.levelID = levelIn(text)
	if opt.Simulcast.on() {
		text = opt.Simulcast.offer(text)
	}
	if opt.Hesitates > 0 {
		text = withoutCandidates(text)
	}
	session, err := whip.Client{HTTP: opt.HTTP}.Post(ctx, opt.Endpoint, opt.Token, opt.Quirks.offer(text))
	if err != nil {
		p.Vanish()
		return nil, err
	}
	p.session = session
	<-time.After(opt.Hesitates)
	p.take(opt.Quirks.answer(session.Answer))
	if opt.Quirks.Unconnected {
		return p, nil
	}
	select {
	case <-connected:
	case <-time.After(20 * time.Second):
		t.Fatal("the publisher is not connected after 20 s")
	}
	p.work.Go(func() { p.send(ctx, video, audio) })
	return p, nil
}

func (p *Publisher) connection() {
	peer := peerOptions{levels: p.opt.Levels, net: p.opt.Net, noRTX: p.opt.NoRTX, accent: p.opt.Accent, quirks: p.opt.Quirks, relays: p.opt.Relays}
	if p.opt.Simulcast.on() {
		p.layers = newLayers(p.opt)
		peer.bare, peer.buffers = true, controlSink(p.layers.control)
	}
	p.pc = newPeer(p.t, peer)
}

// track is where packets go.
type track interface{ WriteRTP(p *rtp.Packet) error }

// tracks adds those of the options; one that is left out is nil.
func (p *Publisher) tracks() (video, audio track) {
	p.t.Helper()
	if !p.opt.NoVideo {
		video = p.track(p.opt.Accent.videoMime(), "video")
	}
	if !p.opt.NoAudio {
		audio = p.track(webrtc.MimeTypeOpus, "audio")
	}
	return video, audio
}

func (p *Publisher) track(mime, id string) track {
	p.t.Helper()
	if p.layers != nil {
		w := &wire{id: id, mime: mime}
		p.layers.wires[id] = w
		p.add(w)
		return w
	}
	local, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, "testkit")
	must(p.t, err)
	p.add(local)
	return local
}

func (p *Publisher) add(local webrtc.TrackLocal) {
	p.t.Helper()
	tr, err := p.pc.AddTransceiverFromTrack(local, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	must(p.t, err)
	p.work.Go(func() { p.feedback(tr.Sender()) })
}

// take gives the answer to the stack.
func (p *Publisher) take(answer string) {
	p.t.Helper()
	if p.layers != nil {
		answer = p.layers.take(answer)
	}
	must(p.t, p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}))
}

func (p *Publisher) feedback(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				p.plis.Add(1)
				p.wantKey.Store(!p.opt.Deaf)
			}
		}
	}
}

// send paces frames and sounds in real time.
func (p *Publisher) send(ctx context.Context, video, audio track) {
	frames := time.NewTicker(p.opt.Picture.Period())
	defer frames.Stop()
	sounds := time.NewTicker(cmp.Or(p.opt.SoundEvery, 20*time.Millisecond))
	defer sounds.Stop()
	a := p.opt.Accent
	pictures := &sender{
		track: video, pt: a.VideoType, step: uint32(90000 / p.opt.Picture.FramesPerSecond),
		seq: a.FirstNumber, timestamp: a.FirstTimestamp, orientation: a.Orientation,
	}
	if p.layers != nil {
		p.layers.open(p.pc)
	}
	voices := &sender{track: audio, pt: a.AudioType, step: 960, seq: a.FirstNumber, timestamp: a.FirstTimestamp}
	for since := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-frames.C:
			if video == nil || p.silent.Load() || p.opt.Quirks.NoPicture {
				continue
			}
			if p.layers != nil {
				p.layers.frame(p.frame.Add(1))
				continue
			}
			key := !p.opt.Quirks.NoKeyFrames && since%p.opt.Picture.KeyEvery == 0 || p.wantKey.Swap(false) && !p.opt.Quirks.NoKeyFrames
			if key {
				since = 0
			}
			since++
			p.sendFrame(pictures, key)
		case <-sounds.C:
			if audio != nil && !p.silent.Load() && !p.opt.Quirks.NoSound {
				p.sendSound(voices)
			}
		}
	}
}

func (p *Publisher) sendSound(s *sender) {
	if p.layers != nil {
		s.ssrc = p.layers.heard(s.timestamp)
	}
	s.level, s.loudness = p.levelID, byte(p.level.Load()) //nolint:gosec // at most 127
	s.packet(p.said(), true)
	s.timestamp += s.step
}

func (p *Publisher) sendFrame(s *sender, key bool) {
	frame := p.frame.Add(1)
	picture, payload := p.opt.Picture, p.opt.Picture.payload
	switch {
	case p.opt.Accent.VP8:
		payload = picture.vp8Payload
	case key && p.opt.Quirks.Parameters != nil:
		s.packet(p.opt.Quirks.Parameters, false)
	case key && p.opt.Accent.Large:
		s.packet(largeParameters(), false)
	case key:
		s.packet(parameters(), false)
	}
	packets := picture.packets(key)
	for i := range packets {
		s.packet(p.opt.Quirks.slice(payload(frame, i, key), frame), i == packets-1)
	}
	s.timestamp += s.step
}

// sender numbers the packets of one track.
type sender struct {
	track     track
	pt        uint8
	ssrc      uint32 // where the stack does not set its own
	seq       uint16
	timestamp uint32
	step      uint32
	// orientation is the id of that extension, 0 for none.
	orientation uint8
	// level is the id of the audio level, 0 for none, loudness its value.
	level, loudness uint8
}

func (s *sender) packet(payload []byte, marker bool) {
	s.seq++
	p := &rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: s.pt, SequenceNumber: s.seq, Timestamp: s.timestamp, Marker: marker, SSRC: s.ssrc,
	}, Payload: payload}
	if s.orientation != 0 {
		_ = p.SetExtension(s.orientation, []byte{OrientationValue}) // a one-byte form always fits
	}
	if s.level != 0 {
		_ = p.SetExtension(s.level, []byte{s.loudness}) // as above
	}
	err := s.track.WriteRTP(p)
	if err != nil && !errors.Is(err, io.ErrClosedPipe) {
		return // the connection is going away
	}
}

// Session is the WHIP session.
func (p *Publisher) Session() *whip.Session { return p.session }

// Data is the data channel with this label.
func (p *Publisher) Data(label string) *Data { return p.data[label] }

// Loud sets how loud the sound is from now on, in -dBov: 0 is the loudest, 127
// silence. It wants PublisherOptions.Levels.
func (p *Publisher) Loud(level uint8) { p.level.Store(uint32(level)) }

// Net is the machine the publisher is on; nil on loopback.
func (p *Publisher) Net() transport.Net { return p.opt.Net }

// Frame is the number of the frame sent last.
func (p *Publisher) Frame() uint32 { return p.frame.Load() }

// Skip makes the numbers of frames jump, so that an Eye can follow a publisher
// whose turn it is again.
func (p *Publisher) Skip(frames uint32) { p.frame.Add(frames) }

// KeyFrameRequests counts PLI and FIR received.
func (p *Publisher) KeyFrameRequests() int64 {
	if p.layers != nil {
		return p.layers.requests()
	}
	return p.plis.Load()
}

// Mute stops the media, while the connection lives on; or lets it go on.
func (p *Publisher) Mute(silent bool) { p.silent.Store(silent) }

// Close deletes the session and closes the connection.
func (p *Publisher) Close() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := p.session.Delete(ctx); err != nil {
		p.t.Errorf("DELETE: %v", err)
	}
	p.Vanish()
}

// Vanish closes the connection without a word over HTTP. It may be called more
// than once.
func (p *Publisher) Vanish() {
	p.once.Do(func() {
		p.stop()
		_ = p.pc.GracefulClose() // nothing is left to be told
		p.work.Wait()
	})
}
