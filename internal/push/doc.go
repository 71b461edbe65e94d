// Package push publishes to any WHIP server, as an encoder would: files, what
// comes through a pipe, and RTP that other programs send to a port.
//
// A Feed gives coded media on a clock of its own and outlives connections. Each
// of its tracks cuts frames into packets and hands them to the connection there
// is; while there is none they are gone, as with any live source.
package push
