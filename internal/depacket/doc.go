// Package depacket puts RTP packets back in order and into frames, for the tools
// that take RTP in: pull from a server, push from a port. Nothing here asks what
// time it is; nothing is safe for concurrent use.
package depacket
