package bench

import (
	"context"
	"slices"
)

// closeEnough ends a search: the limit is known to a twentieth.
const closeEnough = 20

// search raises the number of viewers, doubling until a limit breaks or this
// program is the limit, then halving the gap. Viewers stay between steps.
func (r *run) search(ctx context.Context) error {
	good, bad := 0, 0
	r.out.Max = &Max{}
	for n := r.s.Viewers[0]; ; n = nextTry(good, bad) {
		p, err := r.point(ctx, n)
		if err != nil {
			return err
		}
		r.out.Points = append(r.out.Points, p)
		full := p.clientFull()
		r.out.Max.ClientFull = r.out.Max.ClientFull || full
		if len(p.Broken) == 0 && p.JoinErrors == 0 && !full {
			good = n
			r.out.Max.Viewers = max(r.out.Max.Viewers, n)
		} else {
			bad = n
			r.out.Max.Broken, r.out.Max.Why = n, why(&p, full)
		}
		if bad > 0 && bad-good <= max(1, bad/closeEnough) || n == maxViewers {
			break
		}
	}
	slices.SortFunc(r.out.Points, func(a, b Point) int { return a.Viewers - b.Viewers })
	return nil
}

// nextTry is the next number to try.
func nextTry(good, bad int) int {
	if bad == 0 {
		return min(2*good, maxViewers)
	}
	return (good + bad) / 2
}

func why(p *Point, full bool) []string {
	list := slices.Clone(p.Broken)
	if p.JoinErrors > 0 {
		list = append(list, "viewers could not join: "+p.FirstError)
	}
	if full {
		list = append(list, "the client's own processor was full")
	}
	return list
}
