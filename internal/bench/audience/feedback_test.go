package audience

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// listener runs a viewer's feedback on a fake clock.
type listener struct {
	feedback feedback
	streams  []*stream
	now      time.Time
	bytes    uint64
	sent     [][]rtcp.Packet
	at       []time.Time
}

func newListener(mode Feedback, a *answer) *listener {
	l := &listener{now: epoch, streams: []*stream{
		{ssrc: 1111, clock: 48000, codec: "opus"},
		{ssrc: 2222, clock: 90000, codec: "h264", video: true, nack: true, pli: true, frames: frames{needKey: true}},
	}}
	l.feedback.begin(l.now, mode, a)
	return l
}

func (l *listener) audio() *stream { return l.streams[0] }
func (l *listener) video() *stream { return l.streams[1] }

// run lets time go by in sweeps of 2 ms.
func (l *listener) run(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); l.now = l.now.Add(2 * time.Millisecond) {
		for _, s := range l.streams {
			s.expire(l.now)
		}
		for _, datagram := range l.feedback.due(l.now, l.streams, l.bytes) {
			l.sent, l.at = append(l.sent, datagram), append(l.at, l.now)
		}
	}
}

// packet lets one arrive.
func (l *listener) packet(s *stream, seq uint16, timestamp uint32, key bool) {
	h := header{seq: seq, timestamp: timestamp, marker: true}
	s.heard = l.now
	index, kind, _ := s.take(l.now, h)
	if kind == inOrder || kind == late {
		s.report.arrived(l.now, timestamp, s.clock)
	}
	if key {
		s.keyFrame(l.now, index, timestamp)
	}
}

// sentOf returns the packets of one type with their times since epoch.
func sentOf[T rtcp.Packet](l *listener) (packets []T, at []time.Duration) {
	for i, datagram := range l.sent {
		for _, p := range datagram {
			if p, ok := p.(T); ok {
				packets, at = append(packets, p), append(at, l.at[i].Sub(epoch))
			}
		}
	}
	return packets, at
}

func TestReportsGoOutAsLibwebrtcsDo(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{})
	l.packet(l.audio(), 1, 1, false)
	l.packet(l.video(), 1, 1, true)
	l.video().frames.shownAt = epoch.Add(time.Hour) // the picture is all right
	l.run(100 * time.Second)
	reports, at := sentOf[*rtcp.ReceiverReport](l)
	count, last := map[uint32]int{}, map[uint32]time.Duration{}
	for i, r := range reports {
		if len(r.Reports) != 1 {
			t.Fatalf("%d blocks", len(r.Reports))
		}
		ssrc := r.Reports[0].SSRC
		every := map[uint32]time.Duration{1111: audioReports, 2222: videoReports}[ssrc]
		if pause := at[i] - last[ssrc]; pause < every/2 || pause > every*3/2+2*time.Millisecond {
			t.Errorf("%d: pause of %v", ssrc, pause)
		}
		last[ssrc] = at[i]
		count[ssrc]++
	}
	if count[2222] < 80 || count[2222] > 120 || count[1111] < 15 || count[1111] > 25 {
		t.Errorf("%v reports in 100 s", count)
	}
}

func TestNoFeedbackIsNone(t *testing.T) {
	l := newListener(FeedbackNone, &answer{transportCC: 5, types: map[uint8]payloadType{96: {video: true, transportCC: true, remb: true}}})
	l.packet(l.video(), 1, 1, false)
	l.packet(l.video(), 5, 2, false)
	l.run(10 * time.Second)
	if len(l.sent) != 0 || l.feedback.recorder != nil {
		t.Errorf("%v", l.sent)
	}
}

func TestWhatIsMissingIsAskedForTenTimes(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{})
	l.packet(l.video(), 65534, 1, true)
	l.packet(l.video(), 2, 2, false) // 65535, 0 and 1 are missing
	l.run(3 * time.Millisecond)
	l.packet(l.video(), 0, 1, false) // but 0 was only late
	l.run(3 * time.Second)
	nacks, at := sentOf[*rtcp.TransportLayerNack](l)
	if len(nacks) != askTimes {
		t.Fatalf("%d NACKs", len(nacks))
	}
	for i, n := range nacks {
		var numbers []uint16
		for _, pair := range n.Nacks {
			numbers = append(numbers, pair.PacketList()...)
		}
		slices.Sort(numbers)
		if n.MediaSSRC != 2222 || !slices.Equal(numbers, []uint16{1, 65535}) {
			t.Errorf("%+v", n)
		}
		if want := reorderWait + time.Duration(i)*askEvery; at[i] < want || at[i] > want+10*time.Millisecond*time.Duration(i+1) {
			t.Errorf("NACK %d after %v, want %v", i, at[i], want)
		}
	}
	// Given up after a second: a key frame is asked for at once, and every 200 ms.
	plis, at := sentOf[*rtcp.PictureLossIndication](l)
	if len(plis) < 9 || len(plis) > 11 || at[0] < patience || at[0] > patience+10*time.Millisecond || plis[0].MediaSSRC != 2222 {
		t.Fatalf("%d PLIs, the first after %v", len(plis), at)
	}
	l.packet(l.video(), 3, 3, true)
	before := len(plis)
	l.run(2 * time.Second)
	if plis, _ := sentOf[*rtcp.PictureLossIndication](l); len(plis) != before {
		t.Errorf("%d more PLIs after the key frame", len(plis)-before)
	}
	if s := l.video(); s.asked.nacks != 2*askTimes || s.asked.plis != uint64(before) {
		t.Errorf("counted %+v", s.asked)
	}
}

