package call

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/headgate/headgate/router"
)

// The rules for who speaks; docs/decisions/0045 has the reasons.
const (
	// attack is how much of activity makes a voice a speaker, release how long a pause
	// ends that.
	attack, release = 300 * time.Millisecond, 700 * time.Millisecond
	// Whoever is heard may be followed by another after a pause this long, if that one
	// has been active for as much.
	turnPause, turnActive = 400 * time.Millisecond, 400 * time.Millisecond
	// Whoever is heard and goes on is followed only by a voice that talked more than
	// him, by this factor and some decibels, for this long.
	outTalkFactor, outTalkMargin, outTalkFor = 1.5, 5.0, time.Second
	// talkMemory is the time constant of how much somebody talks.
	talkMemory = time.Second
	// longestStep bounds what one look at the voices counts for.
	longestStep = 200 * time.Millisecond
	// recentSpeakers bounds those who are remembered.
	recentSpeakers = 16
)

// speaker finds out who speaks in a channel. It is pure: levels come in, about every
// 100 ms, and whoever is to be heard and to be seen comes out.
//
// Whoever is heard changes at once; the picture follows when the same participant has
// been heard for hold and has been active for half of that, so that a cough or a word
// of agreement does not move it. Silence changes nothing.
type speaker struct {
	hold   time.Duration
	voices map[router.Cast]*voice
	looked time.Time
	// heard is whose sound is on; the zero Cast before anybody spoke.
	heard router.Cast
	// follows is the participant whom the picture is to follow, with the time since
	// then and how much of that he was active. active counts no further than hold.
	follows string
	since   time.Time
	active  time.Duration
	// seen is the participant with the picture.
	seen string
	// spoke are those who were heard, the newest first.
	spoke []router.Cast
}

// sample is the level of a voice at one look; what is not known counts as silence.
type sample struct {
	router.Cast
	level uint8
	known bool
	// picture tells that there is a picture with it, and mute that its sound is not
	// passed on. Publications without sound are samples that are never known.
	picture, mute bool
}

func newSpeaker(hold time.Duration) *speaker {
	return &speaker{hold: hold, voices: make(map[router.Cast]*voice)}
}

// look takes the levels of all voices of the channel.
func (s *speaker) look(now time.Time, samples []sample) {
	step := min(max(now.Sub(s.looked), 0), longestStep)
	if s.looked.IsZero() {
		step = 0
	}
	s.looked = now
	s.forget(func(c router.Cast) bool {
		return slices.ContainsFunc(samples, func(m sample) bool { return m.Cast == c })
	})
	gain := 1 - math.Exp(-float64(step)/float64(talkMemory))
	for _, m := range samples {
		v := s.voices[m.Cast]
		if v == nil {
			v = newVoice(m.Cast)
			s.voices[m.Cast] = v
		}
		v.look(now, step, gain, m)
	}
	s.choose(now, step)
	s.follow(now, step, samples)
}

// forget drops the voices that are not there any more.
func (s *speaker) forget(there func(router.Cast) bool) {
	for c := range s.voices {
		if !there(c) {
			delete(s.voices, c)
		}
	}
	s.spoke = slices.DeleteFunc(s.spoke, func(c router.Cast) bool { return s.voices[c] == nil })
	if s.voices[s.heard] == nil {
		s.heard = router.Cast{}
	}
}

// choose decides who is heard.
func (s *speaker) choose(now time.Time, step time.Duration) {
	heard := s.voices[s.heard]
	var best *voice
	for _, v := range s.voices {
		if v == heard || !v.speaking {
			continue
		}
		v.outTalks(heard, step)
		if v.follows(now, heard) && (best == nil || v.before(best)) {
			best = v
		}
	}
	if best == nil {
		return
	}
	s.heard = best.cast
	for _, v := range s.voices {
		v.ahead = 0
	}
	s.spoke = slices.Insert(slices.DeleteFunc(s.spoke, func(c router.Cast) bool { return c == s.heard }), 0, s.heard)
	s.spoke = s.spoke[:min(len(s.spoke), recentSpeakers)]
}

// follow decides who is seen.
func (s *speaker) follow(now time.Time, step time.Duration, samples []sample) {
	has := func(participant string) bool {
		return slices.ContainsFunc(samples, func(m sample) bool { return m.picture && m.Participant == participant })
	}
	if s.seen != "" && !has(s.seen) {
		s.seen = ""
	}
	if s.heard.Participant != s.follows {
		s.follows, s.since, s.active = s.heard.Participant, now, 0
	}
	if v := s.voices[s.heard]; v != nil && v.active {
		s.active = min(s.active+step, s.hold)
	}
	switch {
	case s.follows == "" || s.follows == s.seen || !has(s.follows):
	case s.seen == "", now.Sub(s.since) >= s.hold && s.active >= s.hold/2:
		s.seen = s.follows
	}
}

// speaking lists the participants who speak, by id, each once.
func (s *speaker) speaking() (list []string) {
	for c, v := range s.voices {
		if v.speaking {
			list = append(list, c.Participant)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// silentSince is when a participant was last active, the zero time for never.
func (s *speaker) silentSince(participant string) (last time.Time) {
	for c, v := range s.voices {
		if c.Participant == participant && v.last.After(last) {
			last = v.last
		}
	}
	return last
}

// before orders those who could be heard next: who talks more comes first.
func (v *voice) before(other *voice) bool {
	return cmp.Or(cmp.Compare(other.talk, v.talk),
		cmp.Compare(v.cast.Participant, other.cast.Participant), cmp.Compare(v.cast.Source, other.cast.Source)) < 0
}
