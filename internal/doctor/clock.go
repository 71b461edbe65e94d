package doctor

import (
	"context"
	"fmt"
	"time"
)

const (
	// firstYear and lastYear are when this program can be running.
	firstYear, lastYear = 2026, 2100
	// clockOff is the difference that begins to matter: tokens are short-lived.
	clockOff = 5 * time.Second
)

const setClock = "Let the system keep the time: timedatectl set-ntp true, or chrony."

func clock(ctx context.Context, s Setup, now time.Time, offset func(context.Context, string) (time.Duration, error)) []Finding {
	if y := now.UTC().Year(); y < firstYear || y > lastYear {
		return []Finding{fault("clock-implausible", setClock, "The clock says %s: tokens and certificates will not be valid.", now.UTC().Format(time.DateOnly))}
	}
	if s.NTPServer == "" {
		return []Finding{ok("clock-plausible", "The clock says %s; --ntp SERVER compares it.", now.UTC().Format(time.DateTime+" MST"))}
	}
	ahead, err := offset(ctx, s.NTPServer)
	switch {
	case err != nil:
		return []Finding{warning("clock-server-silent", "Check that UDP port 123 may leave this machine, and the server's name.", "The time server %s did not answer: %v.", s.NTPServer, err)}
	case ahead.Abs() > clockOff:
		return []Finding{fault("clock-off", setClock, "The clock is %s: tokens of another issuer will be refused or live too long.", describeOffset(ahead))}
	}
	return []Finding{ok("clock-right", "The clock is %s.", describeOffset(ahead))}
}

func describeOffset(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%v behind", (-ahead).Round(time.Millisecond))
	}
	return fmt.Sprintf("%v ahead", ahead.Round(time.Millisecond))
}