func TestARepairEndsTheAsking(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{})
	l.packet(l.video(), 1, 1, true)
	l.packet(l.video(), 3, 2, false)
	l.run(150 * time.Millisecond)
	l.video().repaired(l.now, 2)
	l.run(time.Second)
	if nacks, _ := sentOf[*rtcp.TransportLayerNack](l); len(nacks) != 2 {
		t.Errorf("%d NACKs", len(nacks))
	}
}

func TestSoundWithoutNACKIsNotAskedFor(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{})
	l.packet(l.audio(), 1, 1, false)
	l.packet(l.audio(), 3, 2, false)
	l.run(2 * time.Second)
	if nacks, _ := sentOf[*rtcp.TransportLayerNack](l); len(nacks) != 0 {
		t.Errorf("%v", nacks)
	}
}

func TestAKeyFrameIsAskedFor(t *testing.T) {
	for name, tc := range map[string]struct {
		play  func(l *listener)
		first time.Duration
		every time.Duration
	}{
		"200 ms after the first packet": {
			play: func(l *listener) { l.packet(l.video(), 1, 1, false) }, first: keyPatience, every: keyPatience,
		},
		"200 ms after one that does not end": {
			play: func(l *listener) {
				l.packet(l.video(), 1, 1, true)
				l.video().keyFrame(l.now, 1<<16+2, 2)
			}, first: keyPatience, every: keyPatience,
		},
		"three seconds after the last frame": {
			play: func(l *listener) {
				for n := range uint16(5) {
					l.packet(l.video(), n, uint32(n), n == 0)
				}
			}, first: framePatience, every: framePatience,
		},
	} {
		l := newListener(FeedbackLibwebrtc, &answer{})
		tc.play(l)
		l.run(tc.first + tc.every + 50*time.Millisecond)
		_, at := sentOf[*rtcp.PictureLossIndication](l)
		if len(at) != 2 || at[0] < tc.first || at[0] > tc.first+10*time.Millisecond || at[1]-at[0] < tc.every {
			t.Errorf("%s: after %v", name, at)
		}
	}
}

func TestNobodyAsksADeadServerForEver(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{})
	l.packet(l.video(), 1, 1, true)
	l.run(time.Minute)
	_, at := sentOf[*rtcp.PictureLossIndication](l)
	if len(at) == 0 || at[len(at)-1] > gone {
		t.Errorf("asked after %v", at)
	}
}

func TestWhatAReportSays(t *testing.T) {
	var s stream
	s.clock = 90000
	l := &listener{now: epoch}
	for n := range uint16(100) {
		l.now = l.now.Add(33 * time.Millisecond)
		if n%4 != 3 { // a quarter is lost
			l.packet(&s, 65500+n, uint32(n)*2970, false)
		}
	}
	s.report.sender, s.report.at = 0xabcd1234, l.now
	b := s.report.block(l.now.Add(500*time.Millisecond), &s)
	// 99 is lost too, but nobody knows yet.
	if b.TotalLost != 24 || b.FractionLost != 24*256/99 || b.LastSequenceNumber != 1<<16|62 || b.LastSenderReport != 0xabcd1234 || b.Delay != 32768 {
		t.Errorf("%+v", b)
	}
	if b.Jitter > 1 {
		t.Errorf("jitter %d of a stream without any", b.Jitter)
	}
	s.take(l.now, header{seq: 64})
	s.report.arrived(l.now, 100*2970+9000, s.clock)
	if b = s.report.block(l.now, &s); b.FractionLost != 128 || b.TotalLost != 25 || b.Jitter < 740 || b.Jitter > 750 { // a sixteenth of 9000 and a frame
		t.Errorf("the second one: %+v", b)
	}
}

func TestSenderReportsAreFound(t *testing.T) {
	b, err := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 7, NTPTime: 0x1111_2222_3333_4444},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 7, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "x"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	found := map[uint32]uint32{}
	senderReports(b, func(ssrc, middle uint32) { found[ssrc] = middle })
	if len(found) != 1 || found[7] != 0x2222_3333 {
		t.Errorf("%x", found)
	}
}

func FuzzSenderReports(f *testing.F) {
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1})
	f.Fuzz(func(_ *testing.T, b []byte) { senderReports(b, func(uint32, uint32) {}) })
}

