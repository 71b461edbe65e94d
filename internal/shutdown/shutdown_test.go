package shutdown

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

func TestEveryStepRunsInOrderAndFailuresAreJoined(t *testing.T) {
	var order []string
	bad := errors.New("no")
	step := func(name string, err error) Step {
		return Step{Name: name, Limit: time.Second, Stop: func(context.Context) error {
			order = append(order, name)
			return err
		}}
	}
	err := Run(t.Context(), slog.New(slog.DiscardHandler), step("a", nil), step("b", bad), step("c", nil))
	if !errors.Is(err, bad) {
		t.Errorf("error %v does not hold the failure", err)
	}
	if !slices.Equal(order, []string{"a", "b", "c"}) {
		t.Errorf("order = %v", order)
	}
}

func TestAStepThatHangsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		hang := Step{Name: "hang", Limit: 3 * time.Second, Stop: func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		next := false
		err := Run(t.Context(), slog.New(slog.DiscardHandler), hang,
			Step{Name: "next", Limit: time.Second, Stop: func(context.Context) error { next = true; return nil }})
		if !errors.Is(err, context.DeadlineExceeded) || !next {
			t.Errorf("err = %v, next ran = %v", err, next)
		}
		if took := time.Since(started); took != 3*time.Second {
			t.Errorf("took %v, want the limit", took)
		}
	})
}
