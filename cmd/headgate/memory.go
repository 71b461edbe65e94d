package main

import (
	"os"
	"runtime/debug"
)

// collectAt is by how many percent the heap may grow, beyond what is in use, until
// it is collected: half of Go's own. Most of it is what sessions take; they come
// seldom, and what flows between allocates next to nothing, so that collecting
// sooner costs little.
const collectAt = 50

// saveMemory sets collectAt, unless GOGC says otherwise.
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
}
