package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/headgate/headgate/internal/testkit/leak"
)

// runAsHeadgate makes the test binary behave as the command itself, so that
// processes can be tested without building another binary.
const runAsHeadgate = "RUN_AS_HEADGATE"

func TestMain(m *testing.M) {
	if os.Getenv(runAsHeadgate) != "" {
		main()
		return
	}
	leak.Main(m)
}

// output is what a command wrote; it may be read while the command runs.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// command is one run of a subcommand in this process.
type command struct {
	stdout, stderr output
	env            []string
	terminal       bool
	stdin          io.ReadCloser
}

func (c *command) console() *console {
	return &console{stdout: &c.stdout, stderr: &c.stderr, environ: c.env, terminal: c.terminal, stdin: c.stdin}
}

func (c *command) run(t *testing.T, args ...string) error {
	t.Helper()
	return run(t.Context(), c.console(), args)
}

// start runs the subcommand until the returned function is called, which
// returns what it returned.
func (c *command) start(t *testing.T, args ...string) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx, c.console(), args) }() // waited for by stop
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(20 * time.Second):
			t.Error("the command does not end")
			return nil
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil && !t.Failed() {
			t.Errorf("the command ended with: %v", err)
		}
	})
	return stop
}

// process is one run of the command in a process of its own.
type process struct {
	*exec.Cmd
	stdout, stderr output
	ended          chan error
}

func startProcess(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...), ended: make(chan error, 1)}
	p.Env = append([]string{runAsHeadgate + "=1", "HOME=" + t.TempDir(), "GOCOVERDIR=" + t.TempDir(), "GORACE=" + os.Getenv("GORACE")}, env...)
	p.Stdout, p.Stderr = &p.stdout, &p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }() // ends with the process, which clean-up kills
	t.Cleanup(func() {
		_ = p.Process.Kill() // most have ended long before
		p.status(t)
	})
	return p
}

// status waits for the end and returns the exit status, -1 for a signal.
func (p *process) status(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err // for the next caller
		return p.ProcessState.ExitCode()
	case <-time.After(20 * time.Second):
		t.Fatalf("the process does not end; it said %s", p.stderr.String())
		return 0
	}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until check is content.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !check(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mustSay checks that an error says all of these.
func mustSay(t *testing.T, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want one that says %q", want)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error does not say %q:\n%v", w, err)
		}
	}
}

func TestVersion(t *testing.T) {
	var c command
	if err := c.run(t, "version"); err != nil {
		t.Fatal(err)
	}
	if got := c.stdout.String(); !strings.HasPrefix(got, "headgate ") || len(got) < len("headgate x\n") {
		t.Errorf("it said %q", got)
	}
}

func TestExitStatus(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	for name, tc := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"fine":                        {[]string{"version"}, 0, ""},
		"help":                        {[]string{"--help"}, 0, ""},
		"help of a command":           {[]string{"serve", "--help"}, 0, ""},
		"no command":                  {nil, exitUsage, "--help"},
		"unknown command":             {[]string{"sevre"}, exitUsage, "serve"},
		"unknown flag":                {[]string{"serve", "--htp", ":0"}, exitUsage, "--http"},
		"bad choice":                  {[]string{"serve", "--log-level", "loud"}, exitUsage, "debug"},
		"push without an address":     {[]string{"push"}, exitUsage, "--whip"},
		"push to no address":          {[]string{"push", "--whip", "live"}, exitUsage, "http://"},
		"push of two kinds":           {[]string{"push", "--whip", "http://127.0.0.1:1", "--rtp-video", "5004", "-"}, exitUsage, "not more than one"},
		"push that nobody takes":      {[]string{"push", "--whip", "http://127.0.0.1:1/whip/live"}, exitFailed, "refused"},
		"configuration is missing":    {[]string{"serve", "--config", missing}, exitUsage, missing},
		"a token that allows nothing": {[]string{"token"}, exitFailed, "--publish"},
		"configuration is bad":        {[]string{"check-config", write(t, "bad.yaml", "htp: {}\n")}, exitFailed, "did you mean http?"},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProcess(t, nil, tc.args...)
			if got := p.status(t); got != tc.status {
				t.Errorf("status %d, want %d: %s", got, tc.status, p.stderr.String())
			}
			if !strings.Contains(p.stderr.String(), tc.says) {
				t.Errorf("stderr does not say %q: %s", tc.says, p.stderr.String())
			}
			if tc.status != 0 && p.stdout.String() != "" {
				t.Errorf("a failure wrote to stdout: %s", p.stdout.String())
			}
		})
	}
}
