// Package conformance is a black-box test kit for WHIP and WHEP servers. It
// talks to a server as clients do: HTTP over real sockets (raw ones where bytes
// matter), and a scripted WebRTC client whose offers can be edited, whose
// datagrams can be looked at, and which can behave badly.
//
// A Case proves requirements of RFC 9725, of the playback draft or of the RFCs
// they build on, and is PASS, FAIL or SKIP. What a black box cannot know or do
// (a second token, limits that count this machine, a drain) is part of the
// Target; without it the cases that need it are skipped with that reason.
//
// Ids beginning with T are test cases of the project's protocol checklist, ids
// beginning with N the requirements of it that have a case of their own.
//
// Of the checklist's media cases, T-130 (repairs that are another layer's) and T-134 (a viewer whose way is narrow) are not
// here: both want a server with time to spare, or a queue, which the kit cannot give; the gateway's own tests show them in fake time.
package conformance
