package egress

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"github.com/headgate/headgate/router"
)

// compound is a receiver report, as players send it.
func compound(t testing.TB, ssrc uint32, more ...rtcp.Packet) []byte {
	t.Helper()
	report := &rtcp.ReceiverReport{SSRC: ssrc, Reports: []rtcp.ReceptionReport{{SSRC: 77, Jitter: 5}}}
	b, err := rtcp.Marshal(append([]rtcp.Packet{report}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sendingStack is the sending half of a player's stack.
func sendingStack(t testing.TB, k Keys, options ...srtp.ContextOption) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(k.Key, k.Salt, profiles[k.Profile], options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sealedBy(t testing.TB, c *srtp.Context, plain []byte) []byte {
	t.Helper()
	b, err := c.EncryptRTCP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newTestOpener(t testing.TB, k Keys) *Opener {
	t.Helper()
	o, err := NewOpener(k)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// With and without encryption (the E bit), of several SSRCs and lengths.
func TestWhatTheStackSealsIsOpened(t *testing.T) {
	for profile := range profiles {
		for name, options := range map[string][]srtp.ContextOption{"encrypted": nil, "authenticated only": {srtp.SRTCPNoEncryption()}} {
			t.Run(profile.String()+" "+name, func(t *testing.T) {
				k := newKeys(t, profile)
				c, o := sendingStack(t, k, options...), newTestOpener(t, k)
				for i := range uint32(40) {
					var more []rtcp.Packet
					for range i {
						more = append(more, &rtcp.PictureLossIndication{SenderSSRC: i, MediaSSRC: 77})
					}
					want := compound(t, 1+i%3, more...)
					sealed := sealedBy(t, c, want)
					kept := bytes.Clone(sealed)
					if got, err := o.Open(sealed); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("packet %d: %x, %v; want %x", i, got, err, want)
					}
					if !bytes.Equal(sealed, kept) {
						t.Fatal("the packet was changed")
					}
				}
			})
		}
	}
}

func TestWhatIsSealedHereIsOpened(t *testing.T) {
	for profile := range profiles {
		k := newKeys(t, profile)
		s, err := newSealer(k)
		if err != nil {
			t.Fatal(err)
		}
		o, want := newTestOpener(t, k), compound(t, 9)
		sealed, err := s.sealRTCP(make([]byte, 0, 200), reportOf(9, want))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := o.Open(sealed); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %x, %v", profile, got, err)
		}
	}
}

// Every bit of a packet is authenticated, and what does not authenticate changes
// nothing: the packet itself is taken afterwards.
func TestAForgedPacketIsRefused(t *testing.T) {
	for profile := range profiles {
		k := newKeys(t, profile)
		o, sealed := newTestOpener(t, k), sealedBy(t, sendingStack(t, k), compound(t, 9))
		for bit := range len(sealed) * 8 {
			forged := bytes.Clone(sealed)
			forged[bit/8] ^= 1 << (bit % 8)
			if got, err := o.Open(forged); err == nil || got != nil {
				t.Fatalf("%v: bit %d changed: %x", profile, bit, got)
			}
		}
		for n := range sealed {
			if _, err := o.Open(sealed[:n]); err == nil {
				t.Fatalf("%v: cut to %d bytes: accepted", profile, n)
			}
		}
		if _, err := newTestOpener(t, newKeys(t, profile)).Open(sealed); !errors.Is(err, errForged) {
			t.Errorf("%v: with other keys: %v", profile, err)
		}
		if len(o.senders) != 0 {
			t.Errorf("%v: %d senders nobody is", profile, len(o.senders))
		}
		if _, err := o.Open(sealed); err != nil {
			t.Errorf("%v: afterwards: %v", profile, err)
		}
	}
}

func TestARepeatedPacketIsRefused(t *testing.T) {
	for profile := range profiles {
		k := newKeys(t, profile)
		c, o := sendingStack(t, k), newTestOpener(t, k)
		var sent [][]byte
		for range 2 * replayWindowSize {
			sent = append(sent, sealedBy(t, c, compound(t, 9)))
		}
		other := sealedBy(t, c, compound(t, 10)) // has a number that 9 used too
		for _, i := range []int{5, 2, 3, 80, 79, 81 - replayWindowSize, 100} {
			if _, err := o.Open(sent[i]); err != nil {
				t.Fatalf("%v: packet %d: %v", profile, i, err)
			}
		}
		for _, i := range []int{100, 80, 5, 2, 0, 100 - replayWindowSize} {
			if _, err := o.Open(sent[i]); !errors.Is(err, errRepeated) {
				t.Errorf("%v: packet %d again: %v", profile, i, err)
			}
		}
		for _, b := range [][]byte{sent[101-replayWindowSize], other} {
			if _, err := o.Open(b); err != nil {
				t.Errorf("%v: %v", profile, err)
			}
		}
	}
}

// TestReplayWindow compares it with remembering everything.
func TestReplayWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w replayWindow
		came := map[uint32]bool{}
		highest, any := uint32(0), false
		at := rapid.SampledFrom([]uint32{0, 1, 1000, maxReports - 100}).Draw(t, "first")
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			step := rapid.SampledFrom([]int{-65, -64, -63, -5, -1, 0, 1, 2, 5, 63, 64, 65, 200}).Draw(t, "step")
			at = uint32(min(max(int(at)+step, 0), maxReports))
			want := !any || at > highest || highest-at < replayWindowSize && !came[at]
			if got := w.fresh(at); got != want {
				t.Fatalf("%d after %d: %v", at, highest, got)
			}
			if want {
				w.note(at)
				came[at], any, highest = true, true, max(highest, at)
			}
		}
	})
}

