package depacket

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const wait = 50 * time.Millisecond

func numbered(n uint16) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{SequenceNumber: n}, Payload: []byte{1}}
}

// drain pops all that is due and returns the numbers and how many were lost.
func drain(q *Queue, now time.Time) (numbers []uint16, lost int) {
	for {
		p, n := q.Pop(now)
		if p == nil {
			return numbers, lost
		}
		numbers, lost = append(numbers, p.SequenceNumber), lost+n
	}
}

func TestAPacketThatIsMissingIsWaitedFor(t *testing.T) {
	q := NewQueue(wait)
	for _, n := range []uint16{65534, 65535, 1} {
		q.Push(epoch, numbered(n))
	}
	if got, lost := drain(q, epoch.Add(wait-1)); len(got) != 2 || lost != 0 {
		t.Fatalf("%v, %d lost", got, lost)
	}
	if due, ok := q.Due(); !ok || !due.Equal(epoch.Add(wait)) {
		t.Errorf("due %v, %v", due, ok)
	}
	q.Push(epoch.Add(wait-1), numbered(0))
	if got, lost := drain(q, epoch.Add(wait-1)); len(got) != 2 || got[0] != 0 || lost != 0 || q.Repaired != 1 {
		t.Errorf("%v, %d lost, %d repaired", got, lost, q.Repaired)
	}
	if _, ok := q.Due(); ok {
		t.Error("an empty queue waits for something")
	}
}

func TestAPacketThatDoesNotComeIsGivenUp(t *testing.T) {
	q := NewQueue(wait)
	q.Push(epoch, numbered(1))
	q.Push(epoch, numbered(4))
	drain(q, epoch)
	if got, lost := drain(q, epoch.Add(wait)); len(got) != 1 || lost != 2 || q.Lost != 2 {
		t.Errorf("%v, %d lost, counted %d", got, lost, q.Lost)
	}
	q.Push(epoch.Add(wait), numbered(2))
	q.Push(epoch.Add(wait), numbered(4))
	if got, _ := drain(q, epoch.Add(time.Hour)); got != nil || q.Late != 2 {
		t.Errorf("late packets came out: %v, %d counted", got, q.Late)
	}
}

func TestAFullQueueDoesNotWait(t *testing.T) {
	q := NewQueue(time.Hour)
	q.Push(epoch, numbered(0))
	drain(q, epoch)
	for n := range uint16(maxHeld) {
		q.Push(epoch, numbered(n+2))
	}
	if got, lost := drain(q, epoch); len(got) != maxHeld || lost != 1 {
		t.Errorf("%d packets, %d lost", len(got), lost)
	}
}

func TestALeapOfNumbersIsANewSender(t *testing.T) {
	q := NewQueue(wait)
	for _, n := range []uint16{10, 30_000, 30_001} {
		q.Push(epoch, numbered(n))
	}
	if got, lost := drain(q, epoch); len(got) != 2 || got[0] != 30_000 || lost != 0 {
		t.Errorf("%v, %d lost", got, lost)
	}
}

// TestWhateverTheNetworkDoesOrderIsKept shuffles, loses and doubles packets.
func TestWhateverTheNetworkDoesOrderIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint16().Draw(t, "first")
		q := NewQueue(wait)
		now := epoch
		q.Push(now, numbered(first))
		received := map[uint16]bool{first: true}
		var out []uint16
		for range rapid.IntRange(0, 200).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "ms")) * time.Millisecond)
			n := first + uint16(rapid.IntRange(1, 300).Draw(t, "ahead"))
			received[n] = true
			q.Push(now, numbered(n))
			got, _ := drain(q, now)
			out = append(out, got...)
		}
		got, _ := drain(q, now.Add(wait))
		out = append(out, got...)
		for i, n := range out {
			if !received[n] {
				t.Fatalf("%d never came", n)
			}
			if i > 0 && n-first <= out[i-1]-first {
				t.Fatalf("%d after %d", n, out[i-1])
			}
		}
		if span := uint64(out[len(out)-1]-first) + 1; span != uint64(len(out))+q.Lost || q.Received != uint64(len(out)) {
			t.Fatalf("%d numbers, %d out, %d lost, %d received", span, len(out), q.Lost, q.Received)
		}
	})
}

func TestTimelineFollowsTimestamps(t *testing.T) {
	tl := Timeline{Rate: 90_000, Origin: epoch}
	at := func(stamp uint32, arrival time.Duration) time.Duration { return tl.At(stamp, epoch.Add(arrival)) }
	const top = ^uint32(0)
	for i, tc := range []struct {
		stamp         uint32
		arrival, want time.Duration
	}{
		{top - 44_999, time.Second, time.Second},                            // the first: by arrival
		{top, 1600 * time.Millisecond, time.Second + Ticks(44_999, 90_000)}, // late, but the timestamp counts
		{0, 1600 * time.Millisecond, 1500 * time.Millisecond},               // wrapped
		{45_000, 1700 * time.Millisecond, 2 * time.Second},                  // a gap that the sender made
		{22_500, 1700 * time.Millisecond, 1750 * time.Millisecond},          // reordered for display
		{1 << 31, 2500 * time.Millisecond, 2500 * time.Millisecond},         // another sender
		{1<<31 + 90, 2501 * time.Millisecond, 2501 * time.Millisecond},
	} {
		if got := at(tc.stamp, tc.arrival); got != tc.want {
			t.Errorf("%d: %v, want %v", i, got, tc.want)
		}
	}
	tl.Restart()
	if got := at(0, 9*time.Second); got != 9*time.Second {
		t.Errorf("after a restart: %v", got)
	}
	tl.Restart()
	if got := at(0, 8*time.Second); got != 9*time.Second {
		t.Errorf("a restart went back: %v", got)
	}
}

func TestStampIsTheOppositeOfTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<40).Draw(t, "ticks")
		rate := rapid.SampledFrom([]uint32{8000, 48_000, 90_000}).Draw(t, "rate")
		if got := Stamp(Ticks(n, rate), rate); got != uint32(n) {
			t.Fatalf("%d ticks of %d Hz came back as %d", n, rate, got)
		}
	})
}
