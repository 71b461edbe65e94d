package call

import (
	"strings"
	"testing"
	"time"
)

func TestConfigNamesEveryBadField(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*Config){
		"calls.create":         func(c *Config) { c.Create = "never" },
		"calls.max_members":    func(c *Config) { c.MaxMembers = 0 },
		"calls.max_streams":    func(c *Config) { c.MaxStreams = 0 },
		"calls.max_slots":      func(c *Config) { c.MaxSlots = mostSlots + 1 },
		"calls.speaker_hold":   func(c *Config) { c.SpeakerHold = -time.Second },
		"calls.quality_every":  func(c *Config) { c.QualityEvery = 0 },
		"calls.data_labels[0]": func(c *Config) { c.DataLabels = []string{""} },
		"calls.data_labels[1]": func(c *Config) { c.DataLabels = []string{"files", "files"} },
		"calls.data_labels[2]": func(c *Config) { c.DataLabels = []string{"a", "b", ChatLabel} },
	} {
		c := DefaultConfig()
		change(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}