func TestSendersAreBounded(t *testing.T) {
	k := newKeys(t, AEADAES128GCM)
	c, o := sendingStack(t, k), newTestOpener(t, k)
	for ssrc := range uint32(maxSenders) {
		if _, err := o.Open(sealedBy(t, c, compound(t, ssrc))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Open(sealedBy(t, c, compound(t, maxSenders))); !errors.Is(err, ErrTooManySenders) {
		t.Errorf("one more: %v", err)
	}
	if _, err := o.Open(sealedBy(t, c, compound(t, 3))); err != nil {
		t.Errorf("one of those there were: %v", err)
	}
}

func TestOpeningAllocatesNothing(t *testing.T) {
	for profile := range profiles {
		k := newKeys(t, profile)
		c, o := sendingStack(t, k), newTestOpener(t, k)
		var sent [][]byte
		for range 1100 {
			sent = append(sent, sealedBy(t, c, compound(t, 9, &rtcp.PictureLossIndication{MediaSSRC: 77})))
		}
		if n := testing.AllocsPerRun(1000, func() {
			if _, err := o.Open(sent[0]); err != nil {
				t.Fatal(err)
			}
			sent = sent[1:]
		}); n != 0 {
			t.Errorf("%v: %v allocations", profile, n)
		}
	}
}

func TestNoOpenerWithoutFittingKeys(t *testing.T) {
	good := newKeys(t, AEADAES128GCM)
	for name, k := range map[string]Keys{
		"no profile": {Key: good.Key, Salt: good.Salt}, "short key": {Profile: AEADAES128GCM, Key: good.Key[1:], Salt: good.Salt},
	} {
		if _, err := NewOpener(k); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzOpen takes anything: nothing that was not sealed may come out, and what was
// sealed still may afterwards, once.
func FuzzOpen(f *testing.F) {
	for profile := range profiles {
		for _, n := range []int{0, 1, 8, 31, 32, 100} {
			b := make([]byte, n)
			copy(b, []byte{0x81, 201, 0, 7, 0, 0, 0, 9})
			f.Add(uint16(profile), b)
		}
	}
	f.Fuzz(func(t *testing.T, profile uint16, b []byte) {
		k := Keys{Profile: Profile(profile)}
		key, salt := k.Profile.Lengths()
		if key == 0 {
			t.Skip()
		}
		k.Key, k.Salt = bytes.Repeat([]byte{3}, key), bytes.Repeat([]byte{4}, salt)
		o := newTestOpener(t, k)
		c, want := sendingStack(t, k), compound(t, 9)
		sealed := sealedBy(t, c, want)
		if got, err := o.Open(b); err == nil && !bytes.Equal(b, sealed) {
			t.Fatalf("%x became %x", b, got)
		}
		got, err := o.Open(sealed)
		if again := bytes.Equal(b, sealed); again != (err != nil) || !again && !bytes.Equal(got, want) {
			t.Fatalf("after %x: %x, %v", b, got, err)
		}
	})
}

// BenchmarkOpen opens transport-wide feedback of a usual size.
func BenchmarkOpen(b *testing.B) {
	for profile := range profiles {
		b.Run(profile.String(), func(b *testing.B) {
			k := newKeys(b, profile)
			c, o := sendingStack(b, k), newTestOpener(b, k)
			plain := compound(b, 9)
			plain = append(plain, make([]byte, 80-len(plain))...)
			sealed := make([][]byte, 4096)
			for i := range sealed {
				sealed[i] = sealedBy(b, c, plain)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%len(sealed) == 0 {
					o.senders = o.senders[:0]
				}
				if _, err := o.Open(sealed[i%len(sealed)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func reportOf(ssrc uint32, packet []byte) *router.OutgoingRTCP {
	return &router.OutgoingRTCP{SSRC: ssrc, Packet: packet}
}
