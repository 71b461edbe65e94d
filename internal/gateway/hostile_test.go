package gateway_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4"

	"github.com/headgate/headgate/internal/session"
	"github.com/headgate/headgate/internal/testkit"
	"github.com/headgate/headgate/router"
)

// Viewers that mean harm, each with a session of its own: what they cost is
// bounded, and the others do not notice.

// watcher is a viewer, hostile or not, whose media is counted on its way.
type watcher struct {
	*testkit.Player
	s     *stage
	net   transport.Net
	id    string // of its session
	media atomic.Int64
}

func (s *stage) watcher() *watcher {
	s.t.Helper()
	before := s.viewers()
	w := &watcher{s: s, net: s.net.Client()}
	s.net.Lose(w.net, func(b []byte) bool {
		if isRTP(b) { // only the gateway sends it
			w.media.Add(int64(len(b)))
		}
		return false
	})
	w.Player = testkit.Play(s.t, testkit.PlayerOptions{Endpoint: "http://127.0.0.1/whep/live", HTTP: s.http, Net: w.net})
	w.Wait(5*time.Second, "picture", moving(30))
	for id := range s.viewers() {
		if _, old := before[id]; !old {
			w.id = id
		}
	}
	return w
}

// isRTP tells media from feedback and the rest (RFC 7983, RFC 5761 section 4).
func isRTP(b []byte) bool {
	return len(b) > 1 && b[0] >= 128 && b[0] <= 191 && (b[1] < 192 || b[1] > 223)
}

func (s *stage) viewers() map[string]session.Info {
	all := map[string]session.Info{}
	for _, info := range s.g.Sessions() {
		if info.Viewer != nil {
			all[info.ID] = info
		}
	}
	return all
}

func (w *watcher) stats() router.ViewerStats {
	w.s.t.Helper()
	info, ok := w.s.viewers()[w.id]
	if !ok {
		w.s.t.Fatal("the session is gone")
	}
	return *info.Viewer
}

// took returns the media bytes sent to w since before.
func (w *watcher) took(before int64) int64 { return w.media.Load() - before }

func (w *watcher) ssrc() uint32 { return w.NewestVideo().SSRC }

func (w *watcher) newest() uint16 { return w.NewestVideo().SequenceNumber }

// flood sends what next makes, every interval for a while.
func (w *watcher) flood(d, interval time.Duration, next func() []rtcp.Packet) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = w.Connection().WriteRTCP(next()) // a client that cannot send does no harm
		}
	}
}

// undisturbed checks what a neighbour saw in d, since Eye.Reset.
func (w *watcher) undisturbed(d time.Duration, p testkit.Picture) {
	w.s.t.Helper()
	seen := w.Eye.Seen()
	if want := int(d/p.Period()) - 2; seen.Frames < want || seen.LongestFreeze > p.Period()*3/2 {
		w.s.t.Errorf("a neighbour saw %d frames and a freeze of %v; want %d and no freeze", seen.Frames, seen.LongestFreeze, want)
	}
	checkNumbers(w.s.t, w.Player)
}

// nacks asks for 17 numbers an entry: from the newest down, or from the future.
func (w *watcher) nacks(entries int) []rtcp.Packet {
	pairs := make([]rtcp.NackPair, entries)
	newest := w.newest()
	for i := range pairs {
		pairs[i] = rtcp.NackPair{PacketID: newest - uint16(17*(i+1)), LostPackets: 0xffff}
	}
	if entries > 4 {
		pairs[0].PacketID, pairs[1].PacketID = newest+1000, newest-30000
	}
	return []rtcp.Packet{&rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: w.ssrc(), Nacks: pairs}}
}

