package router

import (
	"encoding/binary"
	"time"
)

// The two forms of RFC 8285.
const (
	extOneByteProfile  = 0xBEDE
	extTwoByteProfile  = 0x1000
	extOneByteMaxID    = 14
	extOneByteMaxValue = 16
	extTwoByteMaxValue = 255
	// maxExtensionBlock bounds what one packet's extensions may take; what does
	// not fit is left out.
	maxExtensionBlock = 256
)

// neverPassed lists the extensions that belong to one hop: they are regenerated
// or dropped, whatever a packet carries (M-051, M-062, M-084).
var neverPassed = map[string]bool{
	ExtMID: true, ExtRID: true, ExtRepairedRID: true,
	ExtTransportCC: true, ExtAbsSendTime: true, ExtAbsCaptureTime: true,
}

// passedID is a viewer's id for an extension that passes through unchanged.
type passedID struct {
	uri string
	id  uint8
}

// extensionWriter writes the header extensions of one section: the viewer's ids,
// and only what the viewer negotiated (M-080).
type extensionWriter struct {
	mid     string
	midID   uint8
	capture uint8 // abs-capture-time, translated to the gateway's clock
	// transport is the id of the transport-wide number, which comes first, 0 when
	// it was not negotiated.
	transport uint8
	passed    []passedID
	// dependency is the id of the dependency descriptor, 0 for viewers that did not
	// negotiate it or do not take both forms in one stream.
	dependency uint8
	// twoByte is the form of every packet of the section, so that forms are
	// never mixed (M-081), but for those with a long dependency descriptor. It is
	// needed when an id is above 14, and then the viewer offered it by offering that
	// id.
	twoByte bool
}

func newExtensionWriter(mid string, ids Extensions) extensionWriter {
	w := extensionWriter{mid: mid, midID: ids[ExtMID], capture: ids[ExtAbsCaptureTime], transport: ids[ExtTransportCC]}
	w.twoByte = max(w.midID, w.capture, w.transport) > extOneByteMaxID
	w.twoByte = w.twoByte || w.midID != 0 && len(mid) > extOneByteMaxValue
	for uri, id := range ids {
		if id == 0 || neverPassed[uri] {
			continue
		}
		if uri == ExtDependencyDescr {
			w.dependency = id
			continue
		}
		w.passed = append(w.passed, passedID{uri, id})
		w.twoByte = w.twoByte || id > extOneByteMaxID
	}
	return w
}

// hopStamp is what the extensions of one packet say of this hop.
type hopStamp struct {
	clock  ntpClock
	number uint16 // transport-wide, written when numbered
	// numbered and mid tell what is to be written.
	numbered, mid bool
	frames        frameShift
}

// write writes the extension block of p to b, which has maxExtensionBlock bytes,
// and returns its length, 0 when there is nothing to say.
func (w *extensionWriter) write(b []byte, p *Packet, at hopStamp) int {
	described := w.descriptorOf(p, at.frames)
	f := elementForm(w.twoByte || len(described) > extOneByteMaxValue)
	n := 4
	if at.numbered && w.transport != 0 {
		number := [2]byte{byte(at.number >> 8), byte(at.number)}
		n = appendElement(f, b, n, w.transport, number[:])
	}
	if at.mid && w.midID != 0 {
		n = appendElement(f, b, n, w.midID, w.mid)
	}
	if len(described) > 0 {
		n = appendElement(f, b, n, w.dependency, described)
		at.frames.apply(b[n-len(described) : n])
	}
	for i := range p.Extensions {
		n = w.pass(f, b, n, p, &p.Extensions[i], at.clock)
	}
	if n == 4 {
		return 0
	}
	return f.finish(b, n)
}

// longestDescriptor leaves room for all others in a block.
const longestDescriptor = maxExtensionBlock - 64

// descriptorOf is the dependency descriptor of p, if it is to be passed on.
func (w *extensionWriter) descriptorOf(p *Packet, frames frameShift) []byte {
	if w.dependency == 0 || !frames.known {
		return nil
	}
	for i := range p.Extensions {
		if e := &p.Extensions[i]; e.URI == ExtDependencyDescr && len(e.Value) <= longestDescriptor {
			return e.Value
		}
	}
	return nil
}

// pass writes one extension of the publisher, if the viewer knows it.
func (w *extensionWriter) pass(f elementForm, b []byte, n int, p *Packet, e *PassedExtension, clock ntpClock) int {
	if w.capture != 0 && e.URI == ExtAbsCaptureTime {
		var value [8]byte
		binary.BigEndian.PutUint64(value[:], clock.at(p.Capture))
		return appendElement(f, b, n, w.capture, value[:])
	}
	for i := range w.passed {
		if w.passed[i].uri == e.URI {
			return appendElement(f, b, n, w.passed[i].id, e.Value)
		}
	}
	return n
}

// elementForm is the form of the elements of one packet: two bytes or one.
type elementForm bool

// appendElement writes one element at b[n:] and returns the new end. A value that
// the form cannot carry or that does not fit is left out.
func appendElement[T string | []byte](f elementForm, b []byte, n int, id uint8, value T) int {
	size := len(value)
	switch {
	case size > extTwoByteMaxValue || n+2+size > maxExtensionBlock:
		return n
	case bool(f):
		b[n], b[n+1] = id, byte(size)
		n += 2
	case size == 0 || size > extOneByteMaxValue:
		return n
	default:
		b[n] = id<<4 | byte(size-1)
		n++
	}
	return n + copy(b[n:], value)
}

// finish pads the block to whole words and writes its header.
func (f elementForm) finish(b []byte, n int) int {
	for n%4 != 0 {
		b[n] = 0
		n++
	}
	profile := uint16(extOneByteProfile)
	if f {
		profile = extTwoByteProfile
	}
	binary.BigEndian.PutUint16(b, profile)
	binary.BigEndian.PutUint16(b[2:], uint16(n/4-1))
	return n
}

// ntpClock turns the gateway's time into NTP timehopStamps. It counts from one
// reading of the wall clock, so that a step of that clock is no step for viewers.
type ntpClock struct{ epoch time.Time }

// ntpOffset is the seconds between 1900, where NTP starts, and 1970.
const ntpOffset = 2208988800

// at returns t in 32.32 fixed point seconds (RFC 5905 section 6).
func (c ntpClock) at(t time.Time) uint64 {
	ns := c.epoch.UnixNano() + t.Sub(c.epoch).Nanoseconds()
	sec, frac := ns/1e9, ns%1e9
	if frac < 0 {
		sec, frac = sec-1, frac+1e9
	}
	return uint64(sec+ntpOffset)<<32 | uint64(frac)<<32/1e9
}

// middle is the middle 32 bits of an NTP timehopStamp: 16.16 seconds, as reports
// carry it (RFC 3550 section 4).
func (c ntpClock) middle(t time.Time) uint32 { return uint32(c.at(t) >> 16) }
