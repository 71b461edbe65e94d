package floor

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestEveryCaseRuns(t *testing.T) {
	for _, c := range Cases() {
		r, err := Measure(c, 5*time.Millisecond)
		if err != nil {
			t.Errorf("%s: %v", c, err)
			continue
		}
		if r.Packets < c.round() || r.NsPerPacket < 0 || r.Case != c.String() {
			t.Errorf("%+v", r)
		}
	}
}

func TestRunsArriveAsPackets(t *testing.T) {
	var sinks []*net.UDPConn
	var ports []int
	for range 8 { // few packets for each, so that none is dropped
		sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer sink.Close()
		sinks, ports = append(sinks, sink), append(ports, sink.LocalAddr().(*net.UDPAddr).Port)
	}
	for _, c := range []Case{{Sending: Many}, {Seal: true, Sending: Runs, Run: 4}} {
		s, err := newSender(c, ports)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.once(); err != nil {
			t.Fatal(err)
		}
		s.close()
		for i := range c.round() {
			sink := sinks[i%len(sinks)]
			_ = sink.SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, err := sink.Read(make([]byte, 1<<16)); err != nil || n != packetBytes {
				t.Fatalf("%s: packet %d has %d bytes, %v", c, i, n, err)
			}
		}
	}
}

// waiting adds up the bytes that nobody has read yet from the sockets of ports.
func waiting(t *testing.T, ports []int) (bytes int64) {
	t.Helper()
	table, err := os.ReadFile("/proc/net/udp")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line) // number, address:port, peer, state, sending:receiving queue, …
		_, port, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseInt(port, 16, 32); err == nil && slices.Contains(ports, int(n)) {
			_, queue, _ := strings.Cut(fields[4], ":")
			n, _ := strconv.ParseInt(queue, 16, 64)
			bytes += n
		}
	}
	return bytes
}

func TestDrainedSinksAreRead(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ports := make(chan []int, 1)
	done := make(chan error, 1)
	go func() { // waited for below
		done <- Drain(ctx, func(list []int) error { ports <- list; return nil })
	}()
	list := <-ports
	if len(list) != sinkCount {
		t.Fatalf("%d sinks", len(list))
	}
	if _, err := Measure(Reference(), 20*time.Millisecond, list...); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(10 * time.Second); waiting(t, list) > 0; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("what was sent is not read")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := Drain(t.Context(), func([]int) error { return errors.New("nobody listens") }); err == nil {
		t.Error("an error of tell is lost")
	}
}

func TestTheReferenceHasAPlausiblePrice(t *testing.T) {
	r, err := Measure(Reference(), 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.NsPerPacket < 50 || r.NsPerPacket > 100_000 {
		t.Errorf("%+v", r)
	}
}
