package egress

import (
	"errors"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

// bursts are what a publisher's frames and sounds become, in order.
func bursts(t *testing.T, s *source, send ...func()) []router.Burst {
	t.Helper()
	taken := &collect{}
	defer s.video.Subscribe(taken)()
	defer s.audio.Subscribe(taken)()
	for _, f := range send {
		f()
	}
	if len(taken.bursts) != len(send) {
		t.Fatalf("%d bursts, want %d", len(taken.bursts), len(send))
	}
	return taken.bursts
}

// slowWorker is a worker whose rounds a test calls, at times of its own.
type slowWorker struct {
	*Worker
	work tasks
	at   time.Time
}

func newSlowWorker(at time.Time) *slowWorker {
	s := &slowWorker{at: at}
	cfg := DefaultConfig()
	cfg.now = func() time.Time { return s.at }
	s.Worker = newWorker(cfg)
	return s
}

func (s *slowWorker) add(t *testing.T, src *source, line *Line) *Client {
	t.Helper()
	pool := &Pool{workers: []*Worker{s.Worker}}
	c := pool.Add(viewerConfig(), line)
	s.Do(func(now time.Time, shard *router.Shard, out *router.Out) {
		shard.SetSource(now, c.viewer, 0, src.video, out)
		shard.SetSource(now, c.viewer, 1, src.audio, out)
	})
	s.round(&s.work, time.Time{})
	return c
}

// TestALateWorkerDropsPicturesAndKeepsSound: then delay does not grow, and what
// depends on the missing frames is not sent either, until a key frame.
func TestALateWorkerDropsPicturesAndKeepsSound(t *testing.T) {
	src, w := newSource(t), newWire()
	worker := newSlowWorker(src.now)
	client := worker.add(t, src, &w.line)
	round := func(late time.Duration, send ...func()) {
		for _, f := range send {
			f()
		}
		worker.at = src.now.Add(late)
		worker.round(&worker.work, time.Time{})
	}
	count := func() (video, sound int) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, p := range w.packets {
			if p.SSRC == 101 {
				video++
			} else {
				sound++
			}
		}
		return video, sound
	}
	expect := func(what string, video, sound int) {
		t.Helper()
		if v, s := count(); v != video || s != sound {
			t.Fatalf("%s: %d pictures and %d sounds, want %d and %d", what, v, s, video, sound)
		}
	}
	round(0, src.keyFrame)
	round(0, src.sound, src.frame)
	expect("in time", 2, 1)
	round(450*time.Millisecond, src.frame, src.sound)
	expect("a little late", 3, 2)
	round(600*time.Millisecond, src.frame, src.sound)
	expect("too late for pictures", 3, 3)
	src.now = worker.at
	round(0, src.frame, src.sound, src.frame)
	expect("in time again, but without what these depend on", 3, 4)
	if got := client.Viewer().Stats().Stalls; got != 1 {
		t.Errorf("%d stalls, want 1", got)
	}
	round(0, src.keyFrame)
	round(0, src.frame)
	expect("after a key frame", 5, 4)
	round(3*time.Second, src.sound, src.frame)
	expect("far too late for everything", 5, 4)
	for i, last := 0, uint16(0); i < len(w.packets); i++ {
		if p := w.packets[i]; p.SSRC == 101 {
			if last != 0 && p.SequenceNumber != last+1 {
				t.Errorf("number %d after %d: the viewer would ask for what was dropped on purpose", p.SequenceNumber, last)
			}
			last = p.SequenceNumber
		}
	}
}

