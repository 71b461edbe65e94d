package signaling

import (
	"encoding/json"
	"strconv"
	"time"
)

// EventSlots tells who is in the slots of a session, Slots. It is for sessions with
// slots only.
const EventSlots = "slots"

// Slot is one of a session's slots: a section of each kind that one publication fills
// at a time.
type Slot struct {
	Index int
	// Participant and Source name the publication; empty for nobody.
	Participant, Source string
	// Pinned tells that the viewer chose it; whether it is there or not, the slot is
	// kept for it. Unplayable tells that the session lacks a codec of it.
	Pinned, Unplayable bool
}

// MarshalJSON writes null for nobody.
func (s Slot) MarshalJSON() ([]byte, error) {
	if s.Participant == "" {
		return json.Marshal(struct {
			Slot        int     `json:"slot"`
			Participant *string `json:"participant"`
		}{Slot: s.Index})
	}
	return json.Marshal(struct {
		Slot        int    `json:"slot"`
		Participant string `json:"participant"`
		Source      string `json:"source"`
		Pinned      bool   `json:"pinned"`
		Unplayable  bool   `json:"unplayable,omitempty"`
	}{s.Index, s.Participant, s.Source, s.Pinned, s.Unplayable})
}

// Slots are all of a session's, by index.
type Slots []Slot

// MarshalJSON writes an object with the member slots, as the resource and the event
// have it.
func (s Slots) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]Slot{"slots": append([]Slot{}, s...)})
}

// SlotView is how large a slot is shown: what is nil stays as it was.
type SlotView struct {
	Slot int
	// MaxWidth and MaxHeight bound the picture in pixels, 0 does not.
	MaxWidth, MaxHeight *int
	// Hidden stops the picture. The sound goes on.
	Hidden *bool
}

// TellMember is the data of an event of a WHEP session, as the member stream of its
// login has it: that of the session's own stream, the public id of the session, and when.
func TellMember(now time.Time, session string, data any) map[string]any {
	told := map[string]any{"session": session, "at": now.UTC().Truncate(time.Millisecond)}
	switch data := data.(type) {
	case Slots:
		told["slots"] = append([]Slot{}, data...)
	case Layers:
		for _, section := range data {
			told[strconv.Itoa(section.Media)] = section.listed()
		}
	}
	return told
}
