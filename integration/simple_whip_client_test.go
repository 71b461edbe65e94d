package integration

import (
	"testing"
	"time"
)

// TestSimpleWHIPClientPublishes T-141, Q-SWC: with candidates trickled by PATCH and with all of them in the offer; it ends with DELETE.
func TestSimpleWHIPClientPublishes(t *testing.T) {
	for _, row := range []struct {
		name    string
		options []string
		// says is what the client prints when the mode is really used.
		says string
	}{
		{"trickle", nil, `ICE gathering completed`},
		{"no trickle", []string{"-n"}, `ICE gathering completed`},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := startGateway(t)
			publisher := publishSimple(t, g, "live", append(row.options, "-H", "headers")...)
			publisher.prints(t, patience, row.says)
			watch(t, chromium, g, "live").plays(t, picture{codec: "H264", rate: 20})
			if err := publisher.stops(t, 10*time.Second); err != nil {
				t.Errorf("whip-client ended with %v", err)
			}
		})
	}
}
