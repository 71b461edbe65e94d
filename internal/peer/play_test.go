package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/headgate/headgate/internal/negotiate"
	"github.com/headgate/headgate/router"
)

// packetOf builds what the router would plan.
func packetOf(t testing.TB, ssrc uint32, pt uint8, seq uint16, payload []byte) []byte {
	t.Helper()
	b, err := (&rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: true, PayloadType: pt, SequenceNumber: seq, Timestamp: uint32(seq) * 3000, SSRC: ssrc},
		Payload: payload,
	}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sectionOf(t *testing.T, c *Conn, k router.Kind) router.SectionConfig {
	t.Helper()
	for _, s := range c.Sections() {
		if s.Kind == k {
			return s
		}
	}
	t.Fatalf("no %v section in %+v", k, c.Sections())
	return router.SectionConfig{}
}

func (v *viewing) connected(t *testing.T) {
	t.Helper()
	v.client.waitState(webrtc.PeerConnectionStateConnected)
	v.events.wait(t, DTLSConnected, 1)
}

func TestPlayAnswer(t *testing.T) {
	h := newTestHost(t)
	v := play(t, h, newClient(t), playPolicy)
	answer := string(v.conn.Answer())
	video, audio := sectionOf(t, v.conn, router.Video), sectionOf(t, v.conn, router.Audio)
	if !strings.Contains(answer, "a=setup:passive") {
		t.Errorf("not the DTLS server:\n%s", answer)
	}
	if n := strings.Count(answer, "a=msid:"+v.conn.StreamID()+" "); n != 2 { // W-23, N-061
		t.Errorf("%d sections of stream %s:\n%s", n, v.conn.StreamID(), answer)
	}
	for _, ssrc := range []uint32{video.SSRC, audio.SSRC} {
		if !strings.Contains(answer, "a=ssrc:"+uintString(ssrc)+" cname:"+v.conn.StreamID()) { // M-072
			t.Errorf("SSRC %d is not declared with the CNAME:\n%s", ssrc, answer)
		}
	}
	if fid := "a=ssrc-group:FID " + uintString(video.SSRC) + " " + uintString(video.RTXSSRC); !strings.Contains(answer, fid) { // M-009
		t.Errorf("no %q:\n%s", fid, answer)
	}
	if audio.RTXSSRC != 0 {
		t.Errorf("audio has RTX %d", audio.RTXSSRC)
	}
	if len(video.PayloadTypes) != 1 || video.PayloadTypes[0].RTX == 0 || video.Extensions[router.ExtMID] == 0 {
		t.Errorf("video %+v", video)
	}
	v.connected(t)
}

func uintString(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// M-005, T6: retransmissions go through the same stream with their own SSRC and
// payload type, and the client takes them for what they are.
func TestPlayMediaAndRetransmissions(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	got := make(chan rtp.Packet, 64)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			select {
			case got <- *p:
			case <-done:
				return
			}
		}
	})
	v := play(t, h, c, playPolicy)
	v.connected(t)
	video := sectionOf(t, v.conn, router.Video)
	pt := video.PayloadTypes[0]
	write := func(b []byte) {
		t.Helper()
		send(t, v.conn, b)
	}
	for _, seq := range []uint16{1, 2, 4} {
		write(packetOf(t, video.SSRC, pt.Number, seq, []byte{byte(seq), 1, 2, 3}))
	}
	original := binary.BigEndian.AppendUint16(nil, 3)
	write(packetOf(t, video.RTXSSRC, pt.RTX, 77, append(original, 3, 1, 2, 3)))
	seen := map[uint16]bool{}
	next := uint16(5)
	eventually(t, "five packets, the third by retransmission", func() bool {
		for {
			select {
			case p := <-got:
				if p.SequenceNumber < 5 && !bytes.Equal(p.Payload, []byte{byte(p.SequenceNumber), 1, 2, 3}) || p.SSRC != video.SSRC {
					t.Errorf("got %v", p)
				}
				seen[p.SequenceNumber] = true
				continue
			default:
			}
			break
		}
		write(packetOf(t, video.SSRC, pt.Number, next, []byte{9, 9})) // the client hands RTX out with later packets
		next++
		return seen[1] && seen[2] && seen[3] && seen[4]
	})
}

// Every RTCP packet arrives once, whatever number of SSRCs it names, and whoever reads
// it.
func TestPlayRTCPArrivesOnce(t *testing.T) {
	t.Run("read here", func(t *testing.T) { testRTCPArrivesOnce(t) })
	t.Run("read by the stack", func(t *testing.T) { testRTCPArrivesOnce(t, offerPassive) })
}

