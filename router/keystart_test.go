package router

import "testing"

func TestOnlyTheFirstSliceOfAPictureStartsAKeyFrame(t *testing.T) {
	for name, tc := range map[string]struct {
		payload []byte
		first   bool
	}{
		"first slice":                   {[]byte{0x65, 0x88}, true},
		"second slice":                  {[]byte{0x65, 0x08}, false},
		"first slice, fragmented":       {[]byte{0x7c, 0x85, 0x88}, true},
		"second slice, fragmented":      {[]byte{0x7c, 0x85, 0x08}, false},
		"first slice, later fragment":   {[]byte{0x7c, 0x05, 0x88}, false},
		"second slice in an aggregate":  {[]byte{0x78, 0, 2, 0x65, 0x08}, false},
		"first slice after a delimiter": {[]byte{0x78, 0, 2, 0x09, 0xf0, 0, 2, 0x65, 0x88}, true},
	} {
		if got := inspectH264(tc.payload, &Frame{})&signKeyFirst != 0; got != tc.first {
			t.Errorf("%s: starts a key frame = %v, want %v", name, got, tc.first)
		}
	}
}
