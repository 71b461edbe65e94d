package diagnose

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/headgate/headgate/router"
)

// TestViewerOf wants an estimate told only when something was measured: before, it
// is a guess to begin with.
func TestViewerOf(t *testing.T) {
	stats := router.ViewerStats{Estimate: 300_000, Queue: 4 * time.Millisecond, Layer: "h", Paused: true}
	for _, measured := range []bool{false, true} {
		stats.Measured = measured
		body, err := json.Marshal(ViewerOf(stats))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(body), `"estimate_bits_per_second":300000`); got != measured {
			t.Errorf("measured %v: %s", measured, body)
		}
		if !strings.Contains(string(body), `"queue_ns":4000000,"paused":true,"layer":"h"`) {
			t.Errorf("got %s", body)
		}
	}
}