func testRTCPArrivesOnce(t *testing.T, rewrite ...func(string, bool) string) {
	h := newTestHost(t)
	v := play(t, h, newClient(t), playPolicy, rewrite...)
	v.connected(t)
	video, audio := sectionOf(t, v.conn, router.Video), sectionOf(t, v.conn, router.Audio)
	rr := &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: video.SSRC}, {SSRC: audio.SSRC}, {SSRC: video.RTXSSRC}}}
	nack := &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: video.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{5})}
	pli := &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: video.SSRC}
	for range 2 { // the same again is not a repetition of the stack's
		if err := v.client.pc.WriteRTCP([]rtcp.Packet{rr, nack, pli}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	eventually(t, "all RTCP", func() bool {
		got = nil
		for _, b := range v.rtcpPackets() {
			pkts, err := rtcp.Unmarshal(b)
			if err != nil {
				t.Fatalf("%x: %v", b, err)
			}
			for _, p := range pkts {
				got = append(got, strings.TrimPrefix(fmt.Sprintf("%T", p), "*rtcp."))
			}
		}
		return len(got) >= 6
	})
	want := "ReceiverReport TransportLayerNack PictureLossIndication ReceiverReport TransportLayerNack PictureLossIndication"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	if v.conn.LastSeen().IsZero() {
		t.Error("RTCP is no sign of life")
	}
}

// Sender reports reach the player.
func TestPlaySendsReports(t *testing.T) {
	h := newTestHost(t)
	c := newClient(t)
	v := play(t, h, c, playPolicy)
	v.connected(t)
	video := sectionOf(t, v.conn, router.Video)
	report := make(chan rtcp.Packet, 1)
	for _, tr := range c.pc.GetTransceivers() {
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			go func() {
				pkts, _, err := tr.Receiver().ReadRTCP()
				if err == nil && len(pkts) > 0 {
					report <- pkts[0]
				}
				close(report)
			}()
		}
	}
	sendReport(t, v.conn, &rtcp.SenderReport{SSRC: video.SSRC, RTPTime: 7})
	if sr, ok := (<-report).(*rtcp.SenderReport); !ok || sr.RTPTime != 7 {
		t.Errorf("got %v", sr)
	}
}

// A kind the channel lacks is inactive, in the same stream (W-23), and nothing is
// sent on it; the other one plays.
func TestPlayInactiveSection(t *testing.T) {
	h := newTestHost(t)
	policy := playPolicy
	policy.Video = negotiate.MediaChoice{Absent: true}
	v := play(t, h, newClient(t), policy)
	v.connected(t)
	if len(v.conn.Sections()) != 1 || v.conn.Sections()[0].Kind != router.Audio {
		t.Errorf("%+v", v.conn.Sections())
	}
	answer := string(v.conn.Answer())
	if !strings.Contains(answer, "a=inactive") || strings.Count(answer, "a=msid:"+v.conn.StreamID()+" ") != strings.Count(answer, "a=msid:") {
		t.Errorf("%s", answer)
	}
	audio := v.conn.Sections()[0]
	send(t, v.conn, packetOf(t, audio.SSRC, audio.PayloadTypes[0].Number, 1, []byte{1}))
}

// Sections that may be refilled answer every codec of the list.
func TestPlayEveryCodec(t *testing.T) {
	h := newTestHost(t)
	policy := playPolicy
	policy.Video = negotiate.MediaChoice{All: true, Codecs: []router.Codec{
		{Name: router.VP8, ClockRate: 90000}, {Name: router.H264, ClockRate: 90000}, {Name: router.AV1, ClockRate: 90000},
	}}
	v := play(t, h, newClient(t), policy)
	v.connected(t)
	video := sectionOf(t, v.conn, router.Video)
	var names []string
	for _, pt := range video.PayloadTypes {
		names = append(names, pt.Codec.Name)
		if pt.RTX == 0 {
			t.Errorf("%s has no RTX", pt.Codec.Name)
		}
	}
	if strings.Join(names, " ") != "VP8 H264 AV1" {
		t.Errorf("%q", names)
	}
}

func TestPublisherHasNothingToSend(t *testing.T) {
	p := publish(t, newTestHost(t), newClient(t))
	if p.conn.Line() != nil || p.conn.Sections() != nil || p.conn.Ingest() == nil {
		t.Error("a publisher looks like a viewer")
	}
}