// M-011: half of its own rate is what a viewer is sent again at most, after a
// second's worth of it at once.
func TestAFloodOfNACKsIsBoundedAndNobodyElsesTrouble(t *testing.T) {
	const d = 10 * time.Second
	for name, flood := range map[string]struct {
		entries int
		every   time.Duration
		greedy  bool
	}{
		"whatever there is, many times over":   {entries: 60, every: 4 * time.Millisecond},
		"as much as can be had for the asking": {entries: 2, every: 20 * time.Millisecond, greedy: true},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
				hostile, others := s.watcher(), []*watcher{s.watcher(), s.watcher()}
				before, calm := hostile.media.Load(), others[0].media.Load()
				for _, o := range others {
					o.Eye.Reset()
				}
				hostile.flood(d, flood.every, func() []rtcp.Packet { return hostile.nacks(flood.entries) })
				own := others[0].took(calm)
				again, most := hostile.took(before)-own, own*11/10/2*105/100
				stats := hostile.stats()
				t.Logf("%d numbers asked for, %d sent again, %d refused; %d bytes beside %d", stats.NACKs, stats.Retransmitted, stats.Suppressed, again, own)
				if again > most || flood.greedy && again < most/2 {
					t.Errorf("%d bytes were sent again, want up to %d", again, most)
				}
				if asked := uint64(d/flood.every) * uint64(flood.entries) * 17; stats.NACKs < asked*9/10 || stats.Suppressed < stats.NACKs/2 {
					t.Errorf("of %d numbers asked for %d were counted and %d refused", asked, stats.NACKs, stats.Suppressed)
				}
				for _, o := range others {
					o.undisturbed(d, testkit.HD())
					if got := o.stats(); got.NACKs != 0 {
						t.Errorf("a neighbour asked for %d packets", got.NACKs)
					}
				}
			})
		})
	}
}

// M-020 to M-026.
func TestAFloodOfKeyFrameRequestsReachesThePublisherAsPolicyAllows(t *testing.T) {
	const d = 10 * time.Second
	for name, tc := range map[string]struct {
		deaf    bool
		viewers int
		most    int64
	}{
		"one of them, by his allowance":     {viewers: 1, most: 11}, // five at once, and one in two seconds
		"ten of them, by what a layer asks": {viewers: 10, most: int64(d/(500*time.Millisecond)) + 1},
		"a deaf publisher, backing off":     {viewers: 10, deaf: true, most: 6}, // after 0, 0.5, 1.5, 3.5, 7.5 s
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, nil, func(s *stage) {
				picture := testkit.Small()
				if tc.deaf {
					picture.KeyEvery *= 10 // or else its own key frames seem to be answers
				}
				publisher := s.publish(testkit.PublisherOptions{Picture: picture, Deaf: tc.deaf})
				neighbour := s.watcher()
				var hostile []*watcher
				for range tc.viewers {
					hostile = append(hostile, s.watcher())
				}
				before := neighbour.media.Load()
				neighbour.flood(d, time.Hour, nil) // merely watches
				calm := neighbour.took(before)
				neighbour.Eye.Reset()
				asked, before := publisher.KeyFrameRequests(), neighbour.media.Load()
				var floods sync.WaitGroup
				for i, h := range hostile {
					number := uint8(0)
					floods.Go(func() {
						late := time.Duration(i) * 170 * time.Millisecond // their allowances don't fill in step
						<-time.After(late)
						h.flood(d-late, 40*time.Millisecond, func() []rtcp.Packet {
							number++
							fir := &rtcp.FullIntraRequest{SenderSSRC: uint32(i), FIR: []rtcp.FIREntry{{SSRC: h.ssrc(), SequenceNumber: number}}}
							return []rtcp.Packet{fir, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: h.ssrc()}}
						})
					})
				}
				floods.Wait()
				got, took := publisher.KeyFrameRequests()-asked, neighbour.took(before)
				t.Logf("%d requests; the neighbour took %d bytes, %d before", got, took, calm)
				if got > tc.most || got == 0 && !tc.deaf {
					t.Errorf("%d requests for key frames in %v, want at most %d", got, d, tc.most)
				}
				if took > calm*105/100 {
					t.Errorf("the neighbour took %d bytes, %d before", took, calm)
				}
				neighbour.undisturbed(d, picture)
				if plis := hostile[0].stats().PLIs; plis < 400 {
					t.Errorf("only %d requests arrived", plis)
				}
			})
		})
	}
}

