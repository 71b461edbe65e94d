package bwe

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1_800_000_000, 0)

// steps makes the steps of a demand.
func steps(bits ...int) (s []Step) {
	for _, b := range bits {
		s = append(s, Step{Bits: b})
	}
	return s
}

// settle allocates every 100 ms for d and returns the last grants.
func settle(a *Allocator, from time.Time, d time.Duration, bits int, demands []Demand) (grants []int, wanted int) {
	grants = make([]int, len(demands))
	for t := from; !t.After(from.Add(d)); t = t.Add(100 * time.Millisecond) {
		wanted, _ = a.Allocate(t, bits, true, demands, grants)
		for i, g := range grants {
			demands[i].Current = g
		}
	}
	return grants, wanted
}

func TestAllocate(t *testing.T) {
	audio := Demand{Audio: true, Steps: steps(50_000), Current: Paused}
	video := func(priority int, bits ...int) Demand {
		return Demand{Priority: priority, Steps: steps(bits...), Current: Paused}
	}
	hidden := video(0, 100)
	hidden.Hidden = true
	for _, c := range []struct {
		name    string
		bits    int
		demands []Demand
		want    []int
		wanted  int
	}{
		{"everything fits", 5_000_000, []Demand{audio, video(0, 150_000, 500_000)}, []int{0, 1}, 0},
		{"the next step is wanted with its room", 600_000, []Demand{audio, video(0, 150_000, 350_000, 950_000)}, []int{0, 1}, 1_100_000},
		{"audio is never paused", 10_000, []Demand{audio, video(0, 150_000)}, []int{0, Paused}, 220_000},
		{"hidden sections get nothing", 1_000_000, []Demand{hidden}, []int{Paused}, 0},
		{"everybody sees something first", 390_000, []Demand{video(1, 100_000, 300_000), video(0, 100_000)}, []int{0, 0}, 440_000},
		{"the higher priority is paused last", 150_000, []Demand{video(0, 100_000), video(1, 100_000)}, []int{Paused, 0}, 220_000},
		{"the higher priority is raised first", 450_000, []Demand{video(0, 100_000, 300_000), video(1, 100_000, 300_000)}, []int{0, 1}, 660_000},
		{"equal ones are raised in turns", 590_000, []Demand{video(0, 100_000, 200_000, 400_000), video(0, 100_000, 200_000, 400_000)}, []int{1, 1}, 660_000},
		{"what is not live is passed over", 1_000_000, []Demand{video(0, 0, 200_000, 0, 400_000)}, []int{3}, 0},
		{"nothing is live", 1_000_000, []Demand{video(0, 0, 0)}, []int{0}, 0},
		{"nothing is there", 1_000_000, []Demand{video(0), {Audio: true}}, []int{Paused, Paused}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wanted := settle(new(Allocator), start, 3*time.Second, c.bits, c.demands)
			if !slices.Equal(got, c.want) || wanted != c.wanted {
				t.Errorf("got %v, wanted %d; want %v, %d", got, wanted, c.want, c.wanted)
			}
		})
	}
}

func TestMoreIsGrantedPatiently(t *testing.T) {
	var a Allocator
	demands := []Demand{{Steps: steps(100_000, 500_000), Current: Paused}}
	grants := make([]int, 1)
	a.Allocate(start, 200_000, true, demands, grants)
	at := start.Add(5 * time.Second)
	if _, next := a.Allocate(at, 1_000_000, true, demands, grants); grants[0] != 0 || !next.Equal(at.Add(firstPatience)) {
		t.Fatalf("at once: %v, next %v", grants, next.Sub(at))
	}
	if a.Allocate(at.Add(firstPatience), 1_000_000, true, demands, grants); grants[0] != 1 {
		t.Errorf("after the patience: %v", grants)
	}
	if a.Allocate(at.Add(firstPatience+1), 499_999, true, demands, grants); grants[0] != 0 {
		t.Errorf("what no longer fits stays: %v", grants)
	}
	at = at.Add(time.Minute)
	if _, next := a.Allocate(at, 510_000, true, demands, grants); grants[0] != 0 || !next.IsZero() {
		t.Errorf("without room: %v, next %v", grants, next)
	}
}

func TestARaiseThatIsTakenBackMakesMorePatient(t *testing.T) {
	var a Allocator
	demands := []Demand{{Steps: steps(100_000, 500_000), Current: Paused}}
	settle(&a, start, time.Second, 200_000, demands)
	at, last := start.Add(2*time.Second), time.Duration(0)
	for range 7 {
		from := at
		for demands[0].Current == 0 {
			settle(&a, at, 0, 1_000_000, demands)
			at = at.Add(100 * time.Millisecond)
		}
		if took := at.Sub(from); took < min(2*last-300*time.Millisecond, mostPatience) {
			t.Errorf("after %v, then after %v", last, took)
		} else {
			last = took
		}
		settle(&a, at, time.Second, 300_000, demands)
		at = at.Add(2 * time.Second)
	}
	if last < 30*time.Second {
		t.Errorf("at last after %v", last)
	}
	settle(&a, at, 10*time.Minute, 300_000, demands)
	at = at.Add(10 * time.Minute)
	if grants, _ := settle(&a, at, 1500*time.Millisecond, 1_000_000, demands); grants[0] != 1 {
		t.Errorf("never calms down")
	}
}

