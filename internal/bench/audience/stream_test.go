package audience

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// epoch is where the fake clocks of these tests begin.
var epoch = time.Unix(1_790_000_000, 0)

// feed plays frames of packets to a stream: three packets, 33 ms apart.
type feed struct {
	s         stream
	now       time.Time
	seq       uint16
	timestamp uint32
}

func newFeed() *feed {
	f := &feed{now: epoch, s: stream{video: true, nack: true, pli: true, codec: "h264", clock: 90000}}
	f.s.frames.needKey = true
	return f
}

const perFrame = 3

// frame sends one but for the packets that lose names.
func (f *feed) frame(key bool, lose ...int) {
	f.now = f.now.Add(33 * time.Millisecond)
	f.timestamp += 3000
	for i := range perFrame {
		h := header{seq: f.seq, timestamp: f.timestamp, marker: i == perFrame-1}
		f.seq++
		if len(lose) > 0 && lose[0] == i {
			lose = lose[1:]
			continue
		}
		index, _, _ := f.s.take(f.now, h)
		if key && i == 0 {
			f.s.keyFrame(f.now, index, h.timestamp)
		}
	}
}

func (f *feed) frames(n int) {
	for range n {
		f.frame(false)
	}
}

func TestFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		play                             func(f *feed)
		begun, broken, skipped, freezes  uint64
		lost, retransmitted, rearranged  uint64
		needKey, showsKeyFrame, standing bool
	}{
		"all is well": {
			play: func(f *feed) { f.frame(true); f.frames(9) }, begun: 10, showsKeyFrame: true,
		},
		"no key frame yet": {
			play: func(f *feed) { f.frames(10) }, begun: 10, needKey: true,
		},
		"the key frame is not whole": {
			play: func(f *feed) { f.frame(true, 1); f.frames(1) }, begun: 2, lost: 1,
		},
		"a packet is repaired in time": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				f.frame(false, 1)
				f.frames(2)
				f.s.nackDue(f.now)
				f.s.repaired(f.now, f.seq-8)
				f.frames(5)
			}, begun: 18, showsKeyFrame: true, retransmitted: 1,
		},
		"a packet comes late, unasked": {
			play: func(f *feed) {
				f.frame(true)
				f.frame(false, 1)
				f.s.take(f.now, header{seq: f.seq - 2, timestamp: f.timestamp})
				f.frames(1)
			}, begun: 3, showsKeyFrame: true, rearranged: 1,
		},
		"a packet is repaired, but late": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				f.frame(false, 1)
				f.frames(10)
				f.s.repaired(f.now, f.seq-32)
				f.frames(5)
			}, begun: 26, showsKeyFrame: true, retransmitted: 1, freezes: 1,
		},
		"a packet never comes": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				f.frame(false, 1)
				for range 40 {
					f.frame(false)
					f.s.expire(f.now)
				}
			}, begun: 51, broken: 1, lost: 1, showsKeyFrame: true, needKey: true, standing: true,
		},
		"a frame never comes, and a key frame heals": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				f.frame(false, 0, 1, 2)
				for range 40 {
					f.frame(false)
					f.s.expire(f.now)
				}
				f.frame(true)
				f.frames(3)
			}, begun: 55, broken: 1, lost: 3, showsKeyFrame: true, freezes: 1,
		},
		"the server leaves frames out": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				f.timestamp += 2 * 3000
				f.now = f.now.Add(66 * time.Millisecond)
				f.frames(4)
			}, begun: 14, skipped: 2, showsKeyFrame: true,
		},
		"the step is not known yet": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(3)
				f.timestamp += 2 * 3000
				f.frames(4)
			}, begun: 8, showsKeyFrame: true,
		},
		"the server halves the frame rate": {
			play: func(f *feed) {
				f.frame(true)
				f.frames(9)
				for range 40 {
					f.timestamp += 3000
					f.frame(false)
				}
			}, begun: 50, showsKeyFrame: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed()
			tc.play(f)
			var s Stats
			f.s.addTo(&s, f.now)
			if s.Frames != tc.begun || s.FramesBroken != tc.broken || s.FramesSkipped != tc.skipped || s.Lost != tc.lost ||
				s.Freezes != tc.freezes+uint64(one(tc.standing)) || s.Retransmitted != tc.retransmitted || s.Reordered != tc.rearranged {
				t.Errorf("%+v", s)
			}
			if f.s.frames.needKey != tc.needKey || f.s.frames.first.IsZero() == tc.showsKeyFrame {
				t.Errorf("needs a key frame: %v, first shown %v", f.s.frames.needKey, f.s.frames.first)
			}
		})
	}
}

func TestAFrameIsShownOnce(t *testing.T) {
	f := newFeed()
	f.frame(true)
	f.frames(9)
	at := f.s.frames.shownAt
	f.s.maybeShown(f.now.Add(5 * time.Second))
	if f.s.frames.shownAt != at || f.s.frames.freezes != 0 {
		t.Errorf("%+v", f.s.frames)
	}
}

// TestExpectedIsArrivedAndLost loses, repeats, delays and repairs at random, with
// windows that begin anywhere.
func TestExpectedIsArrivedAndLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stream{video: true, nack: true, codec: "h264"}
		seq := rapid.Uint16().Draw(t, "first")
		s.take(epoch, header{seq: seq, timestamp: 1, marker: true})
		missing := map[uint16]bool{}
		var lost, fresh, again uint64 = 0, 1, 0
		for i := range rapid.IntRange(0, 500).Draw(t, "packets") {
			now := epoch.Add(time.Duration(i) * time.Millisecond) // too short to give up
			switch rapid.IntRange(0, 9).Draw(t, "fate") {
			case 0:
				seq++
				missing[seq] = true
				continue // the next one shows it
			case 1:
				s.take(now, header{seq: seq, timestamp: uint32(seq), marker: true})
				if !missing[seq] {
					again++
				} else if s.seq.highest&0xffff == int64(seq) {
					delete(missing, seq)
					fresh++
				}
				continue
			case 2:
				for n := range missing {
					if s.seq.index(n) > s.seq.highest {
						continue // nobody knows yet
					}
					s.repaired(now, n)
					delete(missing, n)
					fresh++
					break
				}
				continue
			case 3:
				s.reset()
				fresh, again = 0, 0
				continue
			}
			seq++
			s.take(now, header{seq: seq, timestamp: uint32(seq), marker: true})
			fresh++
		}
		for n := range missing {
			if s.seq.index(n) < s.seq.highest {
				lost++
			}
		}
		var got Stats
		s.addTo(&got, epoch)
		if got.Lost != lost || got.Duplicates != again {
			t.Fatalf("lost %d, duplicates %d; want %d, %d", got.Lost, got.Duplicates, lost, again)
		}
		if got.Expected-got.Lost > fresh || got.Expected < lost {
			t.Fatalf("expected %d, lost %d, arrived %d", got.Expected, got.Lost, fresh)
		}
	})
}
