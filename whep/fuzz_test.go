package whep

import (
	"encoding/json"
	"slices"
	"testing"
)

// Whatever is sent, a selection has no negative number but AnyLayer, and says the
// same when it is written down again.
func FuzzSelection(f *testing.F) {
	for _, body := range []string{`{"mediaId":"0","rid":"low"}`, `{"encodingId":"h","maxWidth":640}`, `{}`, `null`, `{"mediaId":"255","spatialLayerId":-1}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, refusal := parseSelection(body)
		if refusal != nil {
			return
		}
		if min(c.Media, c.Spatial, c.Temporal, c.MaxSpatial, c.MaxTemporal) < -1 || min(c.MaxWidth, c.MaxHeight) < 0 || c.Media > 255 {
			t.Errorf("%s selects %+v", body, c)
		}
		var s selection
		if err := json.Unmarshal(body, &s); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if same, refusal := parseSelection(again); refusal != nil || same != c {
			t.Errorf("%s selects %+v, %s %+v", body, c, again, same)
		}
	})
}

func FuzzEvents(f *testing.F) {
	for _, body := range []string{``, `["active"]`, `["slots"]`, `["nope"]`, `[]`, `null`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		names, refusal := parseEvents(body)
		if refusal == nil && slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(announced(true), n) }) {
			t.Errorf("%s makes %q", body, names)
		}
	})
}

// Whatever is sent, what is read of it is in bounds.
func FuzzSlots(f *testing.F) {
	for _, body := range []string{`[{"slot":0,"maxWidth":320,"hidden":true}]`, `[{"slot":1},{"slot":1}]`, `{"participant":"bob","source":"main"}`, `[]`, `null`, `{}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if participant, _, err := parsePin(body); err == nil && participant == "" {
			t.Errorf("%s pins nobody", body)
		}
		views, err := parseViews(body)
		if err != nil {
			return
		}
		seen := map[int]bool{}
		for _, v := range views {
			if v.Slot < 0 || seen[v.Slot] || v.MaxWidth != nil && (*v.MaxWidth < 0 || *v.MaxWidth > maxPixels) {
				t.Errorf("%s is read as %+v", body, v)
			}
			seen[v.Slot] = true
		}
	})
}
