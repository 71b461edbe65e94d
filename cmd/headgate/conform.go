package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/headgate/headgate/internal/conformance"
	"github.com/headgate/headgate/internal/wholefile"
)

type conformCommand struct {
	WHIP          string   `name:"whip" placeholder:"URL" help:"WHIP endpoint of a channel nobody else uses; {} in it stands for names of the kit's choice, and then cases run side by side."`
	WHEP          string   `name:"whep" placeholder:"URL" help:"WHEP endpoint of the same channel."`
	Token         string   `placeholder:"TOKEN" help:"Token that publishes; it also plays unless --play-token is given. Also HEADGATE_CONFORM_TOKEN, which other users of the machine cannot see."`
	PlayToken     string   `placeholder:"TOKEN" help:"Token that plays and must not publish."`
	OtherToken    string   `placeholder:"TOKEN" help:"Token for another channel."`
	RivalToken    string   `placeholder:"TOKEN" help:"Token of somebody else for the same channel."`
	ExpiredToken  string   `placeholder:"TOKEN" help:"Token that was good once."`
	Origin        string   `placeholder:"ORIGIN" help:"Page that cross-origin requests pretend to come from."`
	PublicAddress string   `placeholder:"IP[:PORT]" help:"Address that every host candidate must show."`
	Given         []string `enum:"limits,dead-stun" placeholder:"FACT" help:"What the server is configured with: limits (they count this machine; a lot is asked for), dead-stun (a STUN server that does not answer)."`
	Drain         string   `placeholder:"COMMAND" help:"Shell command that shuts the server down; runs last."`
	TimeoutCases  bool     `help:"Also run the cases that wait for timeouts of up to two minutes."`
	Insecure      bool     `help:"Take any certificate."`
	Only          []string `placeholder:"ID" help:"Run only these cases."`
	Merge         []string `type:"existingfile" placeholder:"FILE" help:"Add the results of earlier runs (made with --json) to the report."`
	Markdown      string   `placeholder:"FILE" help:"Write the report as a page."`
	JSON          bool     `name:"json" help:"Write the report to stdout as JSON."`
	List          bool     `help:"List the cases."`
}

const envConformToken = "HEADGATE_CONFORM_TOKEN"

var errNotConforming = errors.New("the server breaks a MUST")

// Run runs the cases. The error makes the process fail when a MUST is broken.
func (c *conformCommand) Run(ctx context.Context, con *console) error {
	if c.List {
		return c.list(con)
	}
	if c.Token == "" {
		c.Token = con.env(envConformToken)
	}
	reports, err := c.earlier()
	if err != nil {
		return err
	}
	if c.WHIP != "" || len(reports) == 0 {
		report, err := conformance.Execute(ctx, c.target(), conformance.Options{Only: c.Only, Progress: c.progress(con)})
		if err != nil {
			return err
		}
		reports = append(reports, report)
	}
	merged := conformance.Merge(reports...)
	if err := c.write(con, merged); err != nil {
		return err
	}
	if merged.Broken() > 0 {
		return errNotConforming
	}
	return nil
}

func (c *conformCommand) target() conformance.Target {
	t := conformance.Target{
		WHIP: c.WHIP, WHEP: c.WHEP, Token: c.Token, PlayToken: c.PlayToken, OtherToken: c.OtherToken,
		RivalToken: c.RivalToken, ExpiredToken: c.ExpiredToken, Origin: c.Origin,
		PublicAddress: c.PublicAddress, Slow: c.TimeoutCases,
	}
	for _, fact := range c.Given {
		t.Limited = t.Limited || fact == "limits"
		t.DeadSTUN = t.DeadSTUN || fact == "dead-stun"
	}
	if c.Insecure {
		t.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // asked for by --insecure
	}
	if c.Drain != "" {
		t.Drain = func(ctx context.Context) error { return exec.CommandContext(ctx, "sh", "-c", c.Drain).Run() } //nolint:gosec // the user gives the command
	}
	return t
}

// progress shows results as they come, on stderr where stdout is the report.
func (c *conformCommand) progress(con *console) func(conformance.Result) {
	out := con.stdout
	if c.JSON {
		out = con.stderr
	}
	return func(r conformance.Result) { fmt.Fprintln(out, r.Line()) }
}

func (c *conformCommand) earlier() ([]conformance.Report, error) {
	var reports []conformance.Report
	for _, name := range c.Merge {
		b, err := os.ReadFile(filepath.Clean(name))
		if err != nil {
			return nil, err
		}
		report, err := conformance.ReadJSON(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		reports = append(reports, report)
	}
	return reports, nil
}

func (c *conformCommand) write(con *console, report conformance.Report) error {
	if c.JSON {
		if err := report.WriteJSON(con.stdout); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(con.stdout, report.Summary()); err != nil {
		return err
	}
	if c.Markdown == "" {
		return nil
	}
	var page bytes.Buffer
	if err := report.WriteMarkdown(&page); err != nil {
		return err
	}
	return wholefile.Write(c.Markdown, page.Bytes())
}

func (c *conformCommand) list(con *console) error {
	for _, k := range conformance.Cases() {
		if _, err := fmt.Fprintf(con.stdout, "%-6s %-6s %s\n", k.ID, k.Level, k.Title); err != nil {
			return err
		}
	}
	return nil
}