func TestWhenAWorkerIsSaturated(t *testing.T) {
	start := time.Unix(1000, 0)
	type note struct {
		at, age time.Duration
		shed    bool
	}
	for name, c := range map[string]struct {
		notes []note
		at    time.Duration
		want  bool
	}{
		"never worked":       {},
		"in time":            {notes: []note{{0, 20 * time.Millisecond, false}}},
		"late once":          {notes: []note{{0, 300 * time.Millisecond, false}, {1500 * time.Millisecond, 1, false}}, at: 1500 * time.Millisecond},
		"late now and then":  {notes: []note{{0, time.Second, false}, {500 * time.Millisecond, 1, false}, {1100 * time.Millisecond, time.Second, false}}, at: 1100 * time.Millisecond},
		"late for a second":  {notes: []note{{0, 200 * time.Millisecond, false}, {time.Second, 200 * time.Millisecond, false}}, at: time.Second},
		"late for two":       {notes: []note{{0, 200 * time.Millisecond, false}, {2 * time.Second, 200 * time.Millisecond, false}}, at: 2 * time.Second, want: true},
		"shed once":          {notes: []note{{0, 0, true}, {time.Second, 0, true}}, at: time.Second},
		"shed again":         {notes: []note{{0, 0, true}, {2 * time.Second, 0, true}}, at: 2 * time.Second, want: true},
		"shed long ago":      {notes: []note{{0, 0, true}, {16 * time.Second, 0, true}}, at: 16 * time.Second},
		"shed on and on":     {notes: []note{{0, 0, true}, {2 * time.Second, 0, true}, {5 * time.Second, 0, true}}, at: 7900 * time.Millisecond, want: true},
		"a while afterwards": {notes: []note{{0, 0, true}, {2 * time.Second, 0, true}, {3 * time.Second, 0, false}}, at: 4900 * time.Millisecond, want: true},
		"recovered":          {notes: []note{{0, 0, true}, {2 * time.Second, 0, true}, {3 * time.Second, 0, false}}, at: 5100 * time.Millisecond},
	} {
		var l load
		for _, n := range c.notes {
			l.note(start.Add(n.at), n.age, n.shed)
		}
		if got := l.saturated(start.Add(c.at)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAFullConnectionStopsThePicture of its viewer and of nobody else.
func TestAFullConnectionStopsThePicture(t *testing.T) {
	src := newSource(t)
	worker := newSlowWorker(src.now)
	slow, quick := newStream(t), newStream(t)
	client := worker.add(t, src, &slow.line)
	worker.add(t, src, &quick.line)
	round := func(send ...func()) {
		for _, f := range send {
			f()
			worker.at = src.now
			worker.round(&worker.work, time.Time{})
		}
	}
	round(src.keyFrame, src.frame)
	slow.refuse = errors.New("full")
	round(src.frame)
	slow.refuse = nil
	round(src.frame, src.sound, src.frame)
	if slow.taken != 3 || quick.taken != 6 {
		t.Errorf("%d and %d packets, want 3 and 6", slow.taken, quick.taken)
	}
	round(src.keyFrame, src.frame)
	if slow.taken != 5 || quick.taken != 8 || client.Line().Dropped() != 1 {
		t.Errorf("%d and %d packets after a key frame, %d dropped; want 5, 8 and 1", slow.taken, quick.taken, client.Line().Dropped())
	}
}

// streamConn is a connection over TCP.
type streamConn struct {
	line   Line
	refuse error
	taken  int
}

func newStream(t *testing.T) *streamConn {
	t.Helper()
	s := new(streamConn)
	if _, err := s.line.Seal(newKeys(t, AEADAES128GCM)); err != nil {
		t.Fatal(err)
	}
	s.line.Move(Path{Stream: func(b []byte) error {
		if s.refuse == nil && b[1] != 200 {
			s.taken++
		}
		return s.refuse
	}})
	return s
}

// TestAFloodOfFeedbackIsItsOwnLoss: what others say is still heard.
func TestAFloodOfFeedbackIsItsOwnLoss(t *testing.T) {
	in := newInbox(1, 1000)
	hostile, quiet := &Client{}, &Client{}
	for range 5000 {
		in.feedback(hostile, nil)
	}
	in.feedback(quiet, nil)
	var got tasks
	in.take(&got)
	if n := len(got.feedbacks.list); n != maxPerViewer+1 || got.feedbacks.list[n-1].client != quiet {
		t.Errorf("%d kept, want %d and the quiet one", n, maxPerViewer)
	}
	if in.shed != 5000-maxPerViewer {
		t.Errorf("%d dropped", in.shed)
	}
}