// What can't be read is nobody's wish.
func TestGarbageInFeedbackDoesNothing(t *testing.T) {
	const d = 10 * time.Second
	inFakeTime(t, nil, func(s *stage) {
		publisher := s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		hostile, neighbour := s.watcher(), s.watcher()
		neighbour.Eye.Reset()
		asked, before, calm := publisher.KeyFrameRequests(), hostile.media.Load(), neighbour.media.Load()
		next := garbage(hostile.ssrc())
		hostile.flood(d, 4*time.Millisecond, func() []rtcp.Packet { return []rtcp.Packet{next()} })
		neighbour.undisturbed(d, testkit.HD())
		if n := publisher.KeyFrameRequests() - asked; n != 0 {
			t.Errorf("%d requests for key frames", n)
		}
		if got, want := hostile.took(before), neighbour.took(calm); got > want*101/100 {
			t.Errorf("garbage was answered: %d bytes, a neighbour took %d", got, want)
		}
		if stats := hostile.stats(); stats.Retransmitted != 0 || stats.PLIs != 0 {
			t.Errorf("garbage was read: %+v", stats)
		}
		_ = hostile.Connection().WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: hostile.ssrc()}})
		hostile.Wait(time.Second, "answer to what can be read", func(testkit.Seen) bool { return publisher.KeyFrameRequests() > asked })
	})
}

// garbage makes packets that look like RTCP and are not: random bytes, counts and
// lengths that lie, compounds that end in the middle. Some name ssrc, in formats that
// ask for nothing.
func garbage(ssrc uint32) func() rtcp.Packet {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // reproducible
	types := []byte{192, 200, 201, 202, 203, 204, 205, 206, 207, 223}
	words := make([]uint32, 32) // few, because each may be read as an SSRC
	for i := range words {
		words[i] = random.Uint32()
	}
	return func() rtcp.Packet {
		b := make([]byte, 4+4*random.IntN(300))
		for i := 0; i < len(b); i += 4 {
			binary.BigEndian.PutUint32(b[i:], words[random.IntN(len(words))])
		}
		b[0], b[1] = 0x80|byte(random.IntN(64)), types[random.IntN(len(types))]
		length := len(b)/4 - 1
		switch random.IntN(4) {
		case 0: // ends in the middle
			length += 1 + random.IntN(1000)
		case 1: // something follows
			length = random.IntN(length + 1)
		case 2: // transport-cc or REMB that tell of everything
			b[0], b[1] = 0x8f, 205+b[1]&1
			if len(b) >= 12 {
				binary.BigEndian.PutUint32(b[8:], ssrc)
			}
		}
		binary.BigEndian.PutUint16(b[2:], uint16(length))
		return (*rtcp.RawPacket)(&b)
	}
}

// Something is kept for every SSRC that a viewer reports as, so that no report counts
// twice: who pretends to be a crowd is shown the door.
func TestAViewerThatReportsAsThousandsIsEnded(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		hostile, neighbour := s.watcher(), s.watcher()
		neighbour.Eye.Reset()
		ssrc := uint32(0)
		hostile.flood(3*time.Second, 10*time.Millisecond, func() []rtcp.Packet {
			ssrc++
			return []rtcp.Packet{&rtcp.ReceiverReport{SSRC: ssrc}}
		})
		if _, there := s.viewers()[hostile.id]; there {
			t.Error("the session goes on")
		}
		if code := s.codeOf(hostile.Session().Location); code != "too-many-streams" {
			t.Errorf("the session ended because of %q", code)
		}
		neighbour.undisturbed(3*time.Second, testkit.HD())
	})
}

// Nothing is kept for the SSRCs that reports are about.
func TestAViewerThatNamesThousandsOfStreamsIsIgnored(t *testing.T) {
	inFakeTime(t, nil, func(s *stage) {
		s.publish(testkit.PublisherOptions{Picture: testkit.HD()})
		hostile, neighbour := s.watcher(), s.watcher()
		neighbour.Eye.Reset()
		ssrc := uint32(0)
		hostile.flood(3*time.Second, 10*time.Millisecond, func() []rtcp.Packet {
			named := make([]uint32, 255)
			for i := range named {
				ssrc++
				named[i] = ssrc
			}
			return []rtcp.Packet{&rtcp.ReceiverEstimatedMaximumBitrate{SSRCs: named}}
		})
		if _, there := s.viewers()[hostile.id]; !there {
			t.Errorf("the session ended because of %q", s.codeOf(hostile.Session().Location))
		}
		neighbour.undisturbed(3*time.Second, testkit.HD())
	})
}

// codeOf is what an ended session says of its end.
func (s *stage) codeOf(location string) string {
	s.t.Helper()
	res, err := s.http.Get(location)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var problem struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
		s.t.Fatal(err)
	}
	return problem.Code
}
