package peer

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"
)

// talk is what a session would do with data channels: it takes those with label chat.
type talk struct {
	mu      sync.Mutex
	heard   []string
	opened  []*DataChannel
	closed  int
	tooLong int
}

func (k *talk) take(c *DataChannel) (func([]byte, bool), func(), bool) {
	if c.Label() != "chat" {
		return nil, nil, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened = append(k.opened, c)
	return k.hear, k.leave, true
}

func (k *talk) hear(data []byte, text bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if data == nil {
		k.tooLong++
		return
	}
	k.heard = append(k.heard, fmt.Sprintf("%s %v", data, text))
}

func (k *talk) leave() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed++
}

func (k *talk) look() (heard []string, opened []*DataChannel, closed, tooLong int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.heard, k.opened, k.closed, k.tooLong
}

// waitOpen returns the n-th channel that was taken.
func (k *talk) waitOpen(t testing.TB, n int) *DataChannel {
	t.Helper()
	eventually(t, fmt.Sprintf("channel %d", n), func() bool { _, o, _, _ := k.look(); return len(o) >= n })
	_, opened, _, _ := k.look()
	return opened[n-1]
}

// wire is the client's end of a data channel.
type wire struct {
	*webrtc.DataChannel
	open, closed chan struct{}

	mu  sync.Mutex
	got []string
}

func (c *client) channel(label string) *wire {
	c.t.Helper()
	d, err := c.pc.CreateDataChannel(label, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	w := &wire{DataChannel: d, open: make(chan struct{}), closed: make(chan struct{})}
	d.OnOpen(func() { close(w.open) })
	d.OnClose(func() { close(w.closed) })
	d.OnMessage(func(m webrtc.DataChannelMessage) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.got = append(w.got, fmt.Sprintf("%s %v", m.Data, m.IsString))
	})
	return w
}

func (w *wire) received() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.got
}

func await(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	eventually(t, what, func() bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	})
}

// withData connects a client of either sort.
func withData(t testing.TB, h *Host, c *client, publisher bool, rewrite ...func(string, bool) string) (*Conn, *recorder) {
	if publisher {
		p := publish(t, h, c, rewrite...)
		return p.conn, p.events
	}
	v := play(t, h, c, playPolicy, rewrite...)
	return v.conn, v.events
}

func TestDataChannelCarriesBothWays(t *testing.T) {
	for name, publisher := range map[string]bool{"publisher": true, "viewer": false} {
		t.Run(name, func(t *testing.T) {
			k := &talk{}
			c := newClient(t)
			c.data = k.take
			w := c.channel("chat")
			conn, _ := withData(t, newTestHost(t), c, publisher)
			d := k.waitOpen(t, 1)
			await(t, "the client sees it open", w.open)
			_ = w.SendText("hello")
			_ = w.Send([]byte{'b', 'i', 'n'})
			_ = w.SendText("")
			_ = w.SendText(strings.Repeat("x", MaxDataMessage))
			_ = w.SendText(strings.Repeat("y", MaxDataMessage+1))
			_ = w.SendText("after")
			eventually(t, "all are heard", func() bool { h, _, _, _ := k.look(); return len(h) == 5 })
			heard, _, _, tooLong := k.look()
			if heard[0] != "hello true" || heard[1] != "bin false" || heard[2] != " true" || len(heard[3]) != MaxDataMessage+5 || heard[4] != "after true" || tooLong != 1 {
				t.Errorf("heard %.20q, %d too long", heard, tooLong)
			}
			if !d.Send([]byte("to you"), true) || !d.Send([]byte{'0'}, false) {
				t.Error("nothing can be sent")
			}
			eventually(t, "the client hears", func() bool { return len(w.received()) == 2 })
			if got := w.received(); got[0] != "to you true" || got[1] != "0 false" {
				t.Errorf("got %q", got)
			}
			_ = conn.Close()
			if _, _, closed, _ := k.look(); closed != 1 {
				t.Errorf("told of the end %d times when Close returned", closed)
			}
			if d.Send([]byte("late"), true) || d.Missed() != 1 {
				t.Errorf("sent after the end, missed %d", d.Missed())
			}
		})
	}
}

