package stamp

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPutWritesPlainText(t *testing.T) {
	b := bytes.Repeat([]byte{'.'}, Size+2)
	Put(b, time.Unix(0, 0x0123456789abcdef), 0xfedcba98)
	if got, want := string(b), "hgTS0123456789abcdeffedcba98.."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPutPanicsWithoutRoom(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	Put(make([]byte, Size-1), time.Now(), 1)
}

func TestFindReturnsWhatWasPut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(0, rapid.Int64Min(0).Draw(t, "time"))
		frame := rapid.Uint32().Draw(t, "frame")
		before := rapid.SliceOfN(rapid.ByteRange(0, 'g'-1), 0, Window-1).Draw(t, "before")
		b := append(before, make([]byte, Size)...)
		Put(b[len(before):], at, frame)
		b = append(b, rapid.SliceOf(rapid.Byte()).Draw(t, "after")...)
		gotAt, gotFrame, ok := Find(b)
		if !ok || !gotAt.Equal(at) || gotFrame != frame {
			t.Fatalf("found %v %d %v, want %v %d", gotAt, gotFrame, ok, at, frame)
		}
	})
}

func TestWhatIsNoStampIsNotFound(t *testing.T) {
	good := make([]byte, Size)
	Put(good, time.Now(), 7)
	for name, payload := range map[string]string{
		"nothing":          "",
		"cut off":          string(good[:Size-1]),
		"too far in":       strings.Repeat(".", Window) + string(good),
		"upper-case digit": "hgTSA123456789abcdef00000000",
		"no digit":         "hgTS0123456789abcdeg00000000",
		"before 1970":      "hgTSf123456789abcdef00000000",
		"other magic":      "hgTs0123456789abcdef00000000",
	} {
		if at, frame, ok := Find([]byte(payload)); ok {
			t.Errorf("%s: found %v %d", name, at, frame)
		}
	}
}

func TestAFalseMagicHidesNothing(t *testing.T) {
	b := []byte("hgTShgTS" + strings.Repeat("x", Size))
	Put(b[4:], time.Unix(1, 0), 9)
	if _, frame, ok := Find(b); !ok || frame != 9 {
		t.Errorf("found %d %v", frame, ok)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	b := make([]byte, 1200)
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		Put(b[40:], now, 1)
		if _, _, ok := Find(b); !ok {
			t.Error("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzFind(f *testing.F) {
	b := make([]byte, Size+8)
	Put(b[8:], time.Unix(1_790_000_000, 5), 3)
	f.Add(b)
	f.Add([]byte("hgTShgTShgTS"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		at, frame, ok := Find(payload)
		if !ok {
			return
		}
		again := make([]byte, Size)
		Put(again, at, frame)
		if i := bytes.Index(payload, again); i < 0 || i >= Window {
			t.Errorf("%v %d was not in the payload", at, frame)
		}
	})
}
