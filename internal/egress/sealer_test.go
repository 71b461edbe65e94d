package egress

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"pgregory.net/rapid"

	"github.com/headgate/headgate/router"
)

var profiles = map[Profile]srtp.ProtectionProfile{
	AEADAES128GCM:       srtp.ProtectionProfileAeadAes128Gcm,
	AEADAES256GCM:       srtp.ProtectionProfileAeadAes256Gcm,
	AES128CMHMACSHA1_80: srtp.ProtectionProfileAes128CmHmacSha1_80,
}

func newKeys(t testing.TB, p Profile) Keys {
	t.Helper()
	key, salt := p.Lengths()
	k := Keys{Profile: p, Key: make([]byte, key), Salt: make([]byte, salt)}
	_, _ = rand.Read(k.Key)
	_, _ = rand.Read(k.Salt)
	return k
}

// receiver opens packets as the stack of a player does.
func receiver(t testing.TB, k Keys) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(k.Key, k.Salt, profiles[k.Profile], srtp.SRTPReplayProtection(usedWindowSize))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// planned is a packet as router plans it: part of the payload may be in the prefix.
func planned(t testing.TB, ssrc uint32, index int64, payload []byte, inPrefix int, extension []byte) router.Outgoing {
	t.Helper()
	h := rtp.Header{Version: 2, PayloadType: 96, SequenceNumber: uint16(index), Timestamp: uint32(index) * 3000, SSRC: ssrc}
	if extension != nil {
		if err := h.SetExtension(1, extension); err != nil {
			t.Fatal(err)
		}
	}
	b, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return router.Outgoing{SSRC: ssrc, Index: index, Header: uint16(len(b)), Prefix: append(b, payload[:inPrefix]...), Shared: payload[inPrefix:]}
}

func plain(p *router.Outgoing) []byte { return append(bytes.Clone(p.Prefix), p.Shared...) }

func TestWhatIsSealedTheStackOpens(t *testing.T) {
	for profile := range profiles {
		t.Run(profile.String(), func(t *testing.T) {
			k := newKeys(t, profile)
			s, err := newSealer(k)
			if err != nil {
				t.Fatal(err)
			}
			c := receiver(t, k)
			payload := bytes.Repeat([]byte("0123456789"), 110)
			arena := make([]byte, 0, 1<<16)
			// Over two rollovers, with late packets on both sides of one.
			for _, index := range []int64{16000, 16001, 16001 + 1500, 16003, 65534, 65537, 65535, 65536, 98000, 130000, 131073, 131071} {
				p := planned(t, 7, index, payload, int(index%5), []byte{byte(index)})
				at := len(arena)
				if arena, err = s.seal(arena, &p); err != nil {
					t.Fatal(err)
				}
				got, err := c.DecryptRTP(nil, arena[at:], nil)
				if err != nil {
					t.Fatalf("number %d: %v", index, err)
				}
				if !bytes.Equal(got, plain(&p)) {
					t.Fatalf("number %d: not what was sealed", index)
				}
				arena = arena[:at+len(arena[at:])]
				if len(arena) > 1<<15 {
					arena = arena[:0]
				}
			}
		})
	}
}

func TestReportsTheStackOpens(t *testing.T) {
	for profile := range profiles {
		k := newKeys(t, profile)
		s, err := newSealer(k)
		if err != nil {
			t.Fatal(err)
		}
		c, err := srtp.CreateContext(k.Key, k.Salt, profiles[profile], srtp.SRTCPReplayProtection(64))
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(10) {
			want, err := (&rtcp.SenderReport{SSRC: 5 + i%2, RTPTime: i}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := s.sealRTCP(make([]byte, 0, 200), &router.OutgoingRTCP{SSRC: 5 + i%2, Packet: want})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.DecryptRTCP(nil, sealed, nil); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v, report %d: %x, %v", profile, i, got, err)
			}
		}
		s.reports = maxReports
		if _, err := s.sealRTCP(nil, &router.OutgoingRTCP{Packet: make([]byte, 28)}); err == nil {
			t.Error("an index was used again")
		}
	}
}

// TestNoNumberIsUsedTwice tries to make the sealer use a nonce again: by the
// same number, by numbers that differ by whole rollovers, by old ones, by going
// back and forth, from several SSRCs.
func TestNoNumberIsUsedTwice(t *testing.T) {
	k := newKeys(t, AEADAES128GCM)
	rapid.Check(t, func(t *rapid.T) {
		s, err := newSealer(k)
		if err != nil {
			t.Fatal(err)
		}
		type nonce struct {
			ssrc  uint32
			index int64
		}
		used := map[nonce]bool{}
		highest := map[uint32]int64{}
		at := int64(100)
		for range rapid.IntRange(1, 200).Draw(t, "packets") {
			ssrc := rapid.Uint32Range(1, 3).Draw(t, "ssrc")
			at += rapid.SampledFrom([]int64{-70000, -65536, -2049, -2048, -2047, -100, -1, 0, 1, 2, 100, 2047, 2048, 65535, 65536}).Draw(t, "step")
			p := router.Outgoing{SSRC: ssrc, Index: at, Header: 12, Prefix: make([]byte, 12), Shared: []byte("x")}
			_, err := s.seal(make([]byte, 0, 64), &p)
			n := nonce{ssrc, at}
			switch {
			case err == nil && (used[n] || at < 0 || at > maxIndex):
				t.Fatalf("%+v was sealed again", n)
			case err == nil:
				used[n] = true
				highest[ssrc] = max(highest[ssrc], at)
			case !errors.Is(err, errUsed):
				t.Fatal(err)
			case at >= 0 && !used[n] && highest[ssrc]-at < usedWindowSize:
				t.Fatalf("%+v was refused", n)
			}
		}
	})
}

