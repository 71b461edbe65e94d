package egress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

func marshalled(t testing.TB, packets ...rtcp.Packet) []byte {
	t.Helper()
	b, err := rtcp.Marshal(packets)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatWakesAWorker(t *testing.T) {
	var (
		report = &rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 100}}}
		nack   = &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: 100, Nacks: []rtcp.NackPair{{PacketID: 7}}}
		pli    = &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 100}
		fir    = &rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: 100}}}
		remb   = &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: 1, Bitrate: 1e6, SSRCs: []uint32{100}}
		sdes   = rtcp.NewCNAMESourceDescription(1, "x")
	)
	transportWide := append([]byte{0x8f, 205, 0, 5}, make([]byte, 20)...)
	for name, tc := range map[string]struct {
		b    []byte
		want bool
	}{
		"receiver report":               {marshalled(t, report, sdes), false},
		"transport-wide feedback":       {transportWide, false},
		"REMB":                          {marshalled(t, report, remb), false},
		"BYE":                           {marshalled(t, &rtcp.Goodbye{Sources: []uint32{1}}), false},
		"NACK":                          {marshalled(t, nack), true},
		"PLI":                           {marshalled(t, pli), true},
		"FIR":                           {marshalled(t, fir), true},
		"PLI at the end of a compound":  {marshalled(t, report, sdes, pli), true},
		"NACK behind what is no packet": {append([]byte{0, 0, 0, 0}, marshalled(t, nack)...), false},
		"a length beyond the end":       {[]byte{0x81, 201, 0xff, 0xff, 0x81, 206, 0, 0}, false},
		"nothing":                       {nil, false},
	} {
		if got := wakes(tc.b); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzWakes(f *testing.F) {
	f.Add([]byte{0x81, 206, 0, 2, 0, 0})
	f.Fuzz(func(_ *testing.T, b []byte) { wakes(b) })
}

// A report waits for the next round, but not long; what asks for something does not
// wait, and takes with it what does.
func TestReportsWaitForTheNextRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := DefaultConfig()
		cfg.Workers = 1
		pool := Start(cfg)
		defer pool.Close()
		client := pool.Add(viewerConfig(), new(Line))
		report := marshalled(t, &rtcp.ReceiverReport{SSRC: 1})
		pli := marshalled(t, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: 100})
		waiting := func() int32 { synctest.Wait(); return client.waiting.Load() }
		for round := range 3 {
			time.Sleep(100 * time.Millisecond)
			if waiting() != 0 {
				t.Fatal("something waits already")
			}
			client.RTCP(report)
			time.Sleep(feedbackWait / 2)
			client.RTCP(report)
			time.Sleep(feedbackWait/2 - 1)
			if n := waiting(); n != 2 {
				t.Errorf("round %d: %d wait, want 2", round, n)
			}
			time.Sleep(time.Nanosecond)
			if n := waiting(); n != 0 {
				t.Errorf("round %d: %d wait too long", round, n)
			}
			client.RTCP(report)
			client.RTCP(pli)
			if n := waiting(); n != 0 {
				t.Errorf("round %d: %d wait beside a PLI", round, n)
			}
		}
	})
}

// A timer that was set for what has been handled since must not make later packets wait
// longer.
func TestFeedbackAfterAnEarlierRoundWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := newInbox(1, 10)
		var work tasks
		in.feedback(new(Client), []byte{0x80, 201, 0, 0})
		time.Sleep(feedbackWait / 2)
		in.take(&work)
		in.feedback(new(Client), []byte{0x80, 201, 0, 0})
		start := time.Now()
		<-in.late.C
		if waited := time.Since(start); waited > feedbackWait || !in.overdue() {
			t.Errorf("%v", waited)
		}
		work.reset()
		in.take(&work)
		in.feedback(new(Client), []byte{0x80, 201, 0, 0})
		<-in.late.C // it was set again
		in.take(new(tasks))
		if in.overdue() {
			t.Error("a round for nothing")
		}
	})
}

func TestFeedbackIsCopiedOnce(t *testing.T) {
	in, client := newInbox(1, 100), new(Client)
	var work tasks
	b := make([]byte, 100)
	round := func() {
		work.reset()
		for i := range 10 {
			b[4], b[5] = byte(i), 1
			in.feedback(client, b[:60+i])
		}
		clear(b)
		in.take(&work)
		client.waiting.Store(0)
	}
	round()
	for i, f := range work.feedbacks.list {
		if got := work.feedbacks.of(f); len(got) != 60+i || got[4] != byte(i) || got[5] != 1 {
			t.Errorf("packet %d: %x", i, got)
		}
	}
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations for ten packets", n)
	}
}

// The memory of a flood is neither unbounded nor kept.
func TestTheTextOfFeedbackIsBounded(t *testing.T) {
	in := newInbox(1, 1<<20)
	b := bytes.Repeat([]byte{1}, 1500)
	for range maxFeedbackBytes/1500 + 100 {
		in.feedback(new(Client), b)
	}
	var work tasks
	in.take(&work)
	if len(work.feedbacks.text) > maxFeedbackBytes || in.shedFeedback != 100 {
		t.Errorf("%d bytes, %d dropped", len(work.feedbacks.text), in.shedFeedback)
	}
	if work.reset(); cap(work.feedbacks.text) > keptFeedbackBytes {
		t.Errorf("%d bytes kept", cap(work.feedbacks.text))
	}
}
