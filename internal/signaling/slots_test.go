package signaling

import (
	"encoding/json"
	"testing"
	"time"
)

func TestWhatAMemberIsTold(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 123_456_789, time.FixedZone("", 7200))
	const start = `{"at":"2026-05-01T10:00:00.123Z","session":"id"`
	for name, c := range map[string]struct {
		data any
		want string
	}{
		"active": {nil, `{"at":"2026-05-01T10:00:00.123Z","session":"id"}`},
		"slots":  {Slots{{Index: 0}}, start + `,"slots":[{"slot":0,"participant":null}]}`},
		"layers": {
			Layers{{Media: 3, Layers: []Layer{{RID: "q", Spatial: AnyLayer, Temporal: 1, Bits: 5, Sent: true}}}, {Media: 1}},
			`{"1":[],"3":[{"rid":"q","temporalLayerId":1,"bitrate":5,"sent":true}],"at":"2026-05-01T10:00:00.123Z","session":"id"}`,
		},
	} {
		if got, err := json.Marshal(TellMember(at, "id", c.data)); err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}
