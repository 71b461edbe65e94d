package router

import (
	"slices"
	"testing"

	"github.com/headgate/headgate/internal/fault"
)

// soundless attaches a viewer without a section for sound, and returns what it is told.
func (s *stage) soundless(sel Selector, missing ...string) *[]bool {
	d := &direct{now: &s.now, shard: NewShard(nobody{})}
	v := NewViewer(ViewerConfig{ID: "v", CNAME: "c", Settings: DefaultViewerSettings(), Sections: []SectionConfig{
		{Mid: "0", Kind: Video, SSRC: 1, PayloadTypes: []PayloadType{{Number: 96, Codec: Codec{Name: H264, ClockRate: 90000}}}},
	}})
	d.shard.Add(s.now, v, &d.out)
	told := new([]bool)
	_, err := s.router.Attach(s.now, AttachRequest{
		Channel: "live", Selector: sel, Viewer: v, Worker: d, Kinds: []Kind{Video}, End: func(*fault.Error) {},
		Missing: map[Kind][]string{Audio: missing}, Appeared: func(there bool) { *told = append(*told, there) },
	})
	if err != nil {
		s.t.Fatalf("attach: %v", err)
	}
	return told
}

// Only what is live counts, in a codec that the viewer takes, and each change is told once.
func TestAViewerIsToldOfKindsItMisses(t *testing.T) {
	s := newStage(t, nil)
	takes := s.soundless(Selector{}, PCMU, Opus)
	other := s.soundless(Selector{}, G722)
	bob := s.soundless(Selector{Participant: "bob"}, Opus)
	silent, err := s.tryPublish("live", "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	silent.Commit(s.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}})
	silent.seen = s.now
	silent.Live(s.now)
	if len(*takes) != 0 {
		t.Errorf("told %v while nobody sends sound", *takes)
	}
	silent.End(s.now)
	alice, err := s.tryPublish("live", "alice", "a")
	if err != nil {
		t.Fatal(err)
	}
	alice.Commit(s.now, map[Kind]Codec{Video: {Name: H264, ClockRate: 90000}, Audio: {Name: Opus, ClockRate: 48000}})
	if alice.seen = s.now; len(*takes) != 0 {
		t.Errorf("told %v before the first packet", *takes)
	}
	alice.Live(s.now)
	alice.End(s.now)
	if want := []bool{true, false}; !slices.Equal(*takes, want) {
		t.Errorf("told %v, want %v", *takes, want)
	}
	if len(*other)+len(*bob) != 0 {
		t.Errorf("told %v of another codec, %v of somebody else", *other, *bob)
	}
}
