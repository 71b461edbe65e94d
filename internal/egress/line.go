package egress

import (
	"net/netip"
	"sync/atomic"
)

// Line is the last part of a viewer's way: how its packets are sealed and where
// they go. The connection decides and may do so at any time; the worker reads.
// What was not decided yet sends nothing.
//
// Whether a line seals for itself or leaves that to the stack is decided once,
// before the first packet, for RTP and RTCP alike: two writers of one SSRC would
// use the same nonces.
type Line struct {
	decided atomic.Bool
	sealer  atomic.Pointer[sealer]
	stack   atomic.Pointer[Stack]
	path    atomic.Pointer[Path]

	// target is the worker's, and so are overrun, when a stream takes less than it is
	// given, and paused, while the picture is therefore stopped.
	target          target
	overrun, paused bool
	// failed counts packets that could not be sent, dropped those there was no
	// room for.
	failed, dropped atomic.Uint64
}

// Path is where sealed packets go: Stream if it is set, else Remote through
// Socket. It is not changed once it was given to a Line.
type Path struct {
	Socket *Socket
	Remote netip.AddrPort
	// Stream sends one packet on a connection that frames it (RFC 4571). It must
	// not block; an error means that the packet is gone.
	Stream func(packet []byte) error
	// Behind tells that so much waits on Stream that the picture has to pause; or,
	// if it is paused, that it can't go on yet. nil is never.
	Behind func(paused bool) bool
}

// behind asks for Behind.
func (p *Path) behind(paused bool) bool {
	return p != nil && p.Stream != nil && p.Behind != nil && p.Behind(paused)
}

// Seal makes the line encrypt with k. It is false, and changes nothing, if the
// line was decided before; the error is for keys that don't fit their profile.
func (l *Line) Seal(k Keys) (bool, error) {
	s, err := newSealer(k)
	if err != nil {
		return false, err
	}
	if !l.decided.CompareAndSwap(false, true) {
		return false, nil
	}
	l.sealer.Store(s)
	return true, nil
}

// Stack is the writer of the WebRTC stack, which seals for itself. Both functions
// take one whole datagram and keep nothing.
type Stack struct{ RTP, RTCP func(packet []byte) error }

// UseStack makes s the line's only way out. It is false, and changes nothing, if
// the line was decided before.
func (l *Line) UseStack(s Stack) bool {
	if !l.decided.CompareAndSwap(false, true) {
		return false
	}
	l.stack.Store(&s)
	return true
}

// Move makes p the way from now on. Until the next Move packets keep going there,
// also while an ICE restart looks for a new pair.
func (l *Line) Move(p Path) { l.path.Store(&p) }

// Failed returns how many packets could not be sent. Dropped returns how many of
// these there was no room for: the interface or the viewer's connection is slower
// than what is sent.
func (l *Line) Failed() uint64 { return l.failed.Load() }

// Dropped is described at Failed.
func (l *Line) Dropped() uint64 { return l.dropped.Load() }

// target is a Path as the system wants it, kept from run to run. The worker owns
// it.
type target struct {
	path    *Path
	name    sockaddr
	version uint32
	control []byte
	// unfit is the shortest segment the path did not take in a run; 0 if none.
	unfit int
}

// aim brings the target up to date and returns it.
func (l *Line) aim(p *Path) *target {
	t := &l.target
	s := p.Socket
	if t.path != p {
		*t = target{path: p, name: s.sockaddr(p.Remote)}
		t.version, t.control = s.source(p.Remote)
		return t
	}
	if s.sources != nil && s.sources.Version() != t.version {
		t.version, t.control = s.source(p.Remote)
	}
	return t
}
