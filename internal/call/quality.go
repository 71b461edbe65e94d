package call

import (
	"encoding/json"
	"math"
)

// Best is the score of media that nothing is wrong with. 0 is nothing that could be
// used.
const Best = 5

// unscored is the score of a way that is not used.
const unscored = -1

// Quality is how well a participant's media goes, from 0 (nothing works) to 5
// (nothing is wrong): Up what it sends, Down what it is sent. A way that is not used
// has no score: -1, left out in JSON by MarshalJSON.
type Quality struct{ Up, Down int }

// MarshalJSON implements json.Marshaler.
func (q Quality) MarshalJSON() ([]byte, error) {
	var told struct {
		Up   *int `json:"up,omitempty"`
		Down *int `json:"down,omitempty"`
	}
	if q.Up != unscored {
		told.Up = &q.Up
	}
	if q.Down != unscored {
		told.Down = &q.Down
	}
	return json.Marshal(told)
}

// Measure is how one session did since the last look.
type Measure struct {
	Participant, Login, Session string
	// Up tells that it is a publisher's.
	Up bool
	// Loss is 0 to 1; Jitter and RTT are in seconds, 0 while unknown.
	Loss, Jitter, RTT float64
	// Estimate and Wanted are in bits per second, 0 while unknown: what the path is
	// believed to carry, and what all that is to be sent would take.
	Estimate, Wanted int
	// Silent tells that nothing comes that should.
	Silent bool
}

// The scale of impairments is that of the E-model (ITU-T G.107): what is wrong is
// taken from 100, each cause by itself. docs/quality.md says why these numbers.
const (
	mostOfLoss      = 95  // taken at a loss of everything
	lossRobustness  = .1  // the loss that costs half of that
	delayPerSecond  = 24  // taken for each second on the way
	slackDelay      = .18 // seconds; beyond it talking to each other suffers
	slackPerSecond  = 110 // taken for each second beyond that, too
	mostOfDelay     = 65  // taken at most: late is still better than nothing
	jittersBuffered = 2   // how much longer a player waits, in jitters
	mostOfShortage  = 75  // taken where the path carries nothing of what is wanted
)

// grades are what is left of 100 for each score from 1 to Best.
var grades = [Best]float64{14, 40, 60, 75, 90}

// Score is how well one session does, 0 to Best. It is Best for a session that
// nothing is known against, 0 for one that is silent, and no measure that gets worse
// raises it.
func Score(m Measure) int {
	if m.Silent {
		return 0
	}
	left := 100 - impairmentOfLoss(m.Loss) - impairmentOfDelay(m.RTT, m.Jitter) - impairmentOfShortage(m.Estimate, m.Wanted)
	score := 0
	for score < Best && left >= grades[score] {
		score++
	}
	return score
}

// impairmentOfLoss grows fast at first, as repair and concealment have less to go by.
func impairmentOfLoss(loss float64) float64 {
	loss = bounded(loss, 1)
	return mostOfLoss * loss / (loss + lossRobustness)
}

// impairmentOfDelay is that of a conversation: half the round trip, and the time that
// packets wait for late ones.
func impairmentOfDelay(rtt, jitter float64) float64 {
	oneWay := bounded(rtt, math.MaxFloat64)/2 + jittersBuffered*bounded(jitter, math.MaxFloat64)
	return min(mostOfDelay, delayPerSecond*oneWay+slackPerSecond*max(0, oneWay-slackDelay))
}

// impairmentOfShortage is that of fewer pictures and pixels than there could be.
func impairmentOfShortage(estimate, wanted int) float64 {
	if estimate <= 0 || wanted <= estimate {
		return 0
	}
	return mostOfShortage * (1 - float64(estimate)/float64(wanted))
}

// bounded is v from 0 to most, and 0 for what is no number.
func bounded(v, most float64) float64 {
	if !(v > 0) {
		return 0
	}
	return min(v, most)
}

// way is how a participant's sessions of one direction do together.
type way struct {
	sessions, silent, worst int
}

// dimmed is the best score of a participant one of whose sessions is silent.
const dimmed = 3

func (w *way) add(m Measure) {
	w.sessions++
	if m.Silent {
		w.silent++
		return
	}
	score := Score(m)
	if w.sessions-w.silent == 1 {
		w.worst = score
	}
	w.worst = min(w.worst, score)
}

// score is that of the worst session. A silent one among others takes the score to
// dimmed at most: a screen share that hangs says little of the camera beside it.
func (w *way) score() int {
	switch {
	case w.sessions == 0:
		return unscored
	case w.silent == w.sessions:
		return 0
	case w.silent > 0:
		return min(w.worst, dimmed)
	}
	return w.worst
}

// qualities are those of the participants that were measured.
func qualities(list []Measure) map[string]Quality {
	ways := make(map[string]*[2]way)
	for _, m := range list {
		if m.Participant == "" {
			continue
		}
		w := ways[m.Participant]
		if w == nil {
			w = new([2]way)
			ways[m.Participant] = w
		}
		w[direction(m.Up)].add(m)
	}
	all := make(map[string]Quality, len(ways))
	for id, w := range ways {
		all[id] = Quality{Up: w[direction(true)].score(), Down: w[direction(false)].score()}
	}
	return all
}

// direction is an index: 0 up, 1 down.
func direction(up bool) int {
	if up {
		return 0
	}
	return 1
}
