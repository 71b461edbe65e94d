// Package wish holds what WHIP and WHEP share over HTTP: the endpoint that takes
// an offer, the session resource with its PATCH and DELETE, CORS, ICE servers in
// Link headers, and the client's side of it all. It knows headers and bodies,
// and nothing of authorisation, media or packets: whoever implements the
// backends decides.
package wish
