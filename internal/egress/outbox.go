package egress

import "github.com/headgate/headgate/router"

// Outbox seals packets and collects them until a system call is worth while. It
// belongs to one goroutine.
type Outbox struct {
	batch batch
	call  caller
}

// NewOutbox makes an empty outbox, whose arena is 256 KiB.
func NewOutbox() *Outbox { return &Outbox{batch: newBatch()} }

// Put takes packets of one viewer to its line, in their order. They are sent now
// or with the next Flush, and are not kept. What a line that is not connected yet
// is given is gone; what can't be sent its line counts.
func (o *Outbox) Put(line *Line, packets []router.Outgoing) {
	if stack := line.stack.Load(); stack != nil {
		o.throughStack(line, stack, packets)
		return
	}
	s, path := line.sealer.Load(), line.path.Load()
	if s == nil || path == nil {
		return
	}
	if o.batch.ready() {
		o.Flush()
	}
	for i := range packets {
		o.seal(line, s, path, &packets[i])
	}
}

// PutRTCP takes one datagram of RTCP to its viewer's line, as Put does.
func (o *Outbox) PutRTCP(line *Line, p *router.OutgoingRTCP) {
	if stack := line.stack.Load(); stack != nil {
		if stack.RTCP(p.Packet) != nil {
			line.failed.Add(1)
		}
		return
	}
	s, path := line.sealer.Load(), line.path.Load()
	if s == nil || path == nil || !o.room(line, len(p.Packet)) {
		return
	}
	from := len(o.batch.arena)
	sealed, err := s.sealRTCP(o.batch.arena, p)
	o.dispatch(line, path, from, sealed, err)
}

// Flush gives to the system what was collected.
func (o *Outbox) Flush() {
	if len(o.batch.runs) > 0 {
		o.batch.count()
		o.call.send(&o.batch)
	}
	o.batch.reset()
}

// seal puts one packet into the batch, or on its stream.
func (o *Outbox) seal(line *Line, s *sealer, path *Path, p *router.Outgoing) {
	if !o.room(line, len(p.Prefix)+len(p.Shared)) {
		return
	}
	from := len(o.batch.arena)
	sealed, err := s.seal(o.batch.arena, p)
	o.dispatch(line, path, from, sealed, err)
}

// dispatch files what was sealed into the arena from from on, or puts it on its
// stream.
func (o *Outbox) dispatch(line *Line, path *Path, from int, sealed []byte, err error) {
	if err != nil {
		line.failed.Add(1)
		return
	}
	if path.Stream != nil {
		o.batch.sent.streamed++
		if path.Stream(sealed[from:]) != nil {
			line.failed.Add(1)
			line.dropped.Add(1)
			line.overrun = true
		}
		line.overrun = line.overrun || path.behind(false)
		return // the arena goes on where it was
	}
	o.batch.arena = sealed
	o.batch.add(line, line.aim(path), from)
}

// room makes room for a packet of size bytes. It is false for one that no datagram
// could hold.
func (o *Outbox) room(line *Line, size int) bool {
	size += sealOverhead
	if size > maxRunBytes {
		line.failed.Add(1)
		return false
	}
	if o.batch.full(size) {
		o.Flush()
	}
	return true
}

// throughStack gives whole packets to the stack, which seals and sends them.
func (o *Outbox) throughStack(line *Line, stack *Stack, packets []router.Outgoing) {
	for i := range packets {
		p := &packets[i]
		if !o.room(line, len(p.Prefix)+len(p.Shared)) {
			continue
		}
		from := len(o.batch.arena)
		packet := append(append(o.batch.arena, p.Prefix...), p.Shared...)
		if stack.RTP(packet[from:]) != nil {
			line.failed.Add(1)
		}
	}
}
