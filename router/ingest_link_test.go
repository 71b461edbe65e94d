package router

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// link is a network in virtual time between a publisher that answers NACKs and
// an Ingest: it loses, delays, swaps and repeats packets both ways.
type link struct {
	*intake
	random *rand.Rand
	loss   float64
	delay  time.Duration
	jitter time.Duration
	repeat float64

	answer func(l *link, seq uint16) []byte // the publisher's answer to a NACK; nil: none
	queue  deliveries
	sent   map[uint16]wire
	nacks  map[uint16]int
}

type delivery struct {
	at   time.Time
	rtp  []byte
	nack []rtcp.Packet // to the publisher
}

type deliveries []delivery

func (d deliveries) Len() int           { return len(d) }
func (d deliveries) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deliveries) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)        { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any {
	old := *d
	x := old[len(old)-1]
	*d = old[:len(old)-1]
	return x
}

// carry puts something on the way, if it is not lost.
func (l *link) carry(d delivery) {
	for n := 0; n == 0 || l.random.Float64() < l.repeat; n++ {
		if l.random.Float64() < l.loss {
			continue
		}
		d.at = l.now.Add(l.delay + time.Duration(l.random.Int64N(int64(l.jitter)+1)))
		heap.Push(&l.queue, d)
	}
}

// run sends frames of some packets for d and lets the link work.
func (l *link) run(d time.Duration) {
	seq := uint16(65000)
	end := l.now.Add(d)
	for frame := uint32(0); l.now.Before(end.Add(2 * time.Second)); frame++ {
		if l.now.Before(end) {
			for n := range 6 {
				w := wire{
					ssrc: intakeVideo, pt: intakeVideoPT, seq: seq, ts: frame * intakeFrame, marker: n == 5,
					payload: append(vp8Payload(n == 0, frame%60 == 0), byte(seq>>8), byte(seq)),
				}
				l.sent[seq] = w
				l.carry(delivery{rtp: w.bytes()})
				seq++
			}
		}
		for range 3 {
			l.step(11 * ms)
		}
	}
}

// step lets d pass: what arrives meanwhile is delivered in order, then Tick.
func (l *link) step(d time.Duration) {
	end := l.now.Add(d)
	for len(l.queue) > 0 && !l.queue[0].at.After(end) {
		next := heap.Pop(&l.queue).(delivery)
		l.now = next.at
		if next.rtp != nil {
			l.in.RTP(l.now, next.rtp)
			continue
		}
		for _, n := range asked([][]rtcp.Packet{next.nack}) {
			if b := l.answer(l, n); b != nil {
				l.carry(delivery{rtp: b})
			}
		}
	}
	l.now = end
	for _, datagram := range l.in.Tick(l.now) {
		for _, n := range asked([][]rtcp.Packet{datagram}) {
			l.nacks[n]++
		}
		l.carry(delivery{nack: datagram})
	}
}

func newLink(t testing.TB, seed uint64, loss float64) *link {
	return &link{
		intake: newIntake(t, nil), random: rand.New(rand.NewPCG(seed, 7)), loss: loss,
		delay: 25 * ms, jitter: 8 * ms, repeat: 0.02, sent: map[uint16]wire{}, nacks: map[uint16]int{},
		answer: answerByRTX(),
	}
}

// answerByRTX is a publisher with RTX.
func answerByRTX() func(*link, uint16) []byte {
	seq := uint16(0)
	return func(l *link, n uint16) []byte {
		seq++
		return repairOf(l.sent[n], seq).bytes()
	}
}

// answerPlainly is a publisher that repeats the packet as it was (M-003).
func answerPlainly(l *link, n uint16) []byte { return l.sent[n].bytes() }

// checkPackets checks that each packet was delivered at most once, in order but
// for late ones, with the right bytes, and returns how many of those that were
// sent did not come.
func (l *link) checkPackets(t *testing.T) (lost int) {
	t.Helper()
	packets := l.packets(nil)
	seen := map[int64]bool{}
	first := packets[0].Seq
	for _, p := range packets {
		if seen[p.Seq] {
			t.Fatalf("packet %d came twice", p.Seq)
		}
		seen[p.Seq] = true
		first = min(first, p.Seq)
		if w := l.sent[uint16(p.Seq)]; !slices.Equal(w.payload, p.Payload) || w.ts != p.Timestamp || w.marker != p.Marker {
			t.Fatalf("packet %d is not what was sent", p.Seq)
		}
	}
	for seq := range int64(len(l.sent)) {
		if !seen[first+seq] {
			lost++
		}
	}
	return lost
}

// T-125: at 5 % loss a publisher's packets are repaired, with RTX and without.
func TestLossyLinkIsRepaired(t *testing.T) {
	for name, answer := range map[string]func(*link, uint16) []byte{"RTX": answerByRTX(), "plain": answerPlainly} {
		for _, loss := range []float64{0, 0.05, 0.2} {
			t.Run(fmt.Sprint(name, " ", loss), func(t *testing.T) {
				l := newLink(t, 1, loss)
				l.answer = answer
				l.run(8 * time.Second)
				lost := l.checkPackets(t)
				t.Logf("%d of %d not repaired, %d numbers asked for, %d times at most", lost, len(l.sent), len(l.nacks), most(l.nacks))
				if lost > int(loss*loss*loss*float64(len(l.sent)))+1 {
					t.Errorf("%d packets are missing", lost)
				}
				if most(l.nacks) > DefaultIngestSettings().NACKTries {
					t.Errorf("one packet was asked for %d times", most(l.nacks))
				}
				if share := float64(len(l.nacks)) / float64(len(l.sent)); share > 1.4*loss+0.001 {
					t.Errorf("%.3f of the packets were asked for", share)
				}
				if rtt := l.in.Stats().Layers[0].RTT; loss > 0 && (rtt < 50*ms || rtt > 80*ms) {
					t.Errorf("RTT %v, is 50 to 66 ms and waiting", rtt)
				}
			})
		}
	}
}

func most(counts map[uint16]int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}

// A publisher that never answers is asked a bounded number of times.
func TestLossyLinkWithoutAnswers(t *testing.T) {
	l := newLink(t, 2, 0.05)
	l.answer = func(*link, uint16) []byte { return nil }
	l.run(10 * time.Second)
	lost := l.checkPackets(t)
	if share := float64(lost) / float64(len(l.sent)); share < 0.03 || share > 0.07 {
		t.Errorf("%.3f of the packets are missing", share)
	}
	if most(l.nacks) > DefaultIngestSettings().NACKTries {
		t.Errorf("asked %d times", most(l.nacks))
	}
	if n := len(l.in.demux.sections[0].slots[0].stream.nack.missing); n != 0 {
		t.Errorf("%d packets still waited for", n)
	}
}

// Q-OBS-9, T-130: NACKs for one layer are answered with another layer's packets.
// Nothing is corrupted and no layer begins anew, whatever SSRC they come back on.
func TestRetransmissionOfAnotherLayer(t *testing.T) {
	asSent := func(w wire) wire { return w }
	asOther := func(w wire) wire { return on(w, 11, nil) }
	for name, x := range map[string]struct {
		dress   func(wire) wire
		repeats int
		after   bool // that it is repaired
	}{
		"on that layer's SSRC":                  {asSent, 1, false},
		"again and again":                       {asSent, 8, false},
		"on the SSRC of the layer that lost it": {asOther, 1, false},
		"there, again and again":                {asOther, 8, false},
		"there, after it was repaired":          {asOther, 8, true},
		"as RTX of the layer that lost it": {func(w wire) wire {
			return on(repairOf(w, w.seq), 21, midRepaired("v", "1"))
		}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			i := newIntake(t, simulcast)
			sent := map[string]map[uint16]wire{"0": {}, "1": {}}
			at := map[string]uint16{}
			for n := range uint32(200) {
				for r, rid := range []string{"0", "1"} {
					for part := range 3 - 2*r { // layer 0 is three times as large, and so its numbers run ahead
						w := on(vp8(at[rid], n*intakeFrame, n%60 == 0 && part == 0), uint32(r+10), midRID("v", rid))
						w.payload, w.marker = append(vp8Payload(part == 0, n%60 == 0), byte(r), byte(n), byte(part)), part == 2-2*r
						sent[rid][at[rid]] = w
						if at[rid]%20 != 7 && at[rid]%20 != 8 || rid == "0" {
							i.send(w)
						}
						at[rid]++
					}
				}
				i.pass(33 * ms)
				lost := asked(i.takeSent())
				for n := range x.repeats {
					for _, number := range lost {
						if n == 0 && x.after {
							i.send(sent["1"][number])
						}
						i.send(x.dress(sent["0"][number])) // the first writer of this number
					}
				}
			}
			if n := len(i.video.Layers()); n != 2 {
				t.Fatalf("%d layers", n)
			}
			for _, l := range i.video.Layers() {
				seen := map[int64]bool{}
				for _, p := range i.packets(l) {
					n := uint16(p.Seq - firstCycle)
					if seen[p.Seq] || !slices.Equal(p.Payload, sent[l.RID()][n].payload) {
						t.Fatalf("layer %s, packet %d", l.RID(), n)
					}
					seen[p.Seq] = true
				}
				want := map[string]int{"0": 600, "1": 180}[l.RID()]
				if x.after && l.RID() == "1" {
					want = 200
				}
				if len(seen) != want {
					t.Errorf("layer %s has %d packets, want %d", l.RID(), len(seen), want)
				}
			}
		})
	}
}
