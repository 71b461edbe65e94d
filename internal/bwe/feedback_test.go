package bwe

import (
	"testing"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"pgregory.net/rapid"
)

// bodies are the feedback packets of a recorder, from behind their media SSRC.
func bodies(r *twcc.Recorder) (all [][]byte) {
	for _, p := range r.BuildFeedbackPacket() {
		b, err := p.(*rtcp.TransportLayerCC).Marshal()
		if err != nil {
			panic(err)
		}
		all = append(all, b[rtcpToMedia:])
	}
	return all
}

// read walks a feedback and returns the arrivals by number, relative to zero.
func read(f feedback) map[uint16]int64 {
	got := map[uint16]int64{}
	w := walker{chunks: f.chunks, deltas: f.deltas, arrival: int64(f.reference) * referenceUnit}
	for i := range f.count {
		if w.next() {
			got[f.base+uint16(i)] = w.arrival
		}
	}
	return got
}

func TestPropertyFeedbackIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		recorder := twcc.NewRecorder(1)
		number := rapid.Uint16().Draw(t, "first")
		at := rapid.Int64Range(0, 1<<38).Draw(t, "start")
		want := map[uint16]int64{}
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			if rapid.IntRange(0, 9).Draw(t, "lost") > 0 {
				recorder.Record(1, number, at)
				want[number] = at
			}
			number++
			at += rapid.OneOf(rapid.Int64Range(0, 60_000), rapid.Int64Range(0, 9_000_000)).Draw(t, "later")
		}
		for _, b := range bodies(recorder) {
			f, ok := parseFeedback(b)
			if !ok {
				t.Fatalf("cannot read %x", b)
			}
			for n, arrival := range read(f) {
				off := arrival - want[n]
				if _, sent := want[n]; !sent || max(off, -off) > deltaUnit {
					t.Fatalf("packet %d: %d, want %d", n, arrival, want[n])
				}
				delete(want, n)
			}
		}
		if len(want) > 0 {
			t.Fatalf("not told: %v", want)
		}
	})
}

func FuzzFeedback(f *testing.F) {
	recorder := twcc.NewRecorder(1)
	for i := range uint16(100) {
		if i%7 != 0 {
			recorder.Record(1, i, int64(i)*int64(i)*100)
		}
	}
	for _, b := range bodies(recorder) {
		f.Add(b)
	}
	f.Add([]byte{0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0x1F, 0xFF})
	f.Add([]byte{0, 5, 0, 2, 0xFF, 0xFF, 0xFF, 0, 0x20, 2, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		e := New(DefaultConfig())
		for range 600 {
			e.Sent(start, 1000)
		}
		e.Feedback(start, b)
		parsed, ok := parseFeedback(b)
		if ok && len(read(parsed)) > parsed.count {
			t.Error("more packets than were counted")
		}
		again(e, b)
		if bits, _ := e.Estimate(); bits < DefaultConfig().Least || bits > DefaultConfig().Most {
			t.Errorf("estimate %d", bits)
		}
	})
}

// again feeds b as feedback on what was just sent, at times that b chooses.
func again(e *Estimator, b []byte) {
	if len(b) < feedbackHeader {
		return
	}
	now, body := start, append([]byte(nil), b...)
	for i := range 40 {
		body[0], body[1] = byte((e.Number())>>8), byte(e.Number())
		body[6] += b[i%len(b)] % 8 // the reference time
		e.Want(0, 3_000_000, false)
		for range 50 {
			now = now.Add(time.Duration(b[(i+7)%len(b)]) * time.Millisecond / 20)
			e.Sent(now, 1000)
			e.Padding(now)
		}
		e.Feedback(now, body)
	}
}

func TestFeedbackThatCannotBeReadIsIgnored(t *testing.T) {
	for name, b := range map[string][]byte{
		"short":               {0, 0, 0, 1, 0, 0, 0},
		"no statuses":         {0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 4, 0},
		"no chunk":            {0, 0, 0, 1, 0, 0, 0, 0},
		"half a chunk":        {0, 0, 0, 1, 0, 0, 0, 0, 0x20},
		"no delta":            {0, 0, 0, 1, 0, 0, 0, 0, 0x20, 1},
		"half a large delta":  {0, 0, 0, 1, 0, 0, 0, 0, 0x40, 1, 0},
		"reserved run":        {0, 0, 0, 1, 0, 0, 0, 0, 0x60, 1, 0, 0, 0},
		"reserved in vector":  {0, 0, 0, 3, 0, 0, 0, 0, 0xD3, 0, 0, 0, 0, 0},
		"too many statuses":   append([]byte{0, 0, 0xFF, 0xFF, 0, 0, 0, 0}, make([]byte, 40)...),
		"empty runs for ever": append([]byte{0, 0, 0, 1, 0, 0, 0, 0}, make([]byte, 40)...),
	} {
		if _, ok := parseFeedback(b); ok {
			t.Errorf("%s: accepted", name)
		}
	}
	e := New(DefaultConfig())
	e.Sent(start, 100)
	e.Feedback(start, []byte{0, 1, 0, 1, 0, 0, 0, 0, 0x20, 1, 4, 0})
	if e.heard != 0 {
		t.Error("feedback on what was never sent tells something")
	}
	e.Feedback(start, []byte{0, 0, 0, 1, 0, 0, 0, 0, 0x20, 1, 4, 0})
	if e.heard == 0 {
		t.Error("feedback tells nothing")
	}
}
