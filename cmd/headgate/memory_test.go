package main

import (
	"runtime/debug"
	"testing"
)

func TestGOGCIsObeyed(t *testing.T) {
	for set, want := range map[string]int{"": collectAt, "80": 123} {
		t.Run("GOGC="+set, func(t *testing.T) {
			defer debug.SetGCPercent(debug.SetGCPercent(123))
			t.Setenv("GOGC", set)
			saveMemory()
			if got := debug.SetGCPercent(123); got != want {
				t.Errorf("collects at %d %%, want %d", got, want)
			}
		})
	}
}
