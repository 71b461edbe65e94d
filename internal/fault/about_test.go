package fault

import (
	"errors"
	"fmt"
	"testing"
)

func TestAbout(t *testing.T) {
	busy := New(Conflict, "busy", "Busy.")
	err := fmt.Errorf("open: %w", About(fmt.Errorf("reserve: %w", busy), "s1"))
	if Session(err) != "s1" || !errors.Is(err, busy) || Of(err) != busy {
		t.Errorf("%v: session %q, %v", err, Session(err), Of(err))
	}
	if Session(busy) != "" || Session(nil) != "" || About(nil, "s1") != nil {
		t.Error("a session out of nothing")
	}
}
