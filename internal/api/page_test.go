package api

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// pageOfChannels asks for a page and returns the names and the cursor.
func pageOfChannels(t *testing.T, b *backend, query string) (names []string, next string) {
	t.Helper()
	rec := get(t, b, Prefix+"/channels"+query)
	var page struct {
		Channels []struct{ Name string }
		Next     string
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &page); err != nil || rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	for _, c := range page.Channels {
		names = append(names, c.Name)
	}
	return names, page.Next
}

// Whoever reads all pages sees everybody once who was there all the time, whatever
// else comes and goes in between.
func TestPagesSurviveChanges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.Map(rapid.IntRange(0, 60), func(n int) string { return fmt.Sprintf("c%02d", n) })
		draw := func(what string) []string {
			list := rapid.SliceOfNDistinct(name, 0, 40, rapid.ID).Draw(rt, what)
			slices.Sort(list)
			return list
		}
		stay := draw("stay")
		limit := rapid.IntRange(1, 20).Draw(rt, "limit")
		var seen []string
		for after := ""; ; {
			b := &backend{}
			there := append(draw("passing"), stay...)
			slices.Sort(there)
			for _, name := range slices.Compact(there) {
				b.channels = append(b.channels, Channel{Name: name, Kind: "call", Publications: []Publication{}})
			}
			page, next := pageOfChannels(t, b, fmt.Sprintf("?limit=%d%s", limit, after))
			if len(page) > limit {
				rt.Fatalf("%d on a page of %d", len(page), limit)
			}
			seen = append(seen, page...)
			if next == "" {
				break
			}
			after = "&after=" + next
		}
		if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
			rt.Fatalf("%v: out of order, or twice", seen)
		}
		for _, name := range stay {
			if !slices.Contains(seen, name) {
				rt.Fatalf("%s is missing in %v", name, seen)
			}
		}
	})
}

func TestBadPages(t *testing.T) {
	for _, query := range []string{"?limit=0", "?limit=501", "?limit=", "?limit=ten", "?limit=1.5", "?after=", "?after=%", "?after=a", "?after=YQ=="} {
		if rec := get(t, &backend{}, Prefix+"/channels"+query); rec.Code != 400 {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
}
