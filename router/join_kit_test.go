package router

import (
	"container/heap"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// theatre is a publisher, a shard and viewers behind links, in virtual time.
type theatre struct {
	t        testing.TB
	now      time.Time
	events   events
	count    int
	shard    *Shard
	out      Out
	inbox    testInbox
	tick     time.Time // zero: not scheduled
	watchers map[*Viewer]*watcher
	random   *rand.Rand
}

type event struct {
	at    time.Time
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func newTheatre(t testing.TB, seed uint64) *theatre {
	w := &theatre{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), watchers: map[*Viewer]*watcher{}, random: rand.New(rand.NewPCG(seed, 7))}
	w.shard = NewShard(&w.inbox)
	return w
}

func (w *theatre) after(d time.Duration, do func()) {
	w.count++
	heap.Push(&w.events, event{w.now.Add(d), w.count, do})
}

// every calls do now and then every d, for ever.
func (w *theatre) every(d time.Duration, do func()) {
	do()
	w.after(d, func() { w.every(d, do) })
}

// run lets time pass.
func (w *theatre) run(d time.Duration) {
	for end := w.now.Add(d); ; {
		next := end
		if len(w.events) > 0 {
			next = minTime(next, w.events[0].at)
		}
		if !w.tick.IsZero() {
			next = minTime(next, w.tick)
		}
		if w.now = maxTime(w.now, next); !w.now.Before(end) {
			w.now = end
			return
		}
		if len(w.events) > 0 && !w.events[0].at.After(w.now) {
			heap.Pop(&w.events).(event).do()
		}
		w.settle()
	}
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// settle does what a worker does in one round.
func (w *theatre) settle() {
	for _, b := range w.inbox.bursts {
		w.shard.Burst(w.now, b, &w.out)
	}
	w.inbox.bursts = nil
	w.tick = w.shard.Tick(w.now, &w.out)
	w.flush()
}

func (w *theatre) flush() {
	for _, o := range w.out.Packets {
		l := w.watchers[o.Viewer]
		b := append(append([]byte(nil), o.Prefix...), o.Shared...)
		if l.taping && o.SSRC == watcherVideo {
			pkt := &rtp.Packet{}
			if err := pkt.Unmarshal(b); err != nil {
				w.t.Fatal(err)
			}
			l.tape = append(l.tape, pkt)
		}
		l.down.carry(l, b, func() { l.in.RTP(w.now, b) })
	}
	for _, o := range w.out.RTCP {
		l := w.watchers[o.Viewer]
		b := append([]byte(nil), o.Packet...)
		l.down.carry(l, b, func() {
			l.noteReport(b)
			l.in.RTCP(w.now, b)
		})
	}
	w.out.Reset()
}

// lane is one way of a viewer's path: a queue in front of a wire.
type lane struct {
	bits  int // per second, 0: no limit
	queue int // bytes
	delay time.Duration
	loss  float64

	free time.Time // when the wire has sent all that waits
	// dropped are the packets the queue had no room for.
	dropped int
}

const laneOverhead = 44 // IP, UDP, SRTP

func (k *lane) carry(l *watcher, b []byte, deliver func()) {
	w := l.w
	wait := max(k.free.Sub(w.now), 0)
	if k.bits > 0 {
		size := len(b) + laneOverhead
		if int(wait.Seconds()*float64(k.bits)/8)+size > k.queue {
			k.dropped++
			return
		}
		wait += time.Duration(size) * 8 * time.Second / time.Duration(k.bits)
		k.free = w.now.Add(wait)
	}
	if w.random.Float64() >= k.loss {
		w.after(wait+k.delay, deliver)
	}
}

// picture is one frame as a watcher got it.
type picture struct {
	shot     int64 // its number in the order of capture
	key      bool
	at       time.Time // when its last packet came
	stamp    uint32
	captured time.Time // as the newest sender report says
	parts    int
}

// watcher is a viewer behind a link, and a player that repairs as browsers do.
type watcher struct {
	w        *theatre
	v        *Viewer
	down, up lane
	in       *Ingest
	joined   time.Time
	frames   []*picture // video, in the order of completion
	parts    map[uint32]*picture
	sounds   []*picture
	reports  map[uint32]senderTime
	taping   bool // keeps the packets of video
	tape     []*rtp.Packet
}

// senderTime is what a sender report says of one moment.
type senderTime struct {
	at    time.Time
	stamp uint32
}

const watcherVideo, watcherAudio, watcherOrientation = 100, 200, 6

// seat says where somebody watches from.
type seat struct {
	down lane
	// firstReport is when its first receiver report comes after its first packet.
	firstReport time.Duration
	blind       bool // nothing was measured before it joined
}

// join adds a viewer of the tracks.
func (w *theatre) join(video, audio *Track, s seat) *watcher {
	down, firstReport := s.down, s.firstReport
	sections := []SectionConfig{testVideo(watcherVideo), testAudio(watcherAudio)}
	sections[0].Extensions[ExtOrientation] = watcherOrientation
	l := &watcher{w: w, down: down, up: lane{delay: down.delay, loss: down.loss}, joined: w.now, parts: map[uint32]*picture{}, reports: map[uint32]senderTime{}}
	l.v = NewViewer(ViewerConfig{ID: "v", CNAME: "stream", Sections: sections, Settings: DefaultViewerSettings()})
	l.in = NewIngest(l.playerConfig(sections, firstReport))
	w.watchers[l.v] = l
	w.shard.Add(w.now, l.v, &w.out)
	if !s.blind {
		l.v.NoteRTT(2 * down.delay)
	}
	w.shard.SetSource(w.now, l.v, 0, video, &w.out)
	w.shard.SetSource(w.now, l.v, 1, audio, &w.out)
	w.flush()
	w.every(10*time.Millisecond, l.feedback)
	return l
}

func (l *watcher) playerConfig(sections []SectionConfig, firstReport time.Duration) IngestConfig {
	set := DefaultIngestSettings()
	set.FirstReport, set.KeyFrameTry = firstReport, -1
	clock := NewSourceClock()
	cfg := IngestConfig{SenderSSRC: 1, CNAME: "player", Settings: set}
	for i, c := range sections {
		track := NewTrack(c.Kind, clock)
		track.Subscribe(l)
		pt := c.PayloadTypes[len(c.PayloadTypes)-1]
		cfg.Sections = append(cfg.Sections, IngestSection{Mid: c.Mid, Track: track, PayloadTypes: []PayloadType{pt},
			SSRCs: []DeclaredSSRC{{Media: sections[i].SSRC, RTX: sections[i].RTXSSRC}}})
	}
	return cfg
}

func (l *watcher) feedback() {
	for _, datagram := range l.in.Tick(l.w.now) {
		l.say(datagram...)
	}
}

// say sends feedback on its way.
func (l *watcher) say(packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		l.w.t.Fatal(err)
	}
	l.up.carry(l, b, func() { l.w.shard.RTCP(l.w.now, l.v, b, &l.w.out) })
}

func (l *watcher) noteReport(b []byte) {
	ntp := binary.BigEndian.Uint64(b[8:])
	at := time.Unix(int64(ntp>>32)-ntpOffset, int64(ntp&0xffffffff*uint64(time.Second)>>32))
	l.reports[binary.BigEndian.Uint32(b[4:])] = senderTime{at, binary.BigEndian.Uint32(b[16:])}
}

func (l *watcher) capture(ssrc, stamp, rate uint32) time.Time {
	r, ok := l.reports[ssrc]
	if !ok {
		return time.Time{}
	}
	return r.at.Add(durationOf(int64(int32(stamp-r.stamp)), rate))
}

// Deliver implements Subscriber for what the player repaired.
func (l *watcher) Deliver(b Burst) {
	for _, p := range b.Packets {
		if b.Layer.Track().Kind() == Audio {
			l.sounds = append(l.sounds, &picture{shot: int64(binary.BigEndian.Uint32(p.Payload)), at: l.w.now, stamp: p.Timestamp, captured: l.capture(watcherAudio, p.Timestamp, 48000)})
			continue
		}
		if kind := p.Payload[0] & 0x1f; kind != h264IDR && kind != h264NonIDR {
			continue
		}
		l.part(p)
	}
}

func (l *watcher) part(p *Packet) {
	f := l.parts[p.Timestamp]
	if f == nil {
		f = &picture{shot: int64(binary.BigEndian.Uint32(p.Payload[2:])), key: p.Payload[0]&0x1f == h264IDR, stamp: p.Timestamp}
		l.parts[p.Timestamp] = f
	}
	f.parts++
	if f.parts == int(binary.BigEndian.Uint16(p.Payload[6:])) {
		f.at, f.captured = l.w.now, l.capture(watcherVideo, p.Timestamp, 90000)
		l.frames = append(l.frames, f)
	}
}

// camera is a publisher that does not answer requests for key frames.
type camera struct {
	w             *theatre
	video, audio  *Track
	in            *Ingest
	fps, gop      int
	bits          int // per second
	keySize       int // bytes of a key frame
	reorder       int // frames shown before the one that comes first
	cache         *groupCache
	begun, began  time.Time // when the first picture would have been, and was
	shot          int64     // number of the next frame in the order they are sent
	sound         uint32
	seq, audioSeq uint16
	accent
	stopped bool
}

// accent is what one publisher has different from another.
type accent struct {
	ssrc         uint32 // of video; audio has the next
	videoPT      uint8
	audioPT      uint8
	orientation  uint8 // id of that extension, 0 for none
	stampFrom    uint32
	ahead        time.Duration // of the gateway's clock
	reports      bool          // sends sender reports
	sps, pps     string
	once         bool // sends them before its first key frame only
	profile      string
	mySPS, myPPS string // what a decoder needs, if not the above
	firstPicture int64  // number of its first picture, for who watches
}

// plain is the accent of a publisher about which nothing matters.
func plain() accent {
	return accent{ssrc: 1, videoPT: 102, audioPT: 111, stampFrom: 1 << 31, sps: h264SPS638x358, pps: firstPPS}
}

// film starts a camera, a second before a key frame. Its frames come in time but
// for the reordering.
func (w *theatre) film(c camera) *camera {
	clock := NewSourceClock()
	if c.ssrc == 0 {
		c.accent = plain()
	}
	if c.mySPS == "" {
		c.mySPS, c.myPPS = c.sps, c.pps
	}
	c.began = w.now
	c.shot = int64(c.gop - c.fps)
	c.sound = uint32(c.shot * 50 / int64(c.fps))
	c.begun = w.now.Add(-time.Duration(c.shot) * time.Second / time.Duration(c.fps))
	c.w, c.video, c.audio = w, NewTrack(Video, clock), NewTrack(Audio, clock)
	c.video.cache = c.cache
	c.in = NewIngest(IngestConfig{SenderSSRC: 1, CNAME: "x", Sections: []IngestSection{
		{Mid: "0", Track: c.video, SSRCs: []DeclaredSSRC{{Media: c.ssrc}}, Extensions: Extensions{ExtOrientation: c.orientation},
			PayloadTypes: []PayloadType{{Number: c.videoPT, Codec: Codec{Name: H264, ClockRate: 90000, Fmtp: c.profile}}}},
		{Mid: "1", Track: c.audio, SSRCs: []DeclaredSSRC{{Media: c.ssrc + 1}}, PayloadTypes: []PayloadType{{Number: c.audioPT, Codec: testOpus}}},
	}})
	camera := &c
	w.every(time.Second/time.Duration(c.fps), camera.frame)
	w.every(20*time.Millisecond, camera.say)
	w.every(10*time.Millisecond, func() { camera.in.Tick(w.now) })
	w.after(300*time.Millisecond, func() { w.every(time.Second, camera.report) })
	return camera
}

// stop ends the publisher.
func (c *camera) stop() {
	c.stopped = true
	c.in.Close()
}

// report sends sender reports, on the publisher's clock.
func (c *camera) report() {
	if !c.reports || c.stopped {
		return
	}
	ntp, passed := gatewayNTP(c.w.now.Add(c.ahead)), c.w.now.Sub(c.begun)
	for i, rate := range []uint32{90000, 48000} {
		sr := &rtcp.SenderReport{SSRC: c.ssrc + uint32(i), NTPTime: ntp, RTPTime: c.stampFrom + ticks(passed, rate)}
		c.in.RTCP(c.w.now, rtcpBytes(c.w.t, sr))
	}
}

// place is where a frame is shown, in frames: with reordering, the last of each
// run is sent first.
func (c *camera) place(n int64) int64 {
	run := int64(c.reorder) + 1
	k := n % int64(c.gop)
	if k == 0 {
		return n
	}
	k--
	if (k/run+1)*run >= int64(c.gop) { // the rest of the group is in order
		return n
	}
	if k%run == 0 {
		return n + run - 1
	}
	return n - 1
}

func (c *camera) frame() {
	n := c.shot
	c.shot++
	if c.stopped {
		return
	}
	size := (c.bits/8 - c.keySize*c.fps/c.gop) / c.fps
	kind := byte(0x41)
	if n%int64(c.gop) == 0 {
		kind, size = 0x65, c.keySize
		for _, set := range []string{c.sps, c.pps} {
			if set != "" {
				c.packet(&c.seq, 0, c.stamp(n), false, fromHex(c.w.t, set))
			}
		}
		if c.once {
			c.sps, c.pps = "", ""
		}
	}
	const most = 1100
	parts := max((size+most-1)/most, 1)
	for i := range parts {
		b := make([]byte, max(size/parts, 16))
		b[0] = kind
		if i == 0 {
			b[1] = 0x80
		}
		binary.BigEndian.PutUint32(b[2:], uint32(c.firstPicture+c.place(n)))
		binary.BigEndian.PutUint16(b[6:], uint16(parts))
		c.packet(&c.seq, 0, c.stamp(n), i == parts-1, b)
	}
}

func (c *camera) stamp(n int64) uint32 {
	return uint32(c.place(n)*90000/int64(c.fps)) + c.stampFrom
}

// seen is when the picture of a place in time was in front of the camera. Its
// encoder holds pictures back that are shown before one it sends first.
func (c *camera) seen(place int64) time.Time {
	place -= c.firstPicture
	return c.begun.Add(time.Duration(place-int64(c.reorder)) * time.Second / time.Duration(c.fps))
}

func (c *camera) say() {
	c.sound++
	if c.stopped {
		return
	}
	b := make([]byte, 80)
	binary.BigEndian.PutUint32(b, c.sound-1)
	c.packet(&c.audioSeq, 1, (c.sound-1)*960+c.stampFrom, false, b)
}

// packet sends a packet of video, or of audio if section is 1.
func (c *camera) packet(seq *uint16, section uint32, ts uint32, marker bool, payload []byte) {
	pkt := rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: c.videoPT, SequenceNumber: *seq, Timestamp: ts, SSRC: c.ssrc + section, Marker: marker,
	}, Payload: payload}
	if section == 1 {
		pkt.PayloadType = c.audioPT
	} else if c.orientation != 0 {
		_ = pkt.SetExtension(c.orientation, []byte{3}) // a one-byte form always fits
	}
	b, err := pkt.Marshal()
	if err != nil {
		c.w.t.Fatal(err)
	}
	*seq++
	c.in.RTP(c.w.now, b)
}
