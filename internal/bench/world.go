package bench

import (
	"context"
	"os"
	"time"

	"github.com/headgate/headgate/internal/bench/audience"
	"github.com/headgate/headgate/internal/bench/procstat"
	"github.com/headgate/headgate/internal/bench/source"
)

// publisher, viewer, crowd and gauge are what a run needs of the packages that do
// the work; tests put others in their place.
type publisher interface {
	Err() error
	Stats() source.Stats
	LastKey() time.Time
	Late() time.Duration
	Restart(ctx context.Context) error
	Close(ctx context.Context) error
}

type viewer interface {
	Leave(ctx context.Context) error
	Timings() audience.Timings
	Select(ctx context.Context, rid string, layer int) error
}

type crowd interface {
	Join(ctx context.Context, endpoint, bearer string) (viewer, error)
	Reset()
	Snapshot() audience.Stats
	Close() error
}

// member is a participant's event stream.
type member interface {
	// Heard is how many events came so far.
	Heard() int64
	Leave(ctx context.Context) error
}

type gauge interface {
	CPU(pids ...int) (time.Duration, error)
	Memory(pids ...int) (procstat.Memory, error)
	Machine() (time.Duration, error)
}

// world makes them.
type world struct {
	publish func(ctx context.Context, cfg source.Config, endpoint, token string) (publisher, error)
	member  func(ctx context.Context, s *Scenario, channel, participant string) (member, error)
	gather  func(cfg audience.Config) (crowd, error)
	gauge   gauge
	self    int // this process
}

func realWorld() world {
	return world{
		publish: func(ctx context.Context, cfg source.Config, endpoint, token string) (publisher, error) {
			return source.Publish(ctx, cfg, endpoint, token)
		},
		member: joinCall,
		gather: func(cfg audience.Config) (crowd, error) {
			a, err := audience.New(cfg)
			return realCrowd{a}, err
		},
		gauge: processes{},
		self:  os.Getpid(),
	}
}

type realCrowd struct{ *audience.Audience }

func (c realCrowd) Join(ctx context.Context, endpoint, bearer string) (viewer, error) {
	v, err := c.Audience.Join(ctx, endpoint, bearer)
	if err != nil {
		return nil, err
	}
	return v, nil
}

type processes struct{}

func (processes) CPU(pids ...int) (time.Duration, error) { return procstat.CPU(pids...) }

func (processes) Machine() (time.Duration, error) { return procstat.Machine() }

func (processes) Memory(pids ...int) (procstat.Memory, error) { return procstat.MemoryOf(pids...) }
