package links

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	readyLimit = 15 * time.Second
	// aheadOfViewers is how long a publisher sends before anybody comes, so that all
	// layers are known.
	aheadOfViewers = 3 * time.Second
	channel        = "links"
	httpPort       = "8080"
	mediaPort      = "8190"
)

// Measure builds the network, lets everybody play, and judges. progress is told what
// happens. It wants root, and cleans up after itself whatever happens.
func Measure(ctx context.Context, c Config, progress func(format string, args ...any)) (report *Report, err error) {
	if err = errors.Join(usable(), c.validate()); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "headgate-links-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	m := &measurement{Config: c, dir: dir, say: progress, report: newReport(&c)}
	if m.network, err = newNetwork(); err != nil {
		return nil, errors.Join(err, m.close())
	}
	defer func() { err = errors.Join(err, m.close()) }()
	if err = m.prepare(ctx); err != nil {
		return nil, err
	}
	return m.report, m.all(ctx)
}

// measurement is under way.
//
// Ownership: every process is started by begin, which waits for it in a goroutine of
// its own; close interrupts them and waits for these.
type measurement struct {
	Config
	dir     string
	say     func(format string, args ...any)
	report  *Report
	network *network
	lines   []*line

	stops []context.CancelFunc
	work  sync.WaitGroup
}

func (m *measurement) close() error {
	for i := len(m.stops) - 1; i >= 0; i-- { // viewers before the publisher before the gateway
		m.stops[i]()
	}
	m.work.Wait()
	if m.network == nil {
		return nil
	}
	return m.network.close()
}

// plan are all lines, the one with steps last.
func (m *measurement) plan() []Line {
	plan := append([]Line(nil), m.Lines...)
	if len(m.Steps.Phases) > 0 {
		plan = append(plan, m.Steps)
	}
	return plan
}

// prepare makes the lines, then starts gateway and publisher: a gateway looks at its
// addresses when it starts.
func (m *measurement) prepare(ctx context.Context) error {
	for i, l := range m.plan() {
		line, err := m.network.add(i+1, l.Phases[0].Bits)
		if err != nil {
			return err
		}
		m.lines = append(m.lines, line)
	}
	ready := filepath.Join(m.dir, "ready.json")
	args := append([]string{m.Program, "serve", "--open", "--http", ":" + httpPort, "--media", ":" + mediaPort, "--ready-file", ready, "--log-level", "warn"}, m.Serve...)
	gateway := m.begin(ctx, m.network.command, args)
	if err := m.await(ctx, ready, gateway); err != nil {
		return fmt.Errorf("the gateway: %w", err)
	}
	ready = filepath.Join(m.dir, "on-air")
	args = []string{m.Program, "bench", "publish", "http://127.0.0.1:" + httpPort + "/whip/" + channel, "--simulcast", "--bitrate", strconv.Itoa(m.Bits), "--ready-file", ready}
	if !m.Audio {
		args = append(args, "--no-audio")
	}
	if err := m.await(ctx, ready, m.begin(ctx, m.network.command, args)); err != nil {
		return fmt.Errorf("the publisher: %w", err)
	}
	return wait(ctx, aheadOfViewers)
}

// process is one that was begun; err is set when done is closed.
type process struct {
	done   chan struct{}
	err    error
	output bytes.Buffer
}

// begin starts a process that is interrupted when ctx ends or at close.
func (m *measurement) begin(ctx context.Context, command func(context.Context, ...string) *exec.Cmd, args []string) *process {
	ctx, stop := context.WithCancel(ctx)
	m.stops = append(m.stops, stop)
	p := &process{done: make(chan struct{})}
	cmd := command(ctx, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+m.dir)
	m.work.Go(func() {
		defer close(p.done)
		if err := cmd.Run(); err != nil {
			p.err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(p.output.Bytes()))
		}
	})
	return p
}

// await waits for a file that a process writes when it is ready.
func (m *measurement) await(ctx context.Context, file string, p *process) error {
	for deadline := time.Now().Add(readyLimit); ; {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended: %w", p.err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return errors.New("it is not ready in time")
		}
	}
}

// all measures the lines together, then the one with steps.
func (m *measurement) all(ctx context.Context) error {
	var work sync.WaitGroup
	verdicts, errs := make([]Verdict, len(m.Lines)), make([]error, len(m.Lines))
	if len(m.Lines) > 0 {
		m.say("%d viewers for %v", len(m.Lines), m.Lines[0].duration())
	}
	for i := range m.Lines {
		p := m.watcher(ctx, i, m.Lines[i].duration())
		work.Go(func() { verdicts[i], errs[i] = m.verdict(i, m.Lines[i], p, nil) })
	}
	work.Wait()
	m.report.Verdicts = verdicts
	if err := errors.Join(errs...); err != nil || len(m.Steps.Phases) == 0 {
		return err
	}
	m.say("one viewer for %v, whose line changes", m.Steps.duration())
	i := len(m.Lines)
	p := m.watcher(ctx, i, m.Steps.duration())
	steps, err := m.steps(ctx, m.lines[i])
	if err != nil {
		return err
	}
	v, err := m.verdict(i, m.Steps, p, steps)
	m.report.Verdicts = append(m.report.Verdicts, v)
	return err
}

// watcher starts the viewer of line i.
func (m *measurement) watcher(ctx context.Context, i int, d time.Duration) *process {
	return m.begin(ctx, m.lines[i].command, []string{
		m.Program, "bench", "watch", "http://" + m.lines[i].address(1) + ":" + httpPort + "/whep/" + channel, "--duration", d.String(), "--out", m.traceFile(i),
	})
}

func (m *measurement) traceFile(i int) string {
	return filepath.Join(m.dir, "trace-"+strconv.Itoa(i)+".json")
}

// steps changes the line as its phases say.
func (m *measurement) steps(ctx context.Context, l *line) (steps []Step, err error) {
	phases := m.Steps.Phases
	for i := 1; i < len(phases); i++ {
		if err = wait(ctx, phases[i-1].Duration); err != nil {
			return steps, err
		}
		if err = l.limit("change", phases[i].Bits); err != nil {
			return steps, err
		}
		m.say("now %d kbit/s", phases[i].Bits/1000)
		steps = append(steps, Step{At: time.Now().UnixNano(), Bits: phases[i].Bits, Down: phases[i].Bits < phases[i-1].Bits})
	}
	return steps, nil
}

// verdict waits for a viewer and judges what it wrote.
func (m *measurement) verdict(i int, l Line, p *process, steps []Step) (Verdict, error) {
	<-p.done
	b, err := os.ReadFile(m.traceFile(i))
	if p.err != nil || err != nil {
		return Verdict{}, fmt.Errorf("the viewer of %s: %w", l.Name, errors.Join(p.err, err))
	}
	var trace Trace
	if err := json.Unmarshal(b, &trace); err != nil {
		return Verdict{}, err
	}
	return judge(l, m.report.Needs, trace, steps), nil
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
