package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headgate/headgate/internal/testkit/offers"
	"pgregory.net/rapid"
)

// TestPresentedCandidatesAreAnOrderedSubset holds for any list the stack may
// give, in any order.
func TestPresentedCandidatesAreAnOrderedSubset(t *testing.T) {
	line := rapid.Custom(func(r *rapid.T) string {
		return fmt.Sprintf("%d %d %s %d %s 8190 typ %s ufrag abcd", rapid.IntRange(0, 3).Draw(r, "foundation"),
			rapid.IntRange(1, 2).Draw(r, "component"), rapid.SampledFrom([]string{"udp", "tcp", "UDP"}).Draw(r, "transport"),
			rapid.IntRange(0, 3).Draw(r, "priority"), rapid.SampledFrom([]string{"192.0.2.1", "10.0.0.1", "2001:db8::1", "::1", "x.local"}).Draw(r, "address"),
			rapid.SampledFrom([]string{"host", "srflx"}).Draw(r, "type"))
	})
	rapid.Check(t, func(r *rapid.T) {
		given := rapid.SliceOfN(line, 0, 12).Draw(r, "lines")
		got := presentable(given, nil)
		shuffled := rapid.Permutation(given).Draw(r, "shuffled")
		if !slices.Equal(got, presentable(shuffled, nil)) {
			r.Fatalf("N-064 the order depends on the stack's: %q", got)
		}
		want := make(map[string]bool)
		for _, l := range given {
			if strings.Fields(l)[1] == "1" && !strings.Contains(l, ".local") {
				want[strings.TrimSuffix(l, " ufrag abcd")] = true
			}
		}
		last := -1
		for _, l := range got {
			c, _ := parseCandidate(l)
			if !want[l] || c.class < last {
				r.Fatalf("%q in %q", l, got)
			}
			delete(want, l)
			last = c.class
		}
		if len(want) != 0 {
			r.Fatalf("lost %v", want)
		}
	})
}

// TestSimulcastListsAgainstAModel builds a=simulcast from what it means.
func TestSimulcastListsAgainstAModel(t *testing.T) {
	known := []string{"a", "b", "c"}
	rapid.Check(t, func(r *rapid.T) {
		var streams, want []string
		for range rapid.IntRange(1, 4).Draw(r, "streams") {
			var alternatives []string
			first := ""
			for range rapid.IntRange(1, 3).Draw(r, "alternatives") {
				id := rapid.SampledFrom([]string{"a", "b", "c", "x", "y"}).Draw(r, "id")
				if first == "" && slices.Contains(known, id) {
					first = id
				}
				alternatives = append(alternatives, rapid.SampledFrom([]string{"", "~"}).Draw(r, "paused")+id)
			}
			streams = append(streams, strings.Join(alternatives, ","))
			if first != "" && !slices.Contains(want, first) {
				want = append(want, first)
			}
		}
		s := &offered{simulcasts: []string{
			rapid.SampledFrom([]string{"", "recv x;y "}).Draw(r, "other") + "send " + strings.Join(streams, ";"),
		}}
		for _, id := range known {
			s.rids = appendRID(s.rids, id+" send")
		}
		if got := s.simulcastRIDs(96); !slices.Equal(got, want) {
			r.Fatalf("N-213 %q: %q, want %q", s.simulcasts, got, want)
		}
	})
}

// TestPlansAreSharedSafely uses one offer and one plan from many goroutines, as
// the package promises; the race detector looks on.
func TestPlansAreSharedSafely(t *testing.T) {
	o := mustParse(t, offers.Get("obs-video-only"))
	plan, err := o.ForPublish(anyPublisher)
	if err != nil {
		t.Fatal(err)
	}
	local := localDescription(5)
	want, err := plan.Finish(local, DefaultAnswerOptions())
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			again, err := o.ForPublish(anyPublisher)
			if err != nil || again.SDP != plan.SDP || plan.WithCredentials(o.Ufrag, o.Pwd) != plan.SDP {
				t.Errorf("planned again: %v", err)
			}
			if got, err := plan.Finish(local, DefaultAnswerOptions()); err != nil || string(got) != string(want) {
				t.Errorf("finished again: %v", err)
			}
			if _, err := plan.RestartFragment(local, DefaultAnswerOptions()); err != nil {
				t.Error(err)
			}
			_ = o.Summary()
		})
	}
	work.Wait()
}
