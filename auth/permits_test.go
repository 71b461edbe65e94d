package auth

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Permits says what Resume would say, place by place.
func TestPermitsAgreesWithResume(t *testing.T) {
	channel := rapid.SampledFrom([]string{"a", "ab", "b", "c"})
	pattern := rapid.SampledFrom([]string{"a", "a*", "*", "b"})
	rapid.Check(t, func(t *rapid.T) {
		cfg := ownConfig()
		cfg.Open = rapid.Bool().Draw(t, "open")
		a, err := New(cfg, newClock().Now)
		if err != nil {
			t.Fatal(err)
		}
		token, err := Sign(ownKey, Claims{
			Publish: rapid.SliceOfN(pattern, 0, 2).Draw(t, "publish"), Play: rapid.SliceOfN(pattern, 0, 2).Draw(t, "play"),
			Admin: rapid.Bool().Draw(t, "admin"), Expires: start.Add(time.Duration(rapid.IntRange(-200, 200).Draw(t, "ends")) * time.Second),
		})
		if err != nil {
			t.Fatal(err)
		}
		cred := rapid.SampledFrom([]Credential{{Token: token}, {}, {Token: "other"}, {Malformed: true}}).Draw(t, "shown")
		action := rapid.SampledFrom([]Action{Publish, Play, Join, Admin}).Draw(t, "action")
		permitted, denied := a.Permits(t.Context(), cred, action)
		for range 3 {
			place := Place{Channel: channel.Draw(t, "channel")}
			_, err := a.Resume(t.Context(), cred, action, place)
			switch {
			case denied != nil && codeOf(err) != codeOf(denied):
				t.Fatalf("Permits: %v, Resume: %v", denied, err)
			case denied == nil && permitted(place) != (err == nil):
				t.Fatalf("%s: permitted %v, Resume: %v", place.Channel, permitted(place), err)
			}
		}
	})
}