func TestREMBFollowsWhatArrives(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{types: map[uint8]payloadType{96: {video: true, remb: true}}})
	l.packet(l.video(), 1, 1, true)
	for range 50 {
		l.bytes += 2_000_000 / 8 / 10
		l.run(100 * time.Millisecond)
	}
	rembs, _ := sentOf[*rtcp.ReceiverEstimatedMaximumBitrate](l)
	if len(rembs) < 3 {
		t.Fatalf("%d in 5 s", len(rembs))
	}
	last := rembs[len(rembs)-1]
	if last.Bitrate < 2_400_000 || last.Bitrate > 4_000_000 || !slices.Equal(last.SSRCs, []uint32{2222}) {
		t.Errorf("%v", last)
	}
}

func TestTransportFeedbackAsOftenAsLibwebrtc(t *testing.T) {
	l := newListener(FeedbackLibwebrtc, &answer{transportCC: 3, types: map[uint8]payloadType{96: {video: true, remb: true, transportCC: true}}})
	l.video().frames.shownAt = epoch.Add(time.Hour)
	var b [20]byte
	b[12], b[13], b[15], b[16] = 0xbe, 0xde, 1, 0x31
	h := header{ssrc: 2222, extensionAt: 12, payload: 20}
	for n := range 100 {
		if n%10 != 9 {
			b[17], b[18] = byte(n>>8), byte(n)
			l.feedback.arrived(l.now, h, b[:], 3)
		}
		l.run(10 * time.Millisecond)
	}
	reports, at := sentOf[*rtcp.TransportLayerCC](l)
	if len(reports) < 18 || len(reports) > 20 {
		t.Fatalf("%d reports in a second", len(reports))
	}
	packets := 0
	for i, r := range reports {
		if i > 0 && at[i]-at[i-1] < leastTransportPause {
			t.Errorf("two within %v", at[i]-at[i-1])
		}
		packets += len(r.RecvDeltas)
	}
	if packets < 80 {
		t.Errorf("%d packets reported", packets)
	}
	if rembs, _ := sentOf[*rtcp.ReceiverEstimatedMaximumBitrate](l); len(rembs) != 0 {
		t.Error("REMB beside transport-wide feedback")
	}
	if l.feedback.transports != uint64(len(reports)) {
		t.Errorf("%d counted", l.feedback.transports)
	}
}

// TestTheShareOfTransportFeedback is libwebrtc's rule: 5 % of the uplink, 50 to 250 ms.
func TestTheShareOfTransportFeedback(t *testing.T) {
	for uplink, want := range map[float64]time.Duration{
		0: 250 * time.Millisecond, 30_000: 250 * time.Millisecond, 108_800: 100 * time.Millisecond,
		217_600: 50 * time.Millisecond, startBits: 50 * time.Millisecond, 1e9: 50 * time.Millisecond,
	} {
		if got := transportPause(uplink); got.Round(time.Microsecond) != want {
			t.Errorf("%v bit/s: %v, want %v", uplink, got, want)
		}
	}
}

func TestOnlyREMBWhereItAloneIsOffered(t *testing.T) {
	both := &answer{transportCC: 3, types: map[uint8]payloadType{96: {video: true, remb: true, transportCC: true}}}
	for mode, want := range map[Feedback]bool{FeedbackREMB: true, FeedbackReports: false} {
		l := newListener(mode, both)
		l.packet(l.video(), 1, 1, true)
		l.run(5 * time.Second)
		rembs, _ := sentOf[*rtcp.ReceiverEstimatedMaximumBitrate](l)
		reports, _ := sentOf[*rtcp.ReceiverReport](l)
		if (len(rembs) > 0) != want || len(reports) == 0 || l.feedback.recorder != nil {
			t.Errorf("%v: %d REMB, %d reports", mode, len(rembs), len(reports))
		}
	}
}

// BenchmarkTransportFeedback is what a viewer's feedback costs the client per packet that arrives, at 333 a second: noting it, and its share of a
// sealed message every 50 ms.
func BenchmarkTransportFeedback(b *testing.B) {
	const pause = 3 * time.Millisecond
	var f feedback
	now := epoch
	f.begin(now, FeedbackLibwebrtc, &answer{transportCC: 3, types: map[uint8]payloadType{96: {video: true, transportCC: true}}})
	seal := rigContext(b)
	packet := make([]byte, 20)
	packet[12], packet[13], packet[15], packet[16] = 0xbe, 0xde, 1, 0x31
	h := header{ssrc: 2222, extensionAt: 12, payload: 20}
	f.audioDue, f.videoDue = now.Add(time.Hour*1000), now.Add(time.Hour*1000)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now = now.Add(pause)
		packet[17], packet[18] = byte(n>>8), byte(n)
		f.arrived(now, h, packet, 3)
		for _, datagram := range f.due(now, nil, 0) {
			plain, err := rtcp.Marshal(datagram)
			if err == nil {
				_, err = seal.EncryptRTCP(nil, plain, nil)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
