package egress

// The bounds of one batch. A run is what the kernel cuts into segments: 64 of
// them and 64 KB at most (UDP_MAX_SEGMENTS, and the length of an IPv4 datagram).
const (
	arenaBytes = 256 << 10
	// perCall is how many runs one system call takes, maxRuns how many a batch
	// holds. enough is when it is sent between two viewers: most have no more than
	// a few runs at a time.
	perCall     = 64
	maxRuns     = 2 * perCall
	enough      = perCall - 4
	maxSegments = 64
	maxRunBytes = 65000
	// sealOverhead is the most that sealing adds to a packet.
	sealOverhead = 32
)

// run is sealed packets of one viewer that lie next to each other in the arena.
// All but the last have the same size, and the last is not longer.
type run struct {
	line   *Line
	target *target
	// from and to are the run's place in the arena, segment the size of its
	// packets, count their number.
	from, to, segment, count int
}

// open tells whether a packet of size bytes may be added.
func (r *run) open(line *Line, t *target, size int) bool {
	return r.line == line && r.target == t && r.to-r.from == r.segment*r.count && size <= r.segment &&
		r.count < maxSegments && r.to-r.from+size <= maxRunBytes && (t.unfit == 0 || r.segment < t.unfit)
}

// batch collects sealed packets until they are sent. It belongs to one worker.
type batch struct {
	arena []byte
	runs  []run
	sent  sending
}

func newBatch() batch {
	return batch{arena: make([]byte, 0, arenaBytes), runs: make([]run, 0, maxRuns), sent: newSending()}
}

// full tells that a packet of size bytes, sealing included, may not fit.
func (b *batch) full(size int) bool {
	return len(b.runs) == maxRuns || len(b.arena)+size > cap(b.arena)
}

// ready tells that a batch is worth a system call.
func (b *batch) ready() bool { return len(b.runs) >= enough }

// add files the packet that was just appended to the arena, from from on.
func (b *batch) add(line *Line, t *target, from int) {
	size := len(b.arena) - from
	if n := len(b.runs); n > 0 && b.runs[n-1].open(line, t, size) {
		r := &b.runs[n-1]
		r.to += size
		r.count++
		return
	}
	b.runs = append(b.runs, run{line: line, target: t, from: from, to: len(b.arena), segment: size, count: 1})
}

// count counts what is about to be sent.
func (b *batch) count() {
	for i := range b.runs {
		b.sent.runs.Observe(float64(b.runs[i].count))
	}
}

func (b *batch) reset() {
	clear(b.runs)
	b.runs, b.arena = b.runs[:0], b.arena[:0]
}

// packet returns the i-th packet of a run.
func (b *batch) packet(r *run, i int) []byte {
	from := r.from + i*r.segment
	return b.arena[from:min(from+r.segment, r.to)]
}

// sendSingly is the last step that every system has: a call for each packet.
func (b *batch) sendSingly(r *run) {
	path := r.target.path
	for i := range r.count {
		b.sent.calls.Observe(1)
		if _, err := path.Socket.WriteTo(b.packet(r, i), path.Remote); err != nil {
			r.line.failed.Add(1)
		}
	}
}
