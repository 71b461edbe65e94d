// Command headgate is a WHIP and WHEP gateway: it takes streams in from OBS,
// ffmpeg, GStreamer and browsers and hands them out to players.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway."`
	Token       tokenCommand       `cmd:"" help:"Make a token that lets somebody publish or play."`
	Push        pushCommand        `cmd:"" help:"Publish a file, or the built-in clip, to any WHIP server."`
	CheckConfig checkConfigCommand `cmd:"" help:"Check a configuration file and say everything that is wrong with it."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// console is what a subcommand may touch of the process around it.
type console struct {
	stdout, stderr io.Writer
	environ        []string
	// terminal tells that stdout is one: secrets may be shown there.
	terminal bool
}

// exitSignalled is the status of a run cut off by a second signal.
const exitSignalled = 130

func main() {
	ctx, stop := untilSignalled(os.Exit)
	defer stop()
	con := &console{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), terminal: isTerminal(os.Stdout)}
	if err := run(ctx, con, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "headgate:", err)
		stop()
		os.Exit(1)
	}
}

// run executes one subcommand.
func run(ctx context.Context, con *console, args []string) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("headgate"),
		kong.Description("A WHIP/WHEP gateway: broadcasts and calls with the clients people already have."),
		kong.Writers(con.stdout, con.stderr), kong.UsageOnError(), kong.Bind(con),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}

// untilSignalled returns a context that ends with the first SIGINT or SIGTERM; a
// second one ends the process at once by exit.
func untilSignalled(exit func(int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() { // lives as long as the process
		for s := range signals {
			if ctx.Err() != nil {
				exit(exitSignalled)
			}
			cancel(errors.New("received " + s.String()))
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// version is set by the build (-ldflags "-X main.version=…"); builds without it
// say which commit they are from.
var version = "" //nolint:gochecknoglobals // the linker can set nothing else

func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

type versionCommand struct{}

func (versionCommand) Run(con *console) error {
	_, err := fmt.Fprintln(con.stdout, "headgate", versionText())
	return err
}
