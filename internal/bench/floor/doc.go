// Package floor measures the least processor time that a machine needs to give
// one packet to one viewer: AES-128-GCM over the payload, and the system call
// that hands it to the network, with as many packets per call as possible. What
// a server needs per packet can then be told as a multiple of it.
//
// The packets go over loopback to sockets that nobody reads, so that the
// receiving half of the system does as little as it can: it drops them.
package floor