func TestAnUnknownEstimateTakesNothingAway(t *testing.T) {
	var a Allocator
	demands := []Demand{{Steps: steps(100_000, 500_000, 2_000_000), Current: Paused}}
	grants := make([]int, 1)
	a.Allocate(start, 1_000_000, false, demands, grants)
	if grants[0] != 1 {
		t.Fatalf("granted %v of what is believed", grants)
	}
	demands[0].Steps = steps(200_000, 1_200_000, 4_000_000)
	for i := range 50 {
		a.Allocate(start.Add(time.Duration(i)*100*time.Millisecond), 1_000_000, false, demands, grants)
	}
	if grants[0] != 1 {
		t.Errorf("taken away though nothing is known: %v", grants)
	}
	if a.Allocate(start.Add(time.Minute), 1_000_000, true, demands, grants); grants[0] != 0 {
		t.Errorf("kept though it is known not to fit: %v", grants)
	}
}

// anyDemands draws what a session may want.
func anyDemands(t *rapid.T) (demands []Demand) {
	for range rapid.IntRange(1, 5).Draw(t, "sections") {
		d := Demand{
			Audio:    rapid.IntRange(0, 4).Draw(t, "audio") == 0,
			Hidden:   rapid.IntRange(0, 4).Draw(t, "hidden") == 0,
			Priority: rapid.IntRange(0, 2).Draw(t, "priority"),
			Current:  Paused,
		}
		n, bits := rapid.IntRange(0, 4).Draw(t, "steps"), 0
		if d.Audio {
			n, d.Hidden = min(n, 1), false
		}
		for range n {
			bits += rapid.IntRange(1, 1_000_000).Draw(t, "bits")
			live := rapid.IntRange(0, 4).Draw(t, "live") > 0
			d.Steps = append(d.Steps, Step{Bits: map[bool]int{true: bits}[live]})
		}
		demands = append(demands, d)
	}
	return demands
}

// sum adds up what the grants cost, with or without audio.
func sum(demands []Demand, grants []int, audio bool) (bits int) {
	for i, g := range grants {
		if g >= 0 && (audio || !demands[i].Audio) {
			bits += demands[i].Steps[g].Bits
		}
	}
	return bits
}

func TestPropertyNeverAboveTheEstimate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a Allocator
		demands := anyDemands(t)
		grants := make([]int, len(demands))
		now := start
		for range rapid.IntRange(1, 40).Draw(t, "rounds") {
			now = now.Add(time.Duration(rapid.IntRange(0, 5000).Draw(t, "later")) * time.Millisecond)
			bits := rapid.IntRange(0, 4_000_000).Draw(t, "estimate")
			if rapid.IntRange(0, 9).Draw(t, "other") == 0 {
				demands, now = anyDemands(t), now.Add(averageOver) // averages forget
				grants = make([]int, len(demands))
			}
			a.Allocate(now, bits, true, demands, grants)
			if sum(demands, grants, true) > bits && sum(demands, grants, false) > 0 {
				t.Fatalf("%+v of %d: %v", demands, bits, grants)
			}
			for i, d := range demands {
				live := slices.ContainsFunc(d.Steps, func(s Step) bool { return s.Bits > 0 })
				switch g := grants[i]; {
				case d.Audio && g != len(d.Steps)-1:
					t.Fatalf("audio gets %d", g)
				case d.Hidden && g != Paused && !d.Audio:
					t.Fatalf("hidden gets %d", g)
				case g >= len(d.Steps) || g < Paused:
					t.Fatalf("no step %d", g)
				case live && g != Paused && d.Steps[g].Bits == 0 && !d.Audio:
					t.Fatalf("gets what is not live")
				}
				demands[i].Current = grants[i]
			}
		}
	})
}

func TestPropertyMoreForAHigherEstimate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		demands := anyDemands(t)
		bits := rapid.IntRange(0, 4_000_000).Draw(t, "estimate")
		more := bits + rapid.IntRange(0, 1_000_000).Draw(t, "more")
		low, _ := settle(new(Allocator), start, 0, bits, slices.Clone(demands))
		high, _ := settle(new(Allocator), start, 0, more, slices.Clone(demands))
		if sum(demands, high, true) < sum(demands, low, true) {
			t.Fatalf("%d: %v, %d: %v", bits, low, more, high)
		}
	})
}

func TestPropertyAnEstimateThatStaysChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		demands := anyDemands(t)
		var a Allocator
		settle(&a, start, time.Second, rapid.IntRange(0, 4_000_000).Draw(t, "before"), demands)
		bits := rapid.IntRange(0, 4_000_000).Draw(t, "estimate")
		at := start.Add(time.Minute)
		grants, _ := settle(&a, at, 5*time.Second, bits, demands)
		first := slices.Clone(grants)
		later, _ := settle(&a, at.Add(6*time.Second), time.Minute, bits, demands)
		if !slices.Equal(first, later) {
			t.Fatalf("%v, later %v", first, later)
		}
	})
}
