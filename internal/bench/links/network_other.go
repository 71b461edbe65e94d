//go:build !linux

package links

import (
	"context"
	"errors"
	"os/exec"
)

var errLinux = errors.New("lines can be narrowed on Linux only")

type network struct{}

type line struct{}

func usable() error                 { return errLinux }
func newNetwork() (*network, error) { return nil, errLinux }

func (*network) add(int, int) (*line, error)                  { return nil, errLinux }
func (*network) close() error                                 { return nil }
func (*network) command(context.Context, ...string) *exec.Cmd { return nil }
func (*line) command(context.Context, ...string) *exec.Cmd    { return nil }
func (*line) limit(string, int) error                         { return errLinux }
func (*line) address(int) string                              { return "" }
