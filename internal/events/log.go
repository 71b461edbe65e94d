package events

import (
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Event is something that happened, or in a snapshot something that holds.
type Event struct {
	// ID is given by the log; readers show the last one they saw to go on after it.
	ID string
	// Name is a word without line breaks.
	Name string
	// Data is what Serve encodes. It is shared by all readers and never changed.
	Data any
}

// Log is an ordered log of the newest events. It is safe for concurrent use.
type Log struct {
	// tag tells the ids of this log from those of another one that had its address
	// before, in an earlier process for example.
	tag  string
	size uint64
	// limit bounds the encoded data that is kept, in bytes; 0 does not.
	limit int

	mu sync.Mutex
	// kept are the newest without their ids, each at its number less one, modulo size.
	kept    []Event
	last    uint64 // the number of the newest event, 0 before the first
	gone    uint64 // the number of the newest event that is not kept any more, or 0
	bytes   int    // the data of those kept
	readers map[*Reader]struct{}
	ended   bool
}

// NewLog makes a log that keeps up to size events, at least one.
func NewLog(size int) *Log {
	return &Log{tag: strings.ToLower(rand.Text()[:6]), size: uint64(max(size, 1)), readers: make(map[*Reader]struct{})}
}

// NewBoundedLog is NewLog for events whose data are json.RawMessage: it drops the
// oldest too while the data of those kept are more than limit bytes, but for the
// newest event.
func NewBoundedLog(size, limit int) *Log {
	l := NewLog(size)
	l.limit = limit
	return l
}

// Tell adds an event and returns at once. After End it does nothing.
func (l *Log) Tell(name string, data any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.keep(Event{Name: name, Data: data})
	l.wake()
}

func (l *Log) keep(e Event) {
	if l.last-l.gone == l.size {
		l.drop()
	}
	if uint64(len(l.kept)) < l.size {
		l.kept = append(l.kept, e)
	} else {
		l.kept[l.last%l.size] = e
	}
	l.last++
	l.bytes += weight(e)
	for l.limit > 0 && l.bytes > l.limit && l.last-l.gone > 1 {
		l.drop()
	}
}

// drop forgets the oldest event that is kept.
func (l *Log) drop() {
	oldest := &l.kept[l.gone%l.size]
	l.bytes -= weight(*oldest)
	*oldest = Event{}
	l.gone++
}

func weight(e Event) int {
	raw, _ := e.Data.(json.RawMessage)
	return len(raw)
}

// End is the last thing that happens to a log: readers get what they have not read
// yet, and then io.EOF. It may be called more than once.
func (l *Log) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.wake()
}

func (l *Log) wake() {
	for r := range l.readers {
		r.wake()
	}
}

// Start is the id before the first event: a reader opened there is told everything,
// if nothing has been dropped yet.
func (l *Log) Start() string { return l.id(0) }

// Open adds a reader. It goes on after lastID, if that is an id of this log and
// nothing after it has been dropped; else snapshot comes first and then what
// happens from now on. The ids of a snapshot are set here. Hold what guards the
// state while making the snapshot and opening, so that nothing is told twice or
// missed. Close the reader when it is no longer needed.
func (l *Log) Open(lastID string, snapshot []Event) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n, _ := l.number(lastID); l.keeps(lastID) {
		return l.open(n, nil)
	}
	return l.open(l.last, snapshot)
}

// OpenAll is Open for a log of what the snapshot does not tell: all that is kept comes
// after it.
func (l *Log) OpenAll(snapshot []Event) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open(l.gone, snapshot)
}

// open adds a reader of first, and of the events after a number. l.mu is held.
func (l *Log) open(after uint64, first []Event) *Reader {
	r := &Reader{log: l, first: slices.Clone(first), next: after + 1, woken: make(chan struct{}, 1)}
	for i := range r.first {
		r.first[i].ID = l.id(after)
	}
	l.readers[r] = struct{}{}
	return r
}

// Keeps tells whether a reader could go on after lastID.
func (l *Log) Keeps(lastID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keeps(lastID)
}

func (l *Log) keeps(lastID string) bool {
	n, ok := l.number(lastID)
	return ok && n >= l.gone
}

// event is the one with this number, which is kept.
func (l *Log) event(n uint64) Event {
	e := l.kept[(n-1)%l.size]
	e.ID = l.id(n)
	return e
}

func (l *Log) id(n uint64) string { return l.tag + "-" + strconv.FormatUint(n, 10) }

// number reads an id of this log.
func (l *Log) number(id string) (uint64, bool) {
	tag, digits, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, tag == l.tag && err == nil && n <= l.last
}
