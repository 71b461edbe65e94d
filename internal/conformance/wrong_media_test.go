package conformance_test

func keyFrameMistakes() []mistake {
	return []mistake{
		{name: "pictures begin in the middle", fails: "T-120", says: "starts no key frame", server: faults{startsAnywhere: true}.serve},
		{name: "ten requests a second", fails: "T-121", says: "requests for a key frame in", server: faults{asksAlways: true}.serve},
		{name: "a request for each viewer's", fails: "T-122", says: "PLIs of", server: faults{asksForEach: true}.serve},
		{name: "viewers' PLIs are not heard", fails: "T-122", says: "makes nobody ask", server: faults{}.serve},
		{name: "numbers of commands do not matter", fails: "T-123", says: "one of them repeated", server: faults{asksForEach: true}.serve},
	}
}

func repairMistakes() []mistake {
	return []mistake{
		{name: "viewers' NACKs are not heard", fails: "T-124", says: "were not sent again", server: faults{resendsNothing: true}.serve},
		{name: "viewers' NACKs are passed on", fails: "T-124", says: "the publisher was asked for", server: faults{resendsNothing: true, passesNACKs: true}.serve},
		{name: "publishers get no NACKs", fails: "T-125", says: "was asked for 0", server: faults{noNACKs: true}.serve},
		{name: "NACKs behind reports", fails: "T-126", says: "behind something else", server: faults{compound: true}.serve},
		{name: "any certificate will do", fails: "T-137", says: "its media is played", server: faults{trusting: true}.serve},
		{name: "probes are passed on", fails: "T-127", says: "without payload", server: faults{passesProbes: true}.serve},
	}
}
