package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"text/tabwriter"
	"time"

	"github.com/headgate/headgate/internal/bench/floor"
)

type benchFloorCommand struct {
	Time  time.Duration `default:"500ms" help:"Time for each case."`
	Drain bool          `help:"Let another process read the packets, on another core if there is one, instead of dropping them."`
}

// Run measures every case.
func (c *benchFloorCommand) Run(ctx context.Context, con *console) (err error) {
	var ports []int
	if c.Drain {
		var stop func() error
		if ports, stop, err = startSinks(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	t := tabwriter.NewWriter(con.stdout, 0, 0, 2, ' ', 0)
	for _, k := range floor.Cases() {
		if ctx.Err() != nil {
			break
		}
		r, err := floor.Measure(k, c.Time, ports...)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%.0f ns\n", r.Case, r.NsPerPacket)
	}
	return t.Flush()
}

// startSinks runs this program once more, to read. It ends with its standard
// input, so it never outlives this process.
func startSinks(ctx context.Context) (ports []int, stop func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	sinks := exec.CommandContext(ctx, self, "bench", "sinks")
	sinks.Stderr = os.Stderr
	in, errIn := sinks.StdinPipe()
	out, errOut := sinks.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return nil, nil, err
	}
	if err := sinks.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() error { return errors.Join(in.Close(), sinks.Wait()) }
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&ports); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("start a process that reads: %w", err), stop())
	}
	return ports, stop, nil
}

type benchSinksCommand struct{}

// Run reads until standard input ends.
func (benchSinksCommand) Run(ctx context.Context, con *console) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the process, which has nothing else to do
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	return floor.Drain(ctx, func(ports []int) error { return json.NewEncoder(con.stdout).Encode(ports) })
}
