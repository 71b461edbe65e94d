// Package source publishes synthetic streams, or files, to any WHIP server for
// load tests. What it sends looks like an encoder's work to everything that does
// not decode it, costs little to make, and carries in every packet the time it
// was sent (package stamp).
package source
