package integration

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pollInterval is how often a condition is looked at.
const pollInterval = 20 * time.Millisecond

// patience bounds a wait that claims nothing about time: it only keeps a hang from lasting for ever. What must come within a time has a bound of its
// own, named where it is claimed.
const patience = time.Minute

// eventually polls until check returns nil and fails the test with check's last error after the timeout, and what that has to tell.
func eventually(t *testing.T, timeout time.Duration, what string, check func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v%s", what, timeout, err, toldBy(err))
		}
		<-tick.C
	}
}

// A late error is one that can tell more once nobody waits any longer.
type late struct {
	error
	tell func() string
}

func toldBy(err error) string {
	if l, ok := errors.AsType[late](err); ok {
		return "\n" + l.tell()
	}
	return ""
}

// A program is a process that a test started: the gateway or a client. It ends with the test at the latest, and what it printed is shown
// when the test failed. One goroutine waits for the process; done is closed when it has ended.
type program struct {
	name   string
	cmd    *exec.Cmd
	output transcript
	shown  int // how many of the last bytes a failed test shows
	over   int // how much it had printed when the test was over, 0 while it is not
	done   chan struct{}
	err    error
}

// start runs a command in a process group of its own.
func start(t *testing.T, name string, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{name: name, cmd: cmd, shown: 16 << 10, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("---- %s printed:\n%s", name, p.words())
		}
	})
	return p
}

// words are the last of what the program printed while the test ran: its end is noise that would push them out. Files that a page loads are left out
// for the same reason.
func (p *program) words() string {
	text := p.output.String()
	if p.over > 0 {
		text = text[:p.over]
	}
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "route=/assets/") {
			kept.WriteString(line)
		}
	}
	return tail(kept.String(), p.shown)
}

// kill ends the program and all it started, at once, and waits.
func (p *program) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal goes to the whole group unless the program has ended.
func (p *program) signal(s syscall.Signal) {
	select {
	case <-p.done:
	default:
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
	}
}

// ends waits for the program to end by itself and returns how it did. One that hangs is asked where: its output ends with what its
// threads were doing.
func (p *program) ends(t *testing.T, timeout time.Duration) error {
	t.Helper()
	select {
	case <-p.done:
		return p.err
	case <-time.After(timeout):
		p.abort()
		t.Fatalf("%s has not ended within %v", p.name, timeout)
		return nil
	}
}

// abort makes a Go or Python program print its threads' stacks, and waits a moment for it to end of that.
func (p *program) abort() {
	p.shown = 256 << 10
	p.signal(syscall.SIGABRT)
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
	}
}

// stops interrupts the program as Ctrl-C does and waits for it.
func (p *program) stops(t *testing.T, timeout time.Duration) error {
	t.Helper()
	p.signal(syscall.SIGINT)
	return p.ends(t, timeout)
}

// running is an error once the program has ended.
func (p *program) running() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s has ended: %v", p.name, p.cmd.ProcessState)
	default:
		return nil
	}
}

// prints waits until the output matches the pattern and returns the match with its groups.
func (p *program) prints(t *testing.T, timeout time.Duration, pattern string) []string {
	t.Helper()
	return p.printsAfter(t, 0, timeout, pattern)
}

// printed is how much the program has printed: where what it prints next begins.
func (p *program) printed() int { return len(p.output.String()) }

// printsAfter is prints for what comes after the first so many bytes, where an earlier part of the test has made the program print the same.
func (p *program) printsAfter(t *testing.T, begin int, timeout time.Duration, pattern string) []string {
	t.Helper()
	expression := regexp.MustCompile(pattern)
	var match []string
	eventually(t, timeout, fmt.Sprintf("%s prints %q", p.name, pattern), func() error {
		ended := p.running() // before the output is read: what has ended has printed all
		if match = expression.FindStringSubmatch(p.output.String()[begin:]); match != nil {
			return nil
		}
		if ended != nil {
			t.Fatalf("%v without printing %q", ended, pattern)
		}
		return fmt.Errorf("its last words: %s", lastLine([]byte(p.output.tail(400))))
	})
	return match
}

// A transcript keeps what a program prints. It may be read while it is written.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *transcript) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *transcript) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// tail returns at most the last n bytes.
func (o *transcript) tail(n int) string { return tail(o.String(), n) }

func tail(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}
