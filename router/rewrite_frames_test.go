package router

import (
	"bytes"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/dependency"
	"github.com/pion/rtp"
)

// browserKey and browserDelta are descriptors that Chromium sent with L2T2_KEY.
const (
	browserKey   = "c003eb8003187aaa0100a0a014d1413451802190888a19403bc0218077c04340"
	browserDelta = "c203ec"
)

// TestFrameShift: what is rewritten reads as it did, with other numbers and template ids.
func TestFrameShift(t *testing.T) {
	key, ok := dependency.Parse(fromHex(t, browserKey))
	if !ok || !key.Attached || key.Number != 0x3eb || len(key.Structure.Targets) != 4 || key.Structure.Spatial() != 1 {
		t.Fatalf("%v %+v", ok, key)
	}
	if sizes := key.Structure.Sizes; len(sizes) != 2 || sizes[0] != [2]int{240, 135} || sizes[1] != [2]int{480, 270} {
		t.Errorf("sizes %v", sizes)
	}
	for _, sh := range []frameShift{{true, 0, 0}, {true, 1, 1}, {true, 0xfc14, 63}, {true, 9, 61}} {
		b, delta := fromHex(t, browserKey), fromHex(t, browserDelta)
		sh.apply(b)
		sh.apply(delta)
		got, ok := dependency.Parse(b)
		if !ok || got.Number != key.Number+sh.number || got.Structure.First != (key.Structure.First+sh.template)%templateIDs {
			t.Fatalf("%+v: %v %+v", sh, ok, got)
		}
		if got.Frame.Layer != key.Frame.Layer || len(got.Structure.Templates) != len(key.Structure.Templates) {
			t.Errorf("%+v: %+v", sh, got.Frame)
		}
		next, ok := dependency.Parse(delta, got.Structure)
		if want := &got.Structure.Templates[2]; !ok || next.Frame != want || next.Number != key.Number+1+sh.number {
			t.Errorf("%+v: %v %+v", sh, ok, next)
		}
	}
	frameShift{true, 1, 1}.apply([]byte{1, 2}) // too short to be one
}

// TestDescriptorForms M-081: a long descriptor takes the two-byte form, with all that is beside it; others do not.
func TestDescriptorForms(t *testing.T) {
	w := newExtensionWriter("0", Extensions{ExtMID: 1, ExtDependencyDescr: 5})
	for _, hex := range []string{browserKey, browserDelta} {
		value := fromHex(t, hex)
		p := &Packet{Extensions: []PassedExtension{{URI: ExtDependencyDescr, Value: value}}}
		b := make([]byte, maxExtensionBlock)
		n := w.write(b, p, hopStamp{mid: true, frames: frameShift{known: true}})
		h := ingestHeader{profile: uint16(b[0])<<8 | uint16(b[1]), extension: b[4:n]}
		if long := len(value) > extOneByteMaxValue; (h.profile == twoByteProfile) != long {
			t.Errorf("%d bytes in the form %x", len(value), h.profile)
		}
		got := map[uint8][]byte{}
		for id, v := h.nextExtension(); id != 0; id, v = h.nextExtension() {
			got[id] = v
		}
		if string(got[1]) != "0" || !bytes.Equal(got[5], value) {
			t.Errorf("got %x", got)
		}
		if n := w.write(b, p, hopStamp{}); n != 0 {
			t.Errorf("%d bytes of what begins without a structure", n)
		}
	}
}

// TestDescriptorsAreContinuous M-046, M-048: over a change of publisher frame numbers go up, and templates get ids that the ones before did not have.
func TestDescriptorsAreContinuous(t *testing.T) {
	w, f, v, p := describedVideo(t, true)
	for id := range byte(3) {
		track := NewTrack(Video, nil)
		g := w.describedFeed(9-id, track)
		show(track, g.feed)
		since := p.highest
		w.source(v, 0, track)
		g.show(400*time.Millisecond, true)
		before, first := p.got[since].GetExtension(testDescribed), p.got[since+1].GetExtension(testDescribed)
		if len(before) < 3 || len(first) < 3 {
			t.Fatalf("descriptors %x and %x", before, first)
		}
		number := func(b []byte) uint16 { return uint16(b[1])<<8 | uint16(b[2]) }
		if number(first) != number(before)+1 {
			t.Errorf("frame %d follows %d", number(first), number(before))
		}
		after := afterTemplates(f, p.got[since])
		if id := first[0] % templateIDs; (id-after)%templateIDs >= templateIDs/2 {
			t.Errorf("template %d is one of the structure before, which ends with %d", id, after)
		}
		f = g
	}
}

// afterTemplates is the template id after those of the structure that pkt names a template of.
func afterTemplates(f *describedFeed, pkt *rtp.Packet) uint8 {
	d := f.of[idOf(pkt.Payload).seq].Dependencies
	at := d.Spatial*3 + d.Temporal
	return (pkt.GetExtension(testDescribed)[0] - at + uint8(len(f.structure.Templates))) % templateIDs
}

// TestDescriptorsAreRead: what came with a packet says of which layers its frame is and what it is made from, in whatever order packets come.
func TestDescriptorsAreRead(t *testing.T) {
	var r dependencyReader
	read := func(seq int64, hex string) *Packet {
		p := &Packet{Seq: seq}
		r.read(p, fromHex(t, hex), signPicture)
		return p
	}
	if p := read(10, "c503ee"); p.Dependencies != nil || !p.Frame.Descriptor.LayerStart || !p.Frame.Descriptor.LayerEnd {
		t.Errorf("without a structure: %+v", p)
	}
	key := read(11, browserKey)
	if d := key.Dependencies; d == nil || d.Number&0xffff != 0x3eb || d.Spatial != 0 || !d.switches(0, 0) || !d.switches(1, 1) || d.switches(3, 3) {
		t.Fatalf("%+v", d)
	}
	if sizes := key.Dependencies.sizes(); sizes[1] != 480<<32|270 || sizes[2] != 0 {
		t.Errorf("sizes %v", sizes)
	}
	upper := read(12, "4503ef")
	if d := upper.Frame.Descriptor; d.SID != 1 || d.TID != 1 || d.LayerStart || !d.LayerEnd {
		t.Errorf("%+v", upper.Frame)
	}
	if again := read(13, "4503ef"); again.Dependencies != upper.Dependencies {
		t.Error("packets of one frame do not share what is known of it")
	}
	if p := read(14, "c503"); p.Dependencies != nil {
		t.Error("read what is no descriptor")
	}
	known := r.known[0]
	if read(9, browserKey); r.known[0] != known {
		t.Error("a structure that came late took the place of a newer one")
	}
	if n := read(15, "c10001").Dependencies.Number; n&0xffff != 1 || n > key.Dependencies.Number {
		t.Errorf("frame number %d", n)
	}
}
