// Package call is what a channel is for people: who is in it and under which login,
// who speaks, who fills whose slots, what is said and who is invited. It knows no
// HTTP, SDP or packets; packets are the router's business, which it tells whom to
// show.
//
// A channel has people, and a person has streams (member streams), publications that
// are on air, and entries (WHIP and WHEP sessions). A person with a stream or a
// publication is a member, and in the roster. The router tells of publications by
// Observe, the sessions of themselves by Admit, Enter and what that returns; who is
// put out is ended by Sessions.
//
// Everything that happens is told to the members' streams: each has a log of its own,
// which begins with a snapshot, and an event is encoded once for all of them. Time
// comes from Parts.Now.
//
// Locks, in the order in which they may be taken: providing and configuring, which
// order what is told to the router, or a channel's stage, which holds who is shown;
// then the router's own lock; then Service.mu, which guards channels and all that hangs
// on them; then a session's own lock (Entry.Seen) or a log of events. Neither the router
// nor Sessions is called with Service.mu held. The data channels have locks of their
// own, taken without it, and the director's is a leaf.
//
// Goroutines: Start starts one, the loop, and Close waits for it. It looks ten times a
// second who speaks and once a second at what is over. Readers of streams belong to
// whoever called Listen.
package call
