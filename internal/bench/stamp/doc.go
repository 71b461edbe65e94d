// Package stamp marks the frames of a synthetic stream with the time they were
// made, so that whoever receives them can tell how long they were under way.
//
// A stamp is plain text: no NAL unit needs emulation prevention for it, and a
// server that takes frames apart and packetises them anew carries it along.
package stamp
