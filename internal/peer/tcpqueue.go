package peer

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// tcpWriteBytes is what may wait for a slow client before packets are dropped,
	// whatever they are: writing must not block.
	tcpWriteBytes = 1 << 20
	// tcpPauseBytes is what may wait before its picture pauses. The rest is room
	// for the end of a frame, and for sound.
	tcpPauseBytes = tcpWriteBytes * 3 / 4
	// tcpResumeBytes is what may still wait when the picture goes on: little, because
	// it is old.
	tcpResumeBytes = tcpWriteBytes / 16
	// tcpChunkBytes is how much is given to the kernel at once.
	tcpChunkBytes = 16 << 10
	// tcpKernelBytes is asked for as the kernel's send buffer, which else grows to
	// 4 MiB of media that is late already. Linux doubles it, for its bookkeeping.
	tcpKernelBytes = 256 << 10
	// tcpFarewell is how long a connection that is closed may take to say what it
	// was given before: much more than it takes, because a busy machine may not get to it
	// for a while.
	tcpFarewell = time.Second
)

var errTCPFull = errors.New("the client's connection takes less than it is sent")

// tcpQueue is what waits to be written on a connection. Writers never wait: a
// goroutine does, which there is only while something waits.
//
// Ownership: the goroutines are counted in work; close ends them within
// tcpFarewell. Safe for concurrent use.
type tcpQueue struct {
	conn net.Conn
	work *sync.WaitGroup
	// size is how many bytes wait, those of the chunk that is being written included.
	size   atomic.Int64
	closed atomic.Bool // set with mu held

	mu      sync.Mutex
	waiting []byte
	writing bool // the goroutine runs
}

// put adds bytes to the end, all or none.
func (q *tcpQueue) put(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed.Load() {
		return 0, net.ErrClosed
	}
	if int(q.size.Load())+len(b) > tcpWriteBytes {
		return 0, errTCPFull
	}
	q.size.Add(int64(len(b)))
	q.waiting = append(q.waiting, b...)
	if !q.writing {
		q.writing = true
		q.work.Go(q.write)
	}
	return len(b), nil
}

// write writes until nothing waits, or the connection is broken.
func (q *tcpQueue) write() {
	for b := q.take(nil); b != nil; b = q.take(b) {
		for from := 0; from < len(b); from += tcpChunkBytes {
			chunk := b[from:min(from+tcpChunkBytes, len(b))]
			if _, err := q.conn.Write(chunk); err != nil {
				q.broken()
				return
			}
			q.size.Add(-int64(len(chunk)))
		}
	}
}

// take returns what waits, and nil if that is nothing: then the caller must end.
// spare is used for what comes, unless it has grown large.
func (q *tcpQueue) take(spare []byte) []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.writing = false
		if q.closed.Load() {
			_ = q.conn.Close() // whoever closed the queue was told
		}
		return nil
	}
	b := q.waiting
	if cap(spare) > 4*tcpChunkBytes {
		spare = nil
	}
	q.waiting = spare[:0]
	return b
}

// broken ends a queue whose connection takes no more: half a packet may have been
// written, and what follows could not be told apart.
func (q *tcpQueue) broken() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed.Store(true)
	q.writing, q.waiting = false, nil
	q.size.Store(0)
	_ = q.conn.Close() // its reader sees the error, too
}

// close lets what waits be written, but not for long, and then closes the
// connection. Reading ends at once.
func (q *tcpQueue) close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed.Store(true)
	if !q.writing {
		return q.conn.Close()
	}
	now := time.Now()
	return errors.Join(q.conn.SetReadDeadline(now), q.conn.SetWriteDeadline(now.Add(tcpFarewell)))
}

// behind tells that too much waits for pictures to go on, or, if they are paused, to
// begin again. On a connection that is closed they never do.
func (q *tcpQueue) behind(paused bool) bool {
	most := int64(tcpPauseBytes)
	if paused {
		most = tcpResumeBytes
	}
	return q.size.Load() > most || q.closed.Load()
}