// TestNoncesDiffer holds that everything that distinguishes packets is in the
// nonce: under a broken one two of these would be the same.
func TestNoncesDiffer(t *testing.T) {
	g, err := newGCM(newKeys(t, AEADAES128GCM))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[12]byte]string{}
	for _, ssrc := range []uint32{0, 1, 1 << 16, 1 << 31} {
		for _, index := range []int64{0, 1, 0x8000, 0xFFFF, 0x10000, 0x10001, 1 << 31, 1 << 32, 1 << 47, maxIndex} {
			g.rtp.setNonce(ssrc, uint32(index>>16), uint16(index))
			name := fmt.Sprint(ssrc, " ", index)
			if other, ok := seen[g.rtp.nonce]; ok {
				t.Errorf("%s and %s have one nonce", name, other)
			}
			seen[g.rtp.nonce] = name
		}
	}
}

// TestKeyDerivation is RFC 7714 section 11's way with the test vector of RFC 3711
// appendix B.3, whose salt has 14 bytes.
func TestKeyDerivation(t *testing.T) {
	unhex := func(s string) []byte {
		var b []byte
		_, _ = fmt.Sscanf(s, "%x", &b)
		return b
	}
	k := Keys{Key: unhex("E1F97A0D3E018BE0D64FA32C06DE4139"), Salt: unhex("0EC675AD498AFEEBB6960B3AABE6")}
	for label, want := range map[byte]string{labelEncryption: "C61E7A93744F39EE10734AFE3FF7A087", labelSalt: "30CBBC08863D8C85D49DB34A9AE1"} {
		got, err := k.derive(label, len(unhex(want)))
		if err != nil || !bytes.Equal(got, unhex(want)) {
			t.Errorf("label %d: %X, want %s (%v)", label, got, want, err)
		}
	}
}

func TestKeysAreChecked(t *testing.T) {
	good := newKeys(t, AEADAES128GCM)
	for name, k := range map[string]Keys{
		"no profile":      {Key: good.Key, Salt: good.Salt},
		"unknown profile": {Profile: 2, Key: good.Key, Salt: good.Salt},
		"short key":       {Profile: AEADAES128GCM, Key: good.Key[1:], Salt: good.Salt},
		"short salt":      {Profile: AEADAES128GCM, Key: good.Key, Salt: good.Salt[1:]},
		"other's lengths": {Profile: AEADAES256GCM, Key: good.Key, Salt: good.Salt},
	} {
		if _, err := newSealer(k); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestKeysPrintNoSecret(t *testing.T) {
	k := Keys{Profile: AEADAES128GCM, Key: []byte("SECRETSECRETSECR"), Salt: []byte("SECRETSECRET")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
		if got := fmt.Sprintf(verb, k); got != "AEAD_AES_128_GCM" {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if got := fmt.Sprint(&k, []Keys{k}); strings.Contains(got, "SECRET") || strings.Contains(got, "83 69") {
		t.Error(got)
	}
}

func TestALineIsDecidedOnce(t *testing.T) {
	write := Stack{}
	var a, b Line
	if ok, err := a.Seal(newKeys(t, AEADAES128GCM)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	first := a.sealer.Load()
	if again, _ := a.Seal(newKeys(t, AEADAES128GCM)); again || a.UseStack(write) || a.sealer.Load() != first || a.stack.Load() != nil {
		t.Error("a sealing line was decided again")
	}
	if !b.UseStack(write) {
		t.Fatal("not taken")
	}
	if again, _ := b.Seal(newKeys(t, AEADAES128GCM)); again || b.sealer.Load() != nil || b.UseStack(write) {
		t.Error("a line of the stack was decided again")
	}
	var c Line
	if ok, err := c.Seal(Keys{}); ok || err == nil || !c.UseStack(write) {
		t.Error("keys that don't fit decided the line")
	}
}

// TestSealingAllocatesNothing also with a part of the payload in the prefix.
func TestSealingAllocatesNothing(t *testing.T) {
	for _, profile := range []Profile{AEADAES128GCM, AEADAES256GCM} {
		s, err := newSealer(newKeys(t, profile))
		if err != nil {
			t.Fatal(err)
		}
		arena := make([]byte, 0, arenaBytes)
		p := planned(t, 7, 1, make([]byte, 1100), 0, []byte{1})
		q := planned(t, 8, 1, make([]byte, 1100), 6, nil)
		report := router.OutgoingRTCP{SSRC: 7, Packet: make([]byte, 56)}
		index := int64(1)
		if n := testing.AllocsPerRun(1000, func() {
			index++
			p.Index, q.Index = index, index
			binary.BigEndian.PutUint16(p.Prefix[2:], uint16(index))
			b, _ := s.seal(arena, &p)
			b, _ = s.seal(b, &q)
			_, _ = s.sealRTCP(b, &report)
		}); n != 0 {
			t.Errorf("%v: %v allocations for three packets", profile, n)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for profile := range profiles {
		b.Run(profile.String(), func(b *testing.B) {
			s, err := newSealer(newKeys(b, profile))
			if err != nil {
				b.Fatal(err)
			}
			arena := make([]byte, 0, arenaBytes)
			p := planned(b, 7, 1, make([]byte, 1200), 0, nil)
			b.ReportAllocs()
			for index := int64(2); b.Loop(); index++ {
				p.Index = index
				binary.BigEndian.PutUint16(p.Prefix[2:], uint16(index))
				if _, err := s.seal(arena, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
