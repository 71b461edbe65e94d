package router

import "time"

// keyFeedback is how a publisher can be asked for a key frame (M-023).
type keyFeedback uint8

const (
	noKeyFeedback keyFeedback = iota
	feedbackPLI
	feedbackFIR
)

// keyFeedbackOf prefers PLI: FIR is for those who negotiated nothing else.
func keyFeedbackOf(f Feedback) keyFeedback {
	switch {
	case f.PLI:
		return feedbackPLI
	case f.FIR:
		return feedbackFIR
	}
	return noKeyFeedback
}

const (
	// maxBackoffSteps bounds the doublings of the request interval.
	maxBackoffSteps = 6
	// answersToHear is how many prompt key frames in a row it takes until a deaf
	// publisher counts as listening: one may be its regular interval.
	answersToHear = 2
)

// keyFramePolicy decides when one layer's publisher is asked for a key frame:
// merged, at most once per interval, repeated with back-off while unanswered,
// and cleared by any key frame (M-020 to M-022).
type keyFramePolicy struct {
	settings *IngestSettings
	can      keyFeedback
	command  uint8 // FIR's number: the same for repetitions (RFC 5104 4.3.1.1)

	pending bool
	asked   bool // a request is under way that no key frame has answered
	excused bool // the newest request fell into silence
	sent    time.Time
	steps   int // unanswered requests in a row
	answers int // answered ones in a row
	deaf    bool
}

func newKeyFramePolicy(s *IngestSettings, can keyFeedback) keyFramePolicy {
	return keyFramePolicy{settings: s, can: can, deaf: can == noKeyFeedback}
}

// request notes that somebody needs a key frame.
func (k *keyFramePolicy) request() {
	if k.can == noKeyFeedback || k.pending {
		return
	}
	k.pending = true
	k.command++
}

// try makes the first request when the publisher has been sending for a while:
// whether it listens should be known when somebody joins.
func (k *keyFramePolicy) try(sending time.Duration) {
	if after := k.settings.KeyFrameTry; k.sent.IsZero() && after >= 0 && sending >= after {
		k.request()
	}
}

// due tells whether a request is to be sent now, and counts it as sent.
func (k *keyFramePolicy) due(now time.Time) bool {
	if k.asked && now.Sub(k.sent) >= k.settings.KeyFrameAnswer {
		k.deaf, k.answers = true, 0
	}
	if !k.pending || !k.sent.IsZero() && now.Sub(k.sent) < k.interval() {
		return false
	}
	if (k.asked || k.excused) && k.steps < maxBackoffSteps {
		k.steps++
	}
	k.sent, k.asked, k.excused = now, true, false
	return true
}

// excuse tells that the newest packet came at newest. Who sent next to nothing since
// it was asked need not be deaf: browsers withhold layers that the network does not
// carry (N-217), and answer when they go on.
func (k *keyFramePolicy) excuse(now, newest time.Time) {
	if answer := k.settings.KeyFrameAnswer; k.asked && now.Sub(k.sent) >= answer && newest.Sub(k.sent) < answer/2 {
		k.asked, k.excused = false, true
	}
}

func (k *keyFramePolicy) interval() time.Duration {
	return min(k.settings.KeyFrameInterval<<k.steps, max(k.settings.KeyFrameBackoff, k.settings.KeyFrameInterval))
}

// keyFrame notes that a key frame began.
func (k *keyFramePolicy) keyFrame(now time.Time) {
	k.pending = false
	if k.excused {
		k.excused, k.steps = false, 0
	}
	if !k.asked {
		return
	}
	k.asked = false
	if now.Sub(k.sent) > k.settings.KeyFrameAnswer {
		k.deaf, k.answers = true, 0
		k.steps = min(k.steps+1, maxBackoffSteps)
		return
	}
	k.answers++
	if !k.deaf || k.answers >= answersToHear {
		k.deaf, k.steps = false, 0
	}
}
