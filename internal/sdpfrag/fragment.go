package sdpfrag

// Fragment is a trickle-ice-sdpfrag body (RFC 8840 section 9): session-level
// lines followed by pseudo media sections.
type Fragment struct {
	// Lite is a=ice-lite.
	Lite bool
	// Ufrag and Pwd are the credentials wherever in the body they stood: at
	// session level, else those of the first section that has them.
	Ufrag, Pwd string
	// Options are the tokens of a=ice-options, for example "trickle", "ice2".
	Options []string
	// Pacing is the value of a=ice-pacing in milliseconds; empty if absent.
	Pacing string
	// Group is the value of a=group, for example "BUNDLE 0 1"; empty if absent.
	Group string
	// EndOfCandidates is a=end-of-candidates, at session or at media level.
	EndOfCandidates bool
	Sections        []Section
}

// Section is one pseudo media section.
type Section struct {
	// Media is the m= line without "m=". Receivers ignore its content
	// (RFC 8840 section 4.4).
	Media string
	// Mid is a token, not a number; empty if absent.
	Mid string
	// Candidates are the values of a=candidate, without "candidate:".
	Candidates []string
}
