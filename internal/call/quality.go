package call

// Quality is how well a participant's media goes, from 0 (nothing works) to 5
// (nothing is wrong): Up what it sends, Down what it is sent. A way that is not used
// has no score: -1, left out in JSON by MarshalJSON.
type Quality struct{ Up, Down int }

// Measure is how one session did since the last look.
type Measure struct {
	Participant, Login, Session string
	// Up tells that it is a publisher's.
	Up bool
	// Loss is 0 to 1; Jitter and RTT are in seconds, 0 while unknown.
	Loss, Jitter, RTT float64
	// Estimate and Wanted are in bits per second, 0 while unknown.
	Estimate, Wanted int
	// Silent tells that nothing comes that should.
	Silent bool
}
