package testkit

import (
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// Data is a data channel of a peer. It is safe for concurrent use.
type Data struct {
	*webrtc.DataChannel
	t      testing.TB
	closed chan struct{}
	came   chan struct{} // one token: there is something new

	mu  sync.Mutex
	got []string
}

// openData makes the channels with these labels, which are in the offer then.
func openData(t testing.TB, pc *webrtc.PeerConnection, labels []string) map[string]*Data {
	t.Helper()
	all := make(map[string]*Data)
	for _, label := range labels {
		c, err := pc.CreateDataChannel(label, nil)
		must(t, err)
		d := &Data{DataChannel: c, t: t, closed: make(chan struct{}), came: make(chan struct{}, 1)}
		c.OnOpen(d.tell)
		c.OnClose(func() { close(d.closed) })
		c.OnMessage(d.take)
		all[label] = d
	}
	return all
}

func (d *Data) tell() {
	select {
	case d.came <- struct{}{}:
	default:
	}
}

func (d *Data) take(m webrtc.DataChannelMessage) {
	d.mu.Lock()
	d.got = append(d.got, string(m.Data))
	d.mu.Unlock()
	d.tell()
}

// Got are the messages so far.
func (d *Data) Got() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.got...)
}

// Closed is closed when the gateway, or the end of the connection, closed the channel.
func (d *Data) Closed() <-chan struct{} { return d.closed }

// Wait waits until n messages came and returns them.
func (d *Data) Wait(limit time.Duration, n int) []string {
	d.t.Helper()
	d.until(limit, "messages", func() bool { return len(d.Got()) >= n })
	return d.Got()
}

// Say waits until the channel is open, and sends a text.
func (d *Data) Say(text string) {
	d.t.Helper()
	d.until(10*time.Second, "an open channel", func() bool { return d.ReadyState() == webrtc.DataChannelStateOpen })
	must(d.t, d.SendText(text))
}

func (d *Data) until(limit time.Duration, what string, ok func() bool) {
	d.t.Helper()
	late := time.After(limit)
	for !ok() {
		select {
		case <-d.came:
		case <-d.closed:
			d.t.Fatalf("the channel %q was closed instead of %s", d.Label(), what)
		case <-late:
			d.t.Fatalf("no %s on the channel %q after %v, but %q", what, d.Label(), limit, d.Got())
		}
	}
	d.tell() // for whoever waits next
}
