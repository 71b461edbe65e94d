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
	"sync"
	"syscall"

	"github.com/alecthomas/kong"
)

type cli struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway."`
	Token       tokenCommand       `cmd:"" help:"Make a token that lets somebody publish or play."`
	Push        pushCommand        `cmd:"" help:"Publish files, a pipe, plain RTP or the built-in clip to any WHIP server."`
	Pull        pullCommand        `cmd:"" help:"Play from any WHEP server to files, standard output or plain RTP."`
	Bench       benchCommand       `cmd:"" help:"Measure any WHIP and WHEP server under load."`
	Doctor      doctorCommand      `cmd:"" help:"Find out why a gateway would not be reached: this machine and its configuration, or any WHIP and WHEP server by its URL."`
	Conform     conformCommand     `cmd:"" help:"Test any WHIP and WHEP server against the standards."`
	CheckConfig checkConfigCommand `cmd:"" help:"Check a configuration file and say everything that is wrong with it."`
	Health      healthCommand      `cmd:"" help:"Ask the gateway on this machine how it is."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// console is what a subcommand may touch of the process around it.
type console struct {
	stdout, stderr io.Writer
	environ        []string
	// terminal tells that stdout is one: secrets may be shown there.
	terminal bool
	// progress tells the same of stderr: a line that changes may be shown there.
	progress bool
	// stdin is nil when it is a terminal.
	stdin io.ReadCloser
}

// The exit statuses besides 0.
const (
	exitFailed    = 1
	exitUsage     = 2   // the command line is not understood
	exitSignalled = 130 // cut off by a second signal
)

func main() {
	ctx, stop := untilSignalled(os.Exit)
	con := &console{stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(), terminal: isTerminal(os.Stdout), progress: isTerminal(os.Stderr)}
	if !isTerminal(os.Stdin) {
		con.stdin = os.Stdin
	}
	err := run(ctx, con, os.Args[1:])
	stop()
	os.Exit(report(con, err))
}

// report says what went wrong and returns the exit status for it.
func report(con *console, err error) int {
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(con.stderr, "headgate:", err)
	if _, usage := errors.AsType[*kong.ParseError](err); usage {
		_, _ = fmt.Fprintln(con.stderr, "`headgate --help` and `headgate COMMAND --help` say what there is.")
		return exitUsage
	}
	return exitFailed
}

// run executes one subcommand.
func run(ctx context.Context, con *console, args []string) error {
	parser, err := newParser(ctx, con)
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}

func newParser(ctx context.Context, con *console) (*kong.Kong, error) {
	return newParserOf(ctx, con, new(cli))
}

func newParserOf(ctx context.Context, con *console, root *cli) (*kong.Kong, error) {
	return kong.New(root, kong.Name("headgate"),
		kong.Description("A WHIP and WHEP gateway: takes streams from OBS, ffmpeg, GStreamer and browsers and gives them to any player."),
		kong.Writers(con.stdout, con.stderr), kong.Bind(con), kong.BindTo(ctx, (*context.Context)(nil)))
}

// untilSignalled returns a context that ends with the first SIGINT or SIGTERM; a
// second one ends the process at once by exit. stop gives the signals back.
func untilSignalled(exit func(int)) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2) // two are all that matter
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case s := <-signals:
				if ctx.Err() != nil {
					exit(exitSignalled)
				}
				cancel(errors.New("received " + s.String()))
			case <-done:
				return
			}
		}
	})
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		watching.Wait()
		cancel(context.Canceled)
	})
}

// isTerminal tells whether somebody may be looking: a character device other
// than the null device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// version is set by the build (-ldflags "-X main.version=…"); builds without it
// say which commit they are from.
var version = ""

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
