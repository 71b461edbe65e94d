package audience

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/bench/stamp"
)

// from seals the next frame of a source, stamped this long ago.
func (r *rig) from(t testing.TB, source int, key bool, ago time.Duration) []byte {
	t.Helper()
	r.frame++
	b := make([]byte, 12+200)
	b[0], b[1], b[12] = 0x80, rigVideo|0x80, 0x41
	if key {
		b[12] = 0x65
	}
	binary.BigEndian.PutUint16(b[2:], r.seq)
	binary.BigEndian.PutUint32(b[4:], 3000*r.frame)
	binary.BigEndian.PutUint32(b[8:], rigMedia)
	stamp.Put(b[14:], r.now.Add(-ago), stamp.OfSource(source, r.frame))
	r.seq++
	return r.sealed(t, b)
}

func TestANewcomerInASlotIsReplayedUntilItIsUpToDate(t *testing.T) {
	r := newRig(t, func(c *Config) { c.SampleEvery, c.Self = 1, func(string) int { return 3 } })
	r.viewer.self = 3
	at := func(ms int, packet []byte) {
		r.take(packet)
		r.now = r.now.Add(time.Duration(ms) * time.Millisecond)
	}
	at(10, r.from(t, 1, true, time.Millisecond))
	at(10, r.from(t, 1, false, 2*time.Millisecond))
	at(10, r.from(t, 2, true, 500*time.Millisecond)) // replayed
	at(20, r.from(t, 2, false, 300*time.Millisecond))
	at(10, r.from(t, 2, false, 4*time.Millisecond))
	at(0, r.from(t, 2, false, 5*time.Millisecond))
	s := r.viewer.stats(r.now)
	if s.Casts != 1 || s.Own != 0 || s.Shown != 1 || s.Lost != 0 {
		t.Errorf("%d changes, %d own, %d shown, %d lost", s.Casts, s.Own, s.Shown, s.Lost)
	}
	if s.Delay.Count() != 4 || s.Delay.Max() > 6*time.Millisecond {
		t.Errorf("the delay counts what is replayed: %d, %v", s.Delay.Count(), s.Delay.Max())
	}
	if d := s.CaughtUp.Quantile(0.5); s.CaughtUp.Count() != 2 || s.CaughtUp.Max() < 29*time.Millisecond || s.CaughtUp.Max() > 32*time.Millisecond {
		t.Errorf("caught up %d times, %v", s.CaughtUp.Count(), d)
	}
	if s.PictureGap.Count() != 1 || s.PictureGap.Max() != 10*time.Millisecond || s.SoundGap.Count() != 0 {
		t.Errorf("gaps in the picture %d of %v, in the sound %d", s.PictureGap.Count(), s.PictureGap.Max(), s.SoundGap.Count())
	}
	r.take(r.from(t, 3, true, 0))
	if s := r.viewer.stats(r.now.Add(2 * time.Second)); s.Own != 1 || s.Shown != 0 {
		t.Errorf("%d own frames, %d sections shown", s.Own, s.Shown)
	}
}

func TestAnotherCodecMayComeOnTheSameSSRC(t *testing.T) {
	r := newRig(t, nil)
	r.viewer.answer.types[98] = payloadType{video: true, name: "vp8", clock: 90000, apt: noType, pli: true}
	r.take(r.frameOf(t, true, 1)...)
	b := make([]byte, 12+100)
	b[0], b[1] = 0x80, 98
	binary.BigEndian.PutUint16(b[2:], r.seq)
	binary.BigEndian.PutUint32(b[8:], rigMedia)
	r.take(r.sealed(t, b))
	if s := r.viewer.streams[0]; len(r.viewer.streams) != 1 || s.codec != "vp8" || s.nack || !s.pli {
		t.Errorf("%d streams, %+v", len(r.viewer.streams), s)
	}
}

func TestAnOfferOfSlotsHasSectionsOfBothKinds(t *testing.T) {
	text := newOffers("AA", FeedbackLibwebrtc, 3).text(1, "ufra", "password")
	for want, n := range map[string]int{"m=audio": 3, "m=video": 3, "a=recvonly": 6, "a=mid:5\r\n": 1, "a=group:BUNDLE 0 1 2 3 4 5\r\n": 1} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("%q stands there %d times, want %d", want, got, n)
		}
	}
	if _, err := (Config{Slots: MaxSlots + 1}).withDefaults(); err == nil {
		t.Error("too many slots are taken")
	}
}
