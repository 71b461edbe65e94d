package conformance

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say how to run the cases. The zero value runs all of them.
type Options struct {
	// Only names the ids to run; empty means all.
	Only []string
	// Parallel is how many cases run at once where each has a channel of its own
	// ({} in the endpoints); 0 means 8.
	Parallel int
	// Progress hears of every result as it comes, one at a time; nil means nobody.
	Progress func(Result)
}

const (
	caseTimeout     = 40 * time.Second
	slowCaseTimeout = 4 * time.Minute
)

// Cases returns every case, in the order of reports.
func Cases() []Case {
	return slices.Concat(httpCases(), corsCases(), authCases(), offerCases(), answerCases(), trickleCases(),
		iceCases(), restartCases(), lifecycleCases(), counterOfferCases(), extensionCases(),
		keyFrameCases(), repairCases(), probeCases(), headerCases(), switchCases(), limitCases())
}

// Execute runs the cases against target. The error says that they could not be
// run at all; what the server did wrong is in the report.
func Execute(ctx context.Context, target Target, opt Options) (Report, error) {
	if err := target.Validate(); err != nil {
		return Report{}, err
	}
	cases, err := choose(opt.Only)
	if err != nil {
		return Report{}, err
	}
	s := &suite{target: target, opt: opt, http: newHTTP(target.TLS, netip.Addr{}), name: strings.ToLower(rand.Text()[:6])}
	defer s.http.CloseIdleConnections()
	return s.execute(ctx, cases), ctx.Err()
}

// choose returns the cases with these ids.
func choose(only []string) ([]Case, error) {
	all := Cases()
	if len(only) == 0 {
		return all, nil
	}
	var chosen []Case
	for _, id := range only {
		i := slices.IndexFunc(all, func(c Case) bool { return strings.EqualFold(c.ID, strings.TrimSpace(id)) })
		if i < 0 {
			return nil, fmt.Errorf("there is no case %q", id)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

type suite struct {
	target Target
	opt    Options
	http   *http.Client
	// name keeps the channels of this execution apart from those of the last.
	name string
}

func (s *suite) execute(ctx context.Context, cases []Case) Report {
	results := make([]Result, len(cases))
	told := make(chan int) // unbuffered: Progress is called by one goroutine
	done := make(chan struct{})
	go func() { // ends with told
		defer close(done)
		for i := range told {
			if s.opt.Progress != nil {
				s.opt.Progress(results[i])
			}
		}
	}()
	var group errgroup.Group
	group.SetLimit(s.parallel())
	for i, c := range cases {
		if !c.alone {
			group.Go(func() error { results[i] = s.one(ctx, c); told <- i; return nil })
		}
	}
	_ = group.Wait() // results hold every error
	for i, c := range cases {
		if c.alone {
			results[i] = s.one(ctx, c)
			told <- i
		}
	}
	close(told)
	<-done
	return Report{Results: results}
}

func (s *suite) parallel() int {
	switch {
	case !s.target.separate():
		return 1
	case s.opt.Parallel > 0:
		return s.opt.Parallel
	}
	return 8
}

// one runs a case in its own channel.
func (s *suite) one(ctx context.Context, c Case) Result {
	limit := caseTimeout
	if c.slow {
		limit = slowCaseTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	channel := s.name + "-" + strings.ToLower(c.ID)
	r := &run{target: s.target.in(channel), http: s.http, level: c.Level, channel: channel}
	if c.slow && !s.target.Slow {
		c.check = func(context.Context, *run) error {
			return skipf("waits for a timeout of the server of up to two minutes; run with --timeout-cases")
		}
	}
	return c.execute(ctx, r)
}
