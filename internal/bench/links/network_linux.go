package links

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// The bucket of every line: what passes at once, and how long the queue may grow.
const (
	burst   = "10kb"
	latency = "400ms"
)

// network is a namespace for the gateway and one for each line, joined by veth
// pairs. What it makes is gone after close.
type network struct {
	prefix string
	made   []string // namespaces
}

// usable tells what is missing to build networks here.
func usable() error {
	if os.Geteuid() != 0 {
		return errors.New("network namespaces and tc want root: run this as root")
	}
	for _, program := range []string{"ip", "tc"} {
		if _, err := tool(program); err != nil {
			return fmt.Errorf("%s is missing: install iproute2: %w", program, err)
		}
	}
	return nil
}

// tool finds programs that are often not in the path of users.
func tool(name string) (string, error) {
	for _, candidate := range []string{name, "/usr/sbin/" + name, "/sbin/" + name} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

func run(name string, args ...string) error {
	path, err := tool(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if output, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(output)))
	}
	return nil
}

func newNetwork() (*network, error) {
	n := &network{prefix: fmt.Sprintf("hg-links-%d-", os.Getpid())}
	return n, n.namespace("gateway")
}

func (n *network) namespace(name string) error {
	if err := run("ip", "netns", "add", n.prefix+name); err != nil {
		return err
	}
	n.made = append(n.made, n.prefix+name)
	return run("ip", "-n", n.prefix+name, "link", "set", "lo", "up")
}

// line is the way to one viewer.
type line struct {
	network *network
	number  int
}

// add makes line number i with this rate, and a namespace at its end.
func (n *network) add(i, bits int) (*line, error) {
	l := &line{n, i}
	if err := n.namespace(l.name()); err != nil {
		return nil, err
	}
	gateway, viewer := n.prefix+"gateway", n.prefix+l.name()
	for _, step := range [][]string{
		{"-n", gateway, "link", "add", l.device(), "type", "veth", "peer", "name", "eth0", "netns", viewer},
		{"-n", gateway, "address", "add", l.address(1) + "/24", "dev", l.device()},
		{"-n", viewer, "address", "add", l.address(2) + "/24", "dev", "eth0"},
		{"-n", gateway, "link", "set", l.device(), "up"},
		{"-n", viewer, "link", "set", "eth0", "up"},
	} {
		if err := run("ip", step...); err != nil {
			return nil, err
		}
	}
	return l, l.limit("add", bits)
}

func (l *line) name() string   { return fmt.Sprintf("viewer%d", l.number) }
func (l *line) device() string { return fmt.Sprintf("line%d", l.number) }

// address is of the range for measuring (RFC 2544): the gateway has 1, the viewer 2.
func (l *line) address(end int) string { return fmt.Sprintf("198.19.%d.%d", l.number, end) }

// limit adds the bucket, or changes it.
func (l *line) limit(verb string, bits int) error {
	return run("tc", "-n", l.network.prefix+"gateway", "qdisc", verb, "dev", l.device(), "root", "tbf",
		"rate", fmt.Sprintf("%dbit", bits), "burst", burst, "latency", latency)
}

// command runs a program at the line's end, until ctx ends.
func (l *line) command(ctx context.Context, args ...string) *exec.Cmd {
	return l.network.inside(ctx, l.name(), args)
}

// command runs a program beside the gateway, until ctx ends.
func (n *network) command(ctx context.Context, args ...string) *exec.Cmd {
	return n.inside(ctx, "gateway", args)
}

func (n *network) inside(ctx context.Context, name string, args []string) *exec.Cmd {
	path, _ := tool("ip") // usable has found it
	return exec.CommandContext(ctx, path, append([]string{"netns", "exec", n.prefix + name}, args...)...)
}

func (n *network) close() error {
	var errs []error
	for _, name := range n.made {
		errs = append(errs, run("ip", "netns", "delete", name))
	}
	return errors.Join(errs...)
}
