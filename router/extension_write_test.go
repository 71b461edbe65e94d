package router

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"pgregory.net/rapid"
)

// writtenExtensions puts the block into a packet and reads it back with pion.
func writtenExtensions(t interface{ Fatal(...any) }, w extensionWriter, p *Packet, mid bool, clock ntpClock) *rtp.Header {
	b := make([]byte, rtpHeader+maxExtensionBlock)
	n := w.write(b[rtpHeader:], p, hopStamp{clock: clock, mid: mid})
	b[0] = 0x80
	if n > 0 {
		b[0] |= 0x10
	}
	var h rtp.Header
	read, err := h.Unmarshal(b[:rtpHeader+n])
	if err != nil {
		t.Fatal(err)
	}
	if read != rtpHeader+n {
		t.Fatal("block of ", n, " bytes, read ", read)
	}
	return &h
}

func TestExtensionsOfTheViewer(t *testing.T) {
	level := PassedExtension{ExtAudioLevel, []byte{0x85}}
	rid := PassedExtension{ExtRID, []byte("hi")}
	tcc := PassedExtension{ExtTransportCC, []byte{1, 2}}
	orientation := PassedExtension{ExtOrientation, []byte{3}}
	for _, c := range []struct {
		name string
		mid  string
		ids  Extensions
		pass []PassedExtension
		want map[uint8]string
		form uint16
	}{
		{"M-080 viewer's ids", "0", Extensions{ExtMID: 9, ExtAudioLevel: 3}, []PassedExtension{level}, map[uint8]string{9: "0", 3: "\x85"}, 0xBEDE},
		{"M-080 not negotiated", "0", Extensions{ExtMID: 9}, []PassedExtension{level, orientation}, map[uint8]string{9: "0"}, 0xBEDE},
		{"M-051, M-084 rid and transport-cc stay here", "0", Extensions{ExtRID: 1, ExtTransportCC: 2, ExtOrientation: 5}, []PassedExtension{rid, tcc, orientation}, map[uint8]string{5: "\x03"}, 0xBEDE},
		{"M-081 two-byte form for ids above 14", "0", Extensions{ExtMID: 20, ExtAudioLevel: 3}, []PassedExtension{level}, map[uint8]string{20: "0", 3: "\x85"}, 0x1000},
		{"M-081 two-byte form for a long mid", strings.Repeat("m", 17), Extensions{ExtMID: 2}, nil, map[uint8]string{2: strings.Repeat("m", 17)}, 0x1000},
		{"one-byte form leaves out what it cannot carry", "0", Extensions{ExtColorSpace: 2, ExtAudioLevel: 3}, []PassedExtension{{ExtColorSpace, make([]byte, 17)}, level, {ExtColorSpace, nil}}, map[uint8]string{3: "\x85"}, 0xBEDE},
		{"two-byte form carries the empty and the long", "0", Extensions{ExtColorSpace: 15, ExtAudioLevel: 3}, []PassedExtension{{ExtColorSpace, make([]byte, 28)}, {ExtAudioLevel, nil}}, map[uint8]string{15: string(make([]byte, 28)), 3: ""}, 0x1000},
		{"nothing", "0", nil, []PassedExtension{level}, nil, 0},
		{"no room", "0", Extensions{ExtColorSpace: 15, ExtAudioLevel: 3}, []PassedExtension{{ExtColorSpace, make([]byte, 255)}, level}, map[uint8]string{3: "\x85"}, 0x1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := writtenExtensions(t, newExtensionWriter(c.mid, c.ids), &Packet{Extensions: c.pass}, true, ntpClock{})
			if len(h.GetExtensionIDs()) != len(c.want) {
				t.Errorf("ids %v, want %v", h.GetExtensionIDs(), c.want)
			}
			for id, want := range c.want {
				if got := h.GetExtension(id); string(got) != want {
					t.Errorf("id %d: %q, want %q", id, got, want)
				}
			}
			if len(c.want) > 0 && h.ExtensionProfile != c.form {
				t.Errorf("profile %x, want %x", h.ExtensionProfile, c.form)
			}
		})
	}
}

func TestExtensionCaptureTimeIsTranslated(t *testing.T) {
	// M-077 as decided: on the gateway's clock, and only where the publisher sends it.
	epoch := time.Unix(1_700_000_000, 0)
	clock := ntpClock{epoch}
	w := newExtensionWriter("0", Extensions{ExtAbsCaptureTime: 6})
	p := &Packet{Capture: epoch.Add(1500 * time.Millisecond), Extensions: []PassedExtension{{ExtAbsCaptureTime, make([]byte, 16)}}}
	h := writtenExtensions(t, w, p, false, clock)
	var e rtp.AbsCaptureTimeExtension
	if err := e.Unmarshal(h.GetExtension(6)); err != nil {
		t.Fatal(err)
	}
	if got := e.CaptureTime().Sub(p.Capture).Abs(); got > time.Microsecond {
		t.Errorf("off by %v", got)
	}
	p.Extensions = nil
	if h := writtenExtensions(t, w, p, false, clock); h.Extension {
		t.Error("invented")
	}
}

func TestExtensionsAgainstPion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := Extensions{}
		var pass []PassedExtension
		numbers := rapid.Permutation([]uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 200, 255}).Draw(t, "ids")
		for i := range rapid.IntRange(0, 8).Draw(t, "n") {
			uri := fmt.Sprint("urn:", i)
			if rapid.Bool().Draw(t, "negotiated") {
				ids[uri] = numbers[i]
			}
			pass = append(pass, PassedExtension{uri, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")})
		}
		w := newExtensionWriter("mid", ids)
		h := writtenExtensions(t, w, &Packet{Extensions: pass}, false, ntpClock{})
		room := maxExtensionBlock - 4
		for _, e := range pass {
			fits := w.twoByte || len(e.Value) >= 1 && len(e.Value) <= 16
			room -= len(e.Value) + 2
			if id := ids[e.URI]; id != 0 && fits && room >= 0 && !bytes.Equal(h.GetExtension(id), e.Value) {
				t.Fatalf("%s: %x, want %x", e.URI, h.GetExtension(id), e.Value)
			}
		}
		if got := len(h.GetExtensionIDs()); got > len(ids) {
			t.Fatalf("%d extensions for %d negotiated", got, len(ids))
		}
	})
}
