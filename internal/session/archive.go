package session

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/headgate/headgate/auth"
	"github.com/headgate/headgate/internal/diagnose"
)

// The bounds of an archive.
const (
	archiveFor = 10 * time.Minute
	archiveMax = 1000
)

// owner is who may ask for a session: whoever made it.
type owner struct {
	action auth.Action
	place  auth.Place
	grant  auth.Grant
	from   netip.Addr
	// token is a digest of what a refused POST showed.
	token [sha256.Size]byte
}

// record is what is kept of a session that ended or was refused. facts change
// under the archive's lock.
type record struct {
	owner
	id      string
	started time.Time
	reached string
	facts   diagnose.Session
	history []Fact
	dropped int
	until   time.Time
}

// archive keeps records for a while, the newest archiveMax of them. Safe for
// concurrent use; a leaf among the locks.
type archive struct {
	mu    sync.Mutex
	byID  map[string]*record
	order []*record // oldest first
}

func newArchive() *archive { return &archive{byID: make(map[string]*record)} }

func (a *archive) keep(r *record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID[r.id] = r
	a.order = append(a.order, r)
	if len(a.order) > archiveMax {
		a.dropOldest()
	}
}

func (a *archive) dropOldest() {
	delete(a.byID, a.order[0].id)
	a.order[0] = nil
	a.order = a.order[1:]
}

// sweep forgets what is too old.
func (a *archive) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.order) > 0 && !now.Before(a.order[0].until) {
		a.dropOldest()
	}
}

// get returns a copy, whose slices nobody changes.
func (a *archive) get(id string) (record, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.byID[id]; r != nil {
		return *r, true
	}
	return record{}, false
}

// late notes that the client asked for a session that is over.
func (a *archive) late(id string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.byID[id]; r != nil {
		r.facts.Late++
		r.facts.LastLate = now.Sub(r.facts.At)
	}
}
