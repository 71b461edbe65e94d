package source

import (
	"encoding/hex"
	"testing"
)

func TestParameterSets(t *testing.T) {
	for name, tc := range map[string]struct {
		got  []byte
		want string
	}{
		// each was read back with ffprobe
		"1280x720": {sequenceParameters(1280, 720), "6742c01fda014016e4"},
		"640x360":  {sequenceParameters(640, 360), "6742c01fda0280bfe540"},
		"320x180":  {sequenceParameters(320, 180), "6742c01fda05067e74"},
		"picture":  {pictureParameters(), "68ce3880"},
	} {
		if got := hex.EncodeToString(tc.got); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
