package main

import (
	"slices"
	"strings"
)

// suggest names the known word that is nearest to a misspelt one, or all of
// them when none is near.
func suggest(misspelt string, known []string) string {
	slices.Sort(known)
	best, distance := "", 3
	for _, name := range known {
		if d := editDistance(misspelt, name); d < distance {
			best, distance = name, d
		}
	}
	if best != "" {
		return "; did you mean " + best + "?"
	}
	return "; known here: " + strings.Join(known, ", ")
}

// editDistance is Levenshtein's, in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
