package router

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// The bounds of the parameter sets a layer keeps. Each goes out in one packet.
const (
	maxParameterSets    = 16
	longestParameterSet = 1100 // bytes
)

// parameterSets are the newest parameter sets of an H.264 or H.265 layer, for
// key frames that come without: some encoders send them once, before the first
// one, or say them in the offer only. The Ingest's lock guards it.
type parameterSets struct {
	units []parameterSet // in the order a decoder wants them
}

// parameterSet is one NAL unit. Its bytes are never changed.
type parameterSet struct {
	kind byte   // NAL unit type
	id   uint32 // a set replaces the one with the same kind and id
	unit []byte
	seq  int64 // of the packet that brought it
}

// offeredParameters are those of an offer (RFC 6184 section 8.1, RFC 7798
// section 7.1).
func offeredParameters(c Codec) (s parameterSets) {
	for field := range strings.SplitSeq(c.Fmtp, ";") {
		name, values, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch strings.ToLower(name) {
		case "sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps":
			for value := range strings.SplitSeq(values, ",") {
				if unit, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value)); err == nil {
					s.keep(c.Name, unit, 0)
				}
			}
		}
	}
	return s
}

// note keeps the parameter sets in a payload, which came at position seq.
func (s *parameterSets) note(codec string, payload []byte, seq int64) {
	header := aggregateHeader(codec, payload)
	if header == 0 {
		s.keep(codec, payload, seq)
		return
	}
	for b := payload[min(header, len(payload)):]; len(b) > 2; {
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n == 0 || n > len(b) {
			return
		}
		s.keep(codec, b[:n], seq)
		b = b[n:]
	}
}

// aggregateHeader is the length of what precedes the units of an aggregation
// packet, 0 for a payload that is none.
func aggregateHeader(codec string, payload []byte) int {
	if codec == H265 {
		if payload[0]>>1&0x3f == h265AP {
			return 2
		}
		return 0
	}
	switch payload[0] & 0x1f {
	case h264STAPA:
		return 1
	case h264STAPB:
		return 3
	}
	return 0
}

// keep keeps unit if it is a parameter set and not older than what there is.
func (s *parameterSets) keep(codec string, unit []byte, seq int64) {
	kind, id, ok := identifySet(codec, unit)
	if !ok || len(unit) > longestParameterSet {
		return
	}
	at := len(s.units)
	for i := range s.units {
		u := &s.units[i]
		if u.kind == kind && u.id == id {
			s.renew(u, unit, seq)
			return
		}
		if u.kind > kind {
			at = min(at, i)
		}
	}
	s.units = slices.Insert(s.units, at, parameterSet{kind, id, bytes.Clone(unit), seq})
	if len(s.units) > maxParameterSets {
		s.forgetOldest()
	}
}

func (s *parameterSets) renew(u *parameterSet, unit []byte, seq int64) {
	if seq < u.seq {
		return // came late
	}
	u.seq = seq
	if !bytes.Equal(u.unit, unit) {
		u.unit = bytes.Clone(unit)
	}
}

func (s *parameterSets) forgetOldest() {
	oldest := 0
	for i := range s.units {
		if s.units[i].seq < s.units[oldest].seq {
			oldest = i
		}
	}
	s.units = slices.Delete(s.units, oldest, oldest+1)
}

// identifySet reads kind and id of a parameter set (H.264 7.3.2.1 and 7.3.2.2,
// H.265 7.3.2.1 to 7.3.2.3).
func identifySet(codec string, unit []byte) (kind byte, id uint32, ok bool) {
	if len(unit) < 3 {
		return 0, 0, false
	}
	if codec == H265 {
		r := bitReader{b: unit[2:], escape: true}
		switch kind = unit[0] >> 1 & 0x3f; kind {
		case h265VPS:
			id = r.bits(4)
		case h265SPS:
			id = openH265SPS(&r)
		case h265PPS:
			id = r.ue()
		default:
			return 0, 0, false
		}
		return kind, id, !r.failed
	}
	r := bitReader{b: unit[1:], escape: true}
	switch kind = unit[0] & 0x1f; kind {
	case h264SPS:
		r.bits(24) // profile, constraints, level
	case h264PPS:
	default:
		return 0, 0, false
	}
	id = r.ue()
	return kind, id, !r.failed
}

// before makes the packets that precede p, the first of a key frame that comes
// without parameter sets: one for each set, nil if there are none. They share
// the bytes that are kept.
func (s *parameterSets) before(p *Packet) []*Packet {
	n := len(s.units)
	if n == 0 {
		return nil
	}
	packets, list := make([]Packet, n), make([]*Packet, n)
	for i, u := range s.units {
		packets[i] = Packet{
			Seq: p.Seq - int64(n-i), Timestamp: p.Timestamp, Capture: p.Capture, Arrival: p.Arrival,
			Payload: u.unit, Frame: Frame{Start: i == 0, Key: true},
		}
		list[i] = &packets[i]
	}
	return list
}
