package peer

import (
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/egress"
	"github.com/headgate/headgate/router"
)

// cinema is a host with a worker and a publisher of pictures and sound, and viewers
// that are fed as sessions are.
type cinema struct {
	t            *testing.T
	host         *Host
	pool         *egress.Pool
	video, audio *router.Track
	ingest       *router.Ingest

	mu    sync.Mutex
	asked int // key frames the publisher was asked for
}

const (
	cinemaFrame   = 10 * time.Millisecond
	cinemaPackets = 12
	cinemaPayload = 1000
	pictureSSRC   = 0x1001
	soundSSRC     = 0x1002
)

func newCinema(t *testing.T) *cinema {
	t.Helper()
	cfg := egress.DefaultConfig()
	cfg.Workers = 1
	clock := new(router.SourceClock)
	c := &cinema{
		t: t, host: newTestHost(t), pool: egress.Start(cfg),
		video: router.NewTrack(router.Video, clock), audio: router.NewTrack(router.Audio, clock),
	}
	t.Cleanup(c.pool.Close)
	c.ingest = router.NewIngest(router.IngestConfig{CNAME: "c", Settings: router.DefaultIngestSettings(), Sections: []router.IngestSection{
		{Mid: "0", Track: c.video, SSRCs: []router.DeclaredSSRC{{Media: pictureSSRC}}, PayloadTypes: []router.PayloadType{
			{Number: 96, Codec: playPolicy.Video.Codecs[0], Feedback: router.Feedback{PLI: true}}}},
		{Mid: "1", Track: c.audio, SSRCs: []router.DeclaredSSRC{{Media: soundSSRC}}, PayloadTypes: []router.PayloadType{
			{Number: 111, Codec: playPolicy.Audio.Codecs[0]}}},
	}})
	t.Cleanup(c.ingest.Close)
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { c.publish(stop) })
	t.Cleanup(func() { close(stop); work.Wait() })
	return c
}

// publish sends 10 Mbit/s: key frames when they are asked for, sound with every other
// frame.
func (c *cinema) publish(stop <-chan struct{}) {
	tick := time.NewTicker(cinemaFrame)
	defer tick.Stop()
	var picture, sound uint16
	key := true
	for frame := uint32(0); ; frame++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		now := time.Now()
		for i := range cinemaPackets {
			picture++
			c.send(now, rtp.Header{SSRC: pictureSSRC, PayloadType: 96, SequenceNumber: picture, Timestamp: frame * 900, Marker: i == cinemaPackets-1}, cinemaPicture(frame, i, key))
		}
		if frame%2 == 0 {
			sound++
			c.send(now, rtp.Header{SSRC: soundSSRC, PayloadType: 111, SequenceNumber: sound, Timestamp: frame * 480, Marker: true}, []byte{0xfc, 1, 2})
		}
		key = c.wanted(now)
	}
}

// wanted tells whether a key frame is asked for.
func (c *cinema) wanted(now time.Time) (key bool) {
	for _, packets := range c.ingest.Tick(now) {
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				key = true
			}
		}
	}
	if key {
		c.mu.Lock()
		c.asked++
		c.mu.Unlock()
	}
	return key
}

func (c *cinema) send(now time.Time, h rtp.Header, payload []byte) {
	h.Version = 2
	b, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		panic(err) // of a header that is always the same
	}
	c.ingest.RTP(now, b)
}

// cinemaPicture is a packet of a frame; a key frame begins with parameters.
func cinemaPicture(frame uint32, i int, key bool) []byte {
	b := make([]byte, cinemaPayload)
	switch {
	case key && i == 0:
		copy(b, []byte{0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f})
		binary.BigEndian.PutUint16(b[7:], uint16(len(b)-9))
		b[9], b[10] = 0x65, 0x88
	case key:
		b[0], b[1] = 0x65, 0x08
	default:
		b[0], b[1] = 0x41, 0x9a
		if i > 0 {
			b[1] = 0x1a
		}
	}
	binary.BigEndian.PutUint32(b[len(b)-4:], frame)
	return b
}

func (c *cinema) keyFramesAsked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// seat is a viewer and what it received.
type seat struct {
	*viewing
	client *egress.Client

	mu               sync.Mutex
	pictures, sounds []uint16 // numbers
	frames           []uint32 // of the first packets of frames
	keys             []bool
	last             time.Time
	longest          time.Duration // between two packets of video
}

func (c *cinema) seat(network webrtc.NetworkType, rewrite ...func(string, bool) string) *seat {
	c.t.Helper()
	return c.sit(newClient(c.t, func(e *webrtc.SettingEngine) { e.SetNetworkTypes([]webrtc.NetworkType{network}) }), rewrite...)
}

