package router

// sign is what one payload tells of its picture beyond Frame.
type sign uint16

const (
	signParameters  sign = 1 << iota // a key picture's parameters; it can be started from here
	signKey                          // part of a key picture
	signKeyFirst                     // a slice of a key picture begins
	signPicture                      // picture data
	signFirst                        // the payload says that a picture begins
	signNotFirst                     // the payload says that none begins
	signSet                          // a parameter set is in it that decoders keep
	signLayerBefore                  // it goes on without saying of which scalability layer it is
	signUpper                        // it begins a spatial layer above the lowest
)

// inspector reads what one payload tells: it fills Width, Height and Descriptor
// of f. It allocates nothing and takes any bytes.
type inspector func(payload []byte, f *Frame) sign

// inspectorOf returns the inspector of a video codec, nil for others.
func inspectorOf(codec string) inspector {
	switch codec {
	case H264:
		return inspectH264
	case H265:
		return inspectH265
	case VP8:
		return inspectVP8
	case VP9:
		return inspectVP9
	case AV1:
		return inspectAV1
	}
	return nil
}

// frameTracker completes what inspecting single payloads tells to Frame, from
// how packets follow one another. Packets of one picture share a timestamp.
type frameTracker struct {
	started    bool
	timestamp  uint32 // of the newest packet
	tid, sid   uint8  // of the newest packet
	whole      bool   // nothing of the newest picture is missing so far
	keyStarted bool
	keyStamp   uint32 // of the newest key frame
	keySeq     int64  // where it starts
	parameters bool   // the key frame's parameters came, but no picture yet
	// bare tells that key frames come without their parameters: those were sent
	// once, or agreed on in the offer.
	bare bool
}

// next completes p.Frame for a packet that is newer than all before. joined tells
// that the packet right before it came.
func (t *frameTracker) next(p *Packet, s sign, joined bool) {
	f := &p.Frame
	begins := !t.started || p.Timestamp != t.timestamp
	t.whole = joined && (begins || t.whole)
	t.started, t.timestamp = true, p.Timestamp
	if s&signLayerBefore != 0 && !begins {
		f.Descriptor.TID, f.Descriptor.SID = t.tid, t.sid
	}
	t.tid, t.sid = f.Descriptor.TID, f.Descriptor.SID
	f.Start = s&signFirst != 0 || begins && s&signNotFirst == 0 && (joined || s&signUpper == 0)
	f.End = f.End || p.Marker
	if t.opensKey(p, s) {
		f.KeyStart = true
		t.keyStarted, t.keyStamp, t.keySeq = true, p.Timestamp, p.Seq
		t.parameters = s&signKeyFirst == 0
		t.bare = s&signParameters == 0
	} else if t.parameters && s&signPicture != 0 {
		t.parameters = false
		if s&signKey != 0 { // the parameters had a timestamp of their own
			t.keyStamp = p.Timestamp
		}
	}
	f.Key = s&(signKey|signParameters) != 0 || t.ofKey(p)
}

// opensKey tells whether a key frame starts with the packet. Its parameters, or
// the first slice where they are not sent in band; after a hole the slice may
// belong to parameters that were lost, unless this publisher sends none.
func (t *frameTracker) opensKey(p *Packet, s sign) bool {
	if t.ofKey(p) {
		return false
	}
	if s&signParameters != 0 {
		return !t.parameters
	}
	return s&signKeyFirst != 0 && !t.parameters && (t.whole || t.bare)
}

func (t *frameTracker) ofKey(p *Packet) bool {
	return t.keyStarted && p.Timestamp == t.keyStamp
}

// late completes p.Frame for a packet that fills a hole; before is the packet right
// before it, if it is known.
func (t *frameTracker) late(p, before *Packet, s sign) {
	f := &p.Frame
	if s&signLayerBefore != 0 && before != nil && before.Timestamp == p.Timestamp {
		f.Descriptor.TID, f.Descriptor.SID = before.Frame.Descriptor.TID, before.Frame.Descriptor.SID
	}
	f.Start = s&signFirst != 0 || s&signNotFirst == 0 && before != nil && before.Timestamp != p.Timestamp
	f.End = f.End || p.Marker
	f.Key = s&(signKey|signParameters) != 0 || t.ofKey(p)
	if t.ofKey(p) && p.Seq > t.keySeq {
		return // inside the newest key frame
	}
	f.KeyStart = s&signParameters != 0 || s&signKeyFirst != 0 && f.Start
	if f.KeyStart && (!t.keyStarted || p.Seq > t.keySeq || t.ofKey(p)) {
		t.keyStarted, t.keyStamp, t.keySeq = true, p.Timestamp, p.Seq
	}
}
