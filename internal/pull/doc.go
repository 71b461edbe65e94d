// Package pull plays from any WHEP server, as a viewer would, and writes what
// comes to files, to standard output, or as plain RTP to a port.
//
// Packets are put in order and waited for while they may be sent again; frames
// that miss something are left out, with what builds on them, and a key frame is
// asked for. Outlets outlive connections: their time goes on where it was.
package pull
