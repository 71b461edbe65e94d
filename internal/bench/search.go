package bench

import (
	"context"
	"slices"
	"strings"
)

// closeEnough ends a search: the limit is known to a twentieth.
const closeEnough = 20

// search raises the number of viewers, doubling until a limit breaks or this
// program is the limit, then halving the gap. Viewers stay between steps.
func (r *run) search(ctx context.Context) error {
	good, bad := 0, 0
	r.out.Max = &Max{}
	for n := r.s.Viewers[0]; ; n = nextTry(good, bad) {
		p, err := r.try(ctx, n)
		if err != nil {
			return err
		}
		r.out.Points = append(r.out.Points, p)
		r.out.Max.ClientFull = r.out.Max.ClientFull || p.clientFull()
		if p.good() {
			good = n
			r.out.Max.Viewers = max(r.out.Max.Viewers, n)
		} else {
			bad = n
			r.out.Max.Broken, r.out.Max.Why = n, p.why()
		}
		if bad > 0 && bad-good <= max(1, bad/closeEnough) || n == maxViewers {
			break
		}
	}
	slices.SortFunc(r.out.Points, func(a, b Point) int { return a.Viewers - b.Viewers })
	return nil
}

// try measures with n viewers, and once more if a limit broke: something else
// may have disturbed.
func (r *run) try(ctx context.Context, n int) (Point, error) {
	p, err := r.point(ctx, n)
	if err != nil || p.good() || p.JoinErrors > 0 {
		return p, err
	}
	r.say("%s; once more", strings.Join(p.why(), ", "))
	again, err := r.point(ctx, n)
	again.Joins = p.Joins // nobody came this time
	if again.Server != nil && p.Server != nil {
		again.SetupPerSession, again.SetupPerSessionGross = p.SetupPerSession, p.SetupPerSessionGross
	}
	return again, err
}

func (p *Point) good() bool { return len(p.Broken) == 0 && p.JoinErrors == 0 && !p.clientFull() }

// nextTry is the next number to try.
func nextTry(good, bad int) int {
	if bad == 0 {
		return min(2*good, maxViewers)
	}
	return (good + bad) / 2
}

// why says what keeps a point from being good.
func (p *Point) why() []string {
	list := slices.Clone(p.Broken)
	if p.JoinErrors > 0 {
		list = append(list, "viewers could not join: "+p.FirstError)
	}
	if p.clientFull() {
		list = append(list, "the client's own processor was full")
	}
	return list
}
