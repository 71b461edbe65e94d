package peer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

func newQueue(t *testing.T) (*tcpQueue, net.Conn) {
	t.Helper()
	ours, theirs := net.Pipe()
	work := new(sync.WaitGroup)
	q := &tcpQueue{conn: ours, work: work}
	t.Cleanup(func() {
		_ = q.close()
		_ = theirs.Close()
		work.Wait()
	})
	return q, theirs
}

func TestTCPQueueIsBoundedAndKeepsOrder(t *testing.T) {
	q, theirs := newQueue(t)
	packet := make([]byte, 1000)
	var want bytes.Buffer
	for i := 0; ; i++ {
		packet[0] = byte(i)
		if q.behind(false) != (q.size.Load() > tcpPauseBytes) || q.behind(true) != (q.size.Load() > tcpResumeBytes) {
			t.Fatalf("with %d bytes: behind %v, %v", q.size.Load(), q.behind(false), q.behind(true))
		}
		n, err := q.put(packet)
		if err != nil {
			if !errors.Is(err, errTCPFull) || n != 0 {
				t.Errorf("%d, %v", n, err)
			}
			break
		}
		want.Write(packet)
	}
	if want.Len() > tcpWriteBytes || want.Len() < tcpWriteBytes-len(packet) || q.size.Load() != int64(want.Len()) {
		t.Errorf("took %d bytes, %d wait", want.Len(), q.size.Load())
	}
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(theirs, got); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("read something else, %v", err)
	}
	q.work.Wait()
	if q.size.Load() != 0 || q.behind(true) {
		t.Errorf("%d bytes wait", q.size.Load())
	}
	if _, err := q.put(packet); err != nil {
		t.Errorf("has no room again: %v", err)
	}
}

func TestTCPQueueSaysFarewell(t *testing.T) {
	q, theirs := newQueue(t)
	if _, err := q.put([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	_ = q.close()
	if got, err := io.ReadAll(theirs); string(got) != "bye" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := q.put([]byte("more")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("took more: %v", err)
	}
	if !q.behind(false) || !q.behind(true) {
		t.Error("a picture could go on")
	}
}

// What nobody reads does not keep a connection open.
func TestTCPQueueGivesUp(t *testing.T) {
	q, theirs := newQueue(t)
	if _, err := q.put([]byte("never read")); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	_ = q.close()
	q.work.Wait()
	if took := time.Since(started); took > 20*tcpFarewell {
		t.Errorf("took %v", took)
	}
	_ = theirs.SetReadDeadline(time.Now().Add(patience))
	if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("still open: %v", err)
	}
}

func TestTCPQueueOfABrokenConnection(t *testing.T) {
	q, theirs := newQueue(t)
	_ = theirs.Close()
	_, _ = q.put([]byte("lost"))
	q.work.Wait()
	if _, err := q.put([]byte("more")); !errors.Is(err, net.ErrClosed) || q.size.Load() != 0 {
		t.Errorf("%v, %d bytes wait", err, q.size.Load())
	}
}
