package testkit

import (
	"slices"
	"testing"
	"time"
)

// sight is what an eye is shown: frames of two packets, in a row of numbers.
type sight struct {
	eye *Eye
	seq int64
}

func newSight() *sight { return &sight{eye: NewEye(), seq: 1000} }

// frame shows a frame of a layer, with the timestamp its number has.
func (s *sight) frame(layer int, frame uint32, key bool) {
	s.parts(layer, frame, key, frame*3600, 0, 1)
}

func (s *sight) parts(layer int, frame uint32, key bool, timestamp uint32, indices ...int) {
	picture := Picture{PacketsPerFrame: 2, PacketBytes: 100}
	for _, i := range indices {
		s.seq++
		s.eye.Packet(time.Unix(int64(frame), 0), s.seq, timestamp, picture.marked(layer, frame, i, key))
	}
}

func TestEyeFollowsASwitch(t *testing.T) {
	s := newSight()
	s.frame(0, 1, true)
	s.frame(0, 2, false)
	s.frame(1, 3, true)
	s.frame(1, 4, false)
	s.frame(0, 5, true)
	got := s.eye.Seen()
	if got.Frames != 5 || got.Switches != 2 || got.Layer != 0 || got.Last != 5 || got.Mixed+got.Backwards != 0 {
		t.Errorf("%+v", got)
	}
	var layers []int
	for _, shown := range s.eye.Showings() {
		layers = append(layers, shown.Layer)
	}
	if !slices.Equal(layers, []int{0, 0, 1, 1, 0}) {
		t.Errorf("%v", layers)
	}
}

func TestEyeSeesWhatNoDecoderCanUse(t *testing.T) {
	for name, c := range map[string]struct {
		show             func(*sight)
		mixed, backwards int
		frames           int
	}{
		"another layer without a key frame": {func(s *sight) { s.frame(1, 2, false); s.frame(1, 3, false) }, 1, 0, 1},
		"a frame of two layers": {func(s *sight) {
			s.parts(0, 2, false, 7200, 0)
			s.parts(1, 2, false, 7200, 1)
		}, 1, 0, 1},
		"a key frame in the middle of a frame": {func(s *sight) {
			s.parts(0, 2, false, 7200, 0)
			s.parts(1, 2, true, 7200, 0, 1)
		}, 1, 0, 2},
		"time goes back":                    {func(s *sight) { s.parts(0, 2, false, 3000, 0, 1) }, 0, 1, 2},
		"time stands still":                 {func(s *sight) { s.parts(0, 2, false, 3600, 0, 1) }, 0, 1, 2},
		"a frame of two times":              {func(s *sight) { s.parts(0, 2, false, 7200, 0); s.parts(0, 2, false, 7300, 1) }, 0, 1, 2},
		"nothing":                           {func(s *sight) { s.frame(0, 2, false); s.frame(1, 3, true) }, 0, 0, 3},
		"a gap, which says nothing":         {func(s *sight) { s.seq++; s.frame(1, 2, false) }, 0, 0, 1},
		"leftovers of the layer before":     {func(s *sight) { s.seq += 2; s.frame(1, 3, true); s.seq -= 4; s.frame(0, 2, false) }, 0, 0, 2},
		"parameter sets, which are no part": {func(s *sight) { s.seq++; s.eye.Packet(time.Time{}, s.seq, 7200, parameters()); s.frame(1, 2, true) }, 0, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSight()
			s.frame(0, 1, true)
			c.show(s)
			if got := s.eye.Seen(); got.Mixed != c.mixed || got.Backwards != c.backwards || got.Frames != c.frames {
				t.Errorf("%+v, want %d mixed, %d backwards, %d frames", got, c.mixed, c.backwards, c.frames)
			}
		})
	}
}

func TestParameterSetEscapes(t *testing.T) {
	if got := escaped([]byte{0, 0, 1, 0, 0, 0, 3, 0, 0, 4}); !slices.Equal(got, []byte{0, 0, 3, 1, 0, 0, 3, 0, 3, 0, 0, 4}) {
		t.Errorf("% x", got)
	}
}
