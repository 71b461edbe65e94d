package api

import (
	"fmt"
	"strings"
	"testing"
)

// Everybody's tags are in everybody's snapshot.
func TestTagsAreBoundedTogether(t *testing.T) {
	for n, good := range map[int]bool{1: true, 8: true, 9: false, 32: false} {
		tags := make(map[string]string)
		for i := range n {
			tags[fmt.Sprintf("%06d", i)] = strings.Repeat("v", 250)
		}
		if err := (Join{Tags: tags}).valid(); (err == nil) != good {
			t.Errorf("%d tags of 256 bytes: %v", n, err)
		}
	}
}
