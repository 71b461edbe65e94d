package call

import "github.com/headgate/headgate/internal/histogram"

// Tally is what a Service counts for those who run it. It holds no name.
type Tally struct {
	// Members are participants in the rosters of all channels, Streams what they read,
	// Calls the channels that are calls and have somebody in them, Bans and Invitations
	// those in force or pending.
	Members, Streams, Calls, Bans, Invitations int
	// Scores are those of members, up and down, each time they were looked at.
	Up, Down histogram.Histogram
	Data     DataStats
}

// scores counts scores. Service.mu guards it.
type scores struct{ ways [2]histogram.Histogram }

func newScores() scores {
	bounds := histogram.Bounds{0, 1, 2, 3, 4, Best}
	return scores{[2]histogram.Histogram{histogram.New(bounds), histogram.New(bounds)}}
}

func (t *scores) observe(q Quality) {
	for way, score := range [2]int{q.Up, q.Down} {
		if score != unscored {
			t.ways[way].Observe(float64(score))
		}
	}
}

// openInvitations counts those nobody has answered. s.mu is held.
func (s *Service) openInvitations() (n int) {
	for _, i := range s.invitations.byID {
		if i.State == InvitationPending {
			n++
		}
	}
	return n
}

// Tally returns what there is and what was counted so far.
func (s *Service) Tally() Tally {
	data := s.Data()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Tally{
		Streams: len(s.streams), Invitations: s.openInvitations(), Data: data,
		Up: s.tally.ways[direction(true)], Down: s.tally.ways[direction(false)],
	}
	for name, c := range s.channels {
		t.Bans += len(c.bans)
		for _, p := range c.people {
			if !p.joined.IsZero() {
				t.Members++
			}
		}
		if len(c.people) > 0 && s.kindOf(name) == Call {
			t.Calls++
		}
	}
	return t
}
