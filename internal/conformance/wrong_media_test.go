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
