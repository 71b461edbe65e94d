package egress

import (
	"encoding/binary"
	"time"
)

// feedbacks are RTCP packets and compounds of viewers, copied one after the other, so
// that none of them costs an allocation.
type feedbacks struct {
	list []feedback
	text []byte
}

// feedback is a packet of one viewer; from and to are its place in the text.
type feedback struct {
	client   *Client
	from, to int
}

const (
	// maxPerViewer is how many packets of one viewer may wait. It sends ten a second
	// or twenty; hundreds are an attack, and must not push out what others say.
	maxPerViewer = 64
	// maxFeedbackBytes bounds the text of those that wait for one worker,
	// keptFeedbackBytes what is kept for the next ones.
	maxFeedbackBytes  = 4 << 20
	keptFeedbackBytes = 256 << 10
	// feedbackWait is how long a packet waits at most that does not wake its worker.
	// While media flows a round comes sooner. It adds to the round trips that router
	// measures, which expects no more than this of anything but the path.
	feedbackWait = 5 * time.Millisecond
)

func (f *feedbacks) add(c *Client, b []byte) {
	from := len(f.text)
	f.text = append(f.text, b...)
	f.list = append(f.list, feedback{client: c, from: from, to: len(f.text)})
}

func (f *feedbacks) reset() {
	clear(f.list)
	f.list, f.text = f.list[:0], f.text[:0]
	if cap(f.text) > keptFeedbackBytes {
		f.text = nil
	}
}

// of is the packet itself.
func (f *feedbacks) of(p feedback) []byte { return f.text[p.from:p.to] }

// feedback puts a copy of b in, or drops it if too much waits already, of this viewer
// or of all.
func (in *inbox) feedback(c *Client, b []byte) {
	taken := c.waiting.Add(1) <= maxPerViewer
	wakes := wakes(b)
	in.mu.Lock()
	p := &in.pending.feedbacks
	taken = taken && len(p.list) < in.maxRTCP && len(p.text)+len(b) <= maxFeedbackBytes
	if taken {
		p.add(c, b)
	} else {
		in.shed++
		in.shedFeedback++
	}
	if taken && !wakes && !in.armed {
		in.armed = true
		in.late.Reset(feedbackWait)
	}
	in.mu.Unlock()
	switch {
	case !taken:
		c.waiting.Add(-1)
	case wakes:
		in.signal()
	}
}

// overdue is for the worker when late fired. It tells whether feedback still waits.
func (in *inbox) overdue() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.armed = false
	return len(in.pending.feedbacks.list) > 0
}

// The packets that somebody waits for an answer to (RFC 4585 sections 6.2.1 and 6.3.1,
// RFC 5104 section 4.3.1).
const (
	rtcpTransportFB, fbNACK      = 205, 1
	rtcpPayloadFB, fbPLI, fbFIR  = 206, 1, 4
	rtcpHeaderBytes, rtcpVersion = 4, 2
)

// wakes tells whether there is a packet in b that its worker is woken for: one that
// asks for a retransmission or a key frame. Reports and transport-wide feedback come
// from every viewer many times a second, and can wait for the next round.
func wakes(b []byte) bool {
	for len(b) >= rtcpHeaderBytes && b[0]>>6 == rtcpVersion {
		format, kind := b[0]&31, b[1]
		switch {
		case kind == rtcpTransportFB && format == fbNACK, kind == rtcpPayloadFB && (format == fbPLI || format == fbFIR):
			return true
		}
		size := rtcpHeaderBytes + 4*int(binary.BigEndian.Uint16(b[2:]))
		b = b[min(size, len(b)):]
	}
	return false
}