func (c *cinema) sit(viewer *client, rewrite ...func(string, bool) string) *seat {
	c.t.Helper()
	s := &seat{}
	viewer.pc.OnTrack(s.watch)
	s.viewing = play(c.t, c.host, viewer, playPolicy, rewrite...)
	s.connected(c.t)
	s.client = c.pool.Add(router.ViewerConfig{
		ID: "v", Sections: s.conn.Sections(), CNAME: s.conn.StreamID(), Settings: router.DefaultViewerSettings(),
	}, s.conn.Line())
	s.client.Worker().Do(func(now time.Time, shard *router.Shard, out *router.Out) {
		for i, sec := range s.conn.Sections() {
			track := c.video
			if sec.Kind == router.Audio {
				track = c.audio
			}
			shard.SetSource(now, s.client.Viewer(), i, track, out)
		}
	})
	eventually(c.t, "a picture", func() bool { return s.shown() > 20 })
	return s
}

func (s *seat) watch(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		s.mu.Lock()
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			s.picture(p)
		} else {
			s.sounds = append(s.sounds, p.SequenceNumber)
		}
		s.mu.Unlock()
	}
}

func (s *seat) picture(p *rtp.Packet) {
	now := time.Now()
	if !s.last.IsZero() {
		s.longest = max(s.longest, now.Sub(s.last))
	}
	s.last = now
	s.pictures = append(s.pictures, p.SequenceNumber)
	frame := binary.BigEndian.Uint32(p.Payload[len(p.Payload)-4:])
	if n := len(s.frames); n == 0 || s.frames[n-1] != frame {
		s.frames, s.keys = append(s.frames, frame), append(s.keys, p.Payload[0] == 0x78)
	}
}

func (s *seat) shown() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.frames)
}

func (s *seat) heard() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sounds)
}

func (s *seat) newestFrame() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames[len(s.frames)-1]
}

// check checks that no number is missing, that every frame follows the one before or
// is a key frame, and returns how often frames were left out.
func (s *seat) check(t *testing.T) (gaps int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, numbers := range map[string][]uint16{"picture": s.pictures, "sound": s.sounds} {
		for i := 1; i < len(numbers); i++ {
			if numbers[i] != numbers[i-1]+1 {
				t.Errorf("%s number %d after %d", name, numbers[i], numbers[i-1])
				break
			}
		}
	}
	for i := 1; i < len(s.frames); i++ {
		if s.frames[i] == s.frames[i-1]+1 {
			continue
		}
		gaps++
		if !s.keys[i] {
			t.Errorf("frame %d follows %d and is no key frame", s.frames[i], s.frames[i-1])
		}
	}
	return gaps
}

// queued is how much waits for the connections of all clients over TCP.
func (c *cinema) queued() (n int64) {
	for _, conn := range c.host.tcp.listener.snapshot() {
		n += conn.queue.size.Load()
	}
	return n
}

// A viewer over TCP stops reading and goes on after a while: what waits for it is
// bounded, its picture pauses and comes back with a key frame, its sound goes on,
// and nobody else is delayed or sent key frames because of it.
func TestAViewerThatStopsReadingCostsItselfOnly(t *testing.T) {
	c := newCinema(t)
	way := newTCPRelay(t, c.host.Addr())
	neighbour := c.seat(webrtc.NetworkTypeUDP4)
	slow := c.seat(webrtc.NetworkTypeTCP4, way.inAnswer)
	stalls := func() uint64 { return slow.client.Viewer().Stats().Stalls }

	way.hold()
	eventually(t, "the picture pauses", func() bool { return stalls() == 1 })
	asked := c.keyFramesAsked() // those of the joins are answered by now
	full := c.queued()
	sent := slow.client.Viewer().Stats().Packets
	before := neighbour.shown()
	eventually(t, "two seconds of the neighbour's picture", func() bool { return neighbour.shown() >= before+200 })
	stats := slow.client.Viewer().Stats()
	t.Logf("%d bytes waited, %d two seconds later", full, c.queued())
	if n := c.queued(); n > tcpWriteBytes || n <= full {
		t.Errorf("%d bytes wait, want a little more than %d, for the sound", n, full)
	}
	if sounds := stats.Packets - sent; stats.Stalls != 1 || sounds < 80 || sounds > 400 {
		t.Errorf("%d stalls, %d packets meanwhile; want one, and the sound", stats.Stalls, sounds)
	}
	if n := c.keyFramesAsked() - asked; n != 0 {
		t.Errorf("%d key frames for somebody who can't be sent any", n)
	}

	frame, sounds := neighbour.newestFrame(), slow.heard()
	way.goOn()
	eventually(t, "the picture goes on, and is live", func() bool { return slow.newestFrame() > frame+50 })
	if n := slow.conn.Line().Dropped(); n != 0 {
		t.Errorf("%d packets were dropped", n)
	}
	if n := slow.heard() - sounds; n < 100 {
		t.Errorf("only %d sounds came when it read again", n)
	}
	if gaps := slow.check(t); gaps != 1 {
		t.Errorf("the picture was interrupted %d times", gaps)
	}
	if gaps := neighbour.check(t); gaps != 0 || neighbour.longest > 500*time.Millisecond {
		t.Errorf("the neighbour's picture was interrupted %d times, for %v", gaps, neighbour.longest)
	}
}
