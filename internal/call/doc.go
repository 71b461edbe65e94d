// Package call is what a channel is for people: who is in it and under which login,
// who speaks, who fills whose slots, what is said and who is invited. It knows no
// HTTP, SDP or packets; packets are the router's business, which it tells whom to
// show.
//
// Everything that happens is told to the members' event streams. Time comes from
// Parts.Now.
package call
