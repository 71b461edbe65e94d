package peer

import (
	"testing"

	"github.com/headgate/headgate/internal/negotiate"
)

func TestREMBIsNoMoreThanTheCap(t *testing.T) {
	for most, want := range map[int]int{0: 20_000_000, 3_000_000: 3_000_000, 50_000_000: 20_000_000} {
		cfg := ingestConfig(PublishParams{Plan: &negotiate.Plan{MaxBits: most}})
		if got := cfg.Settings.REMB; got != want {
			t.Errorf("cap %d: %d, want %d", most, got, want)
		}
	}
}