// A client may close a channel and open another one of that name; the gateway may
// close one too.
func TestDataChannelEndsFromBothSides(t *testing.T) {
	k := &talk{}
	c := newClient(t)
	c.data = k.take
	w := c.channel("chat")
	withData(t, newTestHost(t), c, true)
	k.waitOpen(t, 1)
	await(t, "open", w.open)
	_ = w.Close()
	eventually(t, "its end is told", func() bool { _, _, n, _ := k.look(); return n == 1 })
	w = c.channel("chat")
	k.waitOpen(t, 2).Close()
	await(t, "the client sees the end", w.closed)
	eventually(t, "its end is told", func() bool { _, _, n, _ := k.look(); return n == 2 })
}

func TestDataChannelsAreFew(t *testing.T) {
	k := &talk{}
	c := newClient(t)
	c.data = k.take
	other := c.channel("files")
	var wires []*wire
	for range maxDataChannels {
		wires = append(wires, c.channel("chat"))
	}
	_, events := withData(t, newTestHost(t), c, false)
	k.waitOpen(t, maxDataChannels)
	await(t, "the label nobody wants is closed", other.closed)
	events.wait(t, DataChannelRefused, 1)
	if l := events.detail(DataChannelRefused); l != "files" {
		t.Errorf("label %q", l)
	}
	more := c.channel("chat")
	await(t, "one too many is closed", more.closed)
	_ = wires[0].Close()
	eventually(t, "there is room", func() bool { _, _, n, _ := k.look(); return n == 1 })
	c.channel("chat")
	k.waitOpen(t, maxDataChannels+1)
}

// A client that opens channels for ever ends its session.
func TestDataChannelsForEver(t *testing.T) {
	k := &talk{}
	c := newClient(t)
	c.data = k.take
	first := c.channel("chat")
	_, events := withData(t, newTestHost(t), c, true)
	await(t, "open", first.open)
	for i := 0; events.count(TooManyStreams) == 0; i++ {
		if i > maxDataChannelsEver+64 {
			t.Fatal("nobody minds")
		}
		w := c.channel([]string{"chat", strings.Repeat("l", 200)}[i%2])
		eventually(t, "something happens", func() bool {
			select {
			case <-w.closed:
				return true
			case <-w.open:
				return w.Close() == nil
			default:
				return false
			}
		})
	}
	if l := events.detail(DataChannelRefused); len(l) > clippedLabel {
		t.Errorf("a label of %d bytes is noted", len(l))
	}
}

// A receiver that hears nothing holds up nobody: it misses messages once 256 KiB wait.
func TestDataChannelOfADeafReceiver(t *testing.T) {
	k := &talk{}
	h := newTestHost(t)
	n := newNAT(t, h.Addr())
	c := newClient(t)
	c.data = k.take
	w := c.channel("chat")
	withData(t, h, c, false, n.inAnswer)
	d := k.waitOpen(t, 1)
	await(t, "open", w.open)
	n.watch(func(fromServer bool, _ []byte) bool { return !fromServer })
	message := make([]byte, MaxDataMessage)
	sent := 0
	for d.Send(message, false) {
		sent++
	}
	if sent < maxDataBuffered/MaxDataMessage || sent > maxDataBuffered/MaxDataMessage+2 {
		t.Errorf("%d messages of 16 KiB were taken", sent)
	}
	if d.Send([]byte("more"), true) || d.Missed() != 2 {
		t.Errorf("missed %d", d.Missed())
	}
	n.watch(nil)
	eventually(t, "what waited arrives", func() bool { return len(w.received()) >= sent })
	eventually(t, "it can be sent to again", func() bool { return d.Send([]byte("again"), true) })
}

// BenchmarkDataChannelMemory tells what a session holds on to, with data channels
// and without: both ends are in this process, so that half of the difference is the
// gateway's.
func BenchmarkDataChannelMemory(b *testing.B) {
	for name, labels := range map[string][]string{"none": nil, "one": {"chat"}, "four": {"chat", "chat", "chat", "chat"}} {
		b.Run(name, func(b *testing.B) {
			h := newTestHost(b)
			before := heap()
			n := 0
			for b.Loop() {
				k := &talk{}
				c := newClient(b, func(s *webrtc.SettingEngine) { s.DetachDataChannels() })
				c.data = k.take
				for _, l := range labels {
					c.channel(l)
				}
				v := play(b, h, c, playPolicy)
				v.client.waitState(webrtc.PeerConnectionStateConnected)
				v.events.wait(b, DTLSConnected, 1)
				if len(labels) > 0 {
					k.waitOpen(b, len(labels))
				}
				n++
			}
			b.ReportMetric((float64(heap())-float64(before))/float64(n)/1024, "KiB/pair")
		})
	}
}
